// What one turn costs: counted by the guard (docs/costs.md), measured in bytes (`measure.ts`), and what only the platform
// knows, taken from its documentation.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Figures, readFigures } from "../guard/costs.ts";

/** Bytes that are stored. */
export interface StoredBytes {
  first_turn: number;
  turn: number;
  step: number;
}

export interface Units {
  d1: StoredBytes;
  object: StoredBytes;
  /** What a deleted thread leaves in D1. */
  tombstone: number;
}

export interface Counted {
  first_turn: number;
  turn: number;
  step: number;
}

export interface CountedCosts {
  object_rows_written: Counted;
  object_rows_read: Counted;
  d1_rows_written: Counted;
  d1_rows_read: Counted;
}

const page = join(import.meta.dirname, "../../docs/costs.md");

export async function readCounted(): Promise<CountedCosts> {
  const figures = readFigures(await readFile(page, "utf8"));
  const of = (row: string): Counted => ({
    first_turn: figureOf(figures, `${row}, first turn`),
    turn: figureOf(figures, `${row}, turn`),
    step: figureOf(figures, `${row}, step`),
  });
  return {
    object_rows_written: of("object: rows written"),
    object_rows_read: of("object: rows read"),
    d1_rows_written: of("D1: rows written"),
    d1_rows_read: of("D1: rows read"),
  };
}

function figureOf(figures: Figures, name: string): number {
  const figure = figures.get(name);
  if (figure === undefined) throw new Error(`docs/costs.md has no figure "${name}"`);
  return figure;
}

/** Of a turn, and of a thread's page beside it. */
export const platform = {
  /** An object that could sleep is not billed, also before it does. */
  turn_seconds: 10,
  /** docs/performance.md: 2.84 s for a thousand turns, 39 ms for ten steps; the platform's cores are not faster. */
  turn_cpu_ms: 5,
  step_cpu_ms: 4,
  /** A page sends the turn, and reads the thread, its messages and the list again. */
  requests: 4,
  /** Rows that these reads take in D1: twenty messages, a list of fifty threads with their newest runs. */
  rows_read: 200,
  /** D1 works one statement at a time. docs/performance.md: 1.5 s for a thousand turns with their key. */
  d1_write_ms: 1.5,
  d1_read_ms: 0.5,
  /** A run that works sets an alarm, and sends what is new. */
  heartbeat_seconds: 30,
} as const;
