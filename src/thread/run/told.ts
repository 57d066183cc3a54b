// What the thread's model was told once, so that it is told neither twice nor in other words: what stands in front of
// messages (the environment, later days), and which sandbox was introduced. It is a row of `meta`, which no reader, no
// D1 and no list of messages sees. A thread of a former version is told with its next run.
import { type Day, describeBeginning, describeLaterDay, type NetworkRules } from "../../agent/context/environment.ts";
import { isRecord } from "../../lib/is-record.ts";
import { dayIn } from "../../lib/time-zone.ts";
import { isList, isNumber, isText, shapeOf } from "../../store/shapes/stored.ts";
import type { Life } from "../life.ts";
import { readMeta, type Sql, writeMeta } from "../rows/database.ts";
import type { RunRecord } from "../rows/runs.ts";

const KEY = "told";
/** One a day. Only the last hundreds of days are ever read: summaries replace what is before them. */
const MAX_NOTES = 400;

interface Note {
  /** The row of the message that it stands in front of. */
  seq: number;
  text: string;
}

interface Told {
  /** The newest day. Null if no message was told of one. */
  day: { date: string; time_zone: string } | null;
  /** In the order of their rows. */
  notes: Note[];
  /** The sandbox that was introduced last. */
  sandbox: string | null;
}

const nothing: Told = { day: null, notes: [], sandbox: null };

function readTold(sql: Sql): Told {
  return readMeta(sql, KEY, shapeOf(isTold)) ?? nothing;
}

/** Whether the run's message will be the first that is told anything. */
export function isBeginning(life: Life): boolean {
  return readTold(life.database.sql).day === null;
}

/** Whether the agent has a tool that uses a sandbox. */
export function usesSandbox(life: Life, { agent }: RunRecord): boolean {
  const { tools } = agent.config;
  return life.ports.tools.some(({ kind, name }) => kind === "work" && (tools === null || tools.includes(name)));
}

/**
 * Tells the environment in front of a thread's first message, and the date in front of a later day's. `seq` is the row
 * of the run's first message. Inside a transaction.
 */
export function tellMessage(life: Life, record: RunRecord, seq: number, network: NetworkRules): void {
  const { sql } = life.database;
  const told = readTold(sql);
  const time_zone = record.input?.time_zone ?? told.day?.time_zone ?? "UTC";
  const day: Day = { ...dayIn(time_zone, life.ports.clock.now()), time_zone };
  if (told.day !== null && day.date <= told.day.date) return;
  const sandbox = usesSandbox(life, record) ? { network } : null;
  const text = told.day === null ? describeBeginning(day, sandbox) : describeLaterDay(day);
  const [first, ...others] = [...told.notes, { seq, text }];
  const notes = first === undefined ? [] : [first, ...others.slice(1 - MAX_NOTES)];
  writeMeta(sql, KEY, { ...told, day: { date: day.date, time_zone }, notes } satisfies Told);
}

/** What stands in front of messages: of rows before `from` in order, and of the others by row. */
export function readNotes(sql: Sql, from: number): { earlier: string[]; later: Map<number, string> } {
  const { notes } = readTold(sql);
  return {
    earlier: notes.filter(({ seq }) => seq < from).map(({ text }) => text),
    later: new Map(notes.filter(({ seq }) => seq >= from).map(({ seq, text }) => [seq, text])),
  };
}

export function readIntroduced(sql: Sql): string | null {
  return readTold(sql).sandbox;
}

/** Inside the transaction that stores the result with the introduction. */
export function storeIntroduced(sql: Sql, sandbox: string): void {
  writeMeta(sql, KEY, { ...readTold(sql), sandbox } satisfies Told);
}

function isTold(value: unknown): value is Told {
  if (!isRecord(value) || !isList(value.notes, isNote)) return false;
  if (value.sandbox !== null && !isText(value.sandbox)) return false;
  return value.day === null || (isRecord(value.day) && isText(value.day.date) && isText(value.day.time_zone));
}

function isNote(value: unknown): value is Note {
  return isRecord(value) && isNumber(value.seq) && isText(value.text);
}
