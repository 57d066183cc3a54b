// Counts the rows that a turn writes, with the product's Worker and a counter around its databases (row-counter.ts).
import { load, STEPS, type Subject } from "./scenarios.ts";
import type { RowCounts } from "./targets.ts";

const order = { tokens: 50, rate: 0, steps: 0 };
const TURNS = 20;

export async function countRows(subject: Subject): Promise<{ title: string; rows: RowCounts }[]> {
  await readCounts(subject);
  await load(subject, "rows", { order });
  const first = await readCounts(subject);
  await load(subject, "rows", { turns: TURNS, order });
  const turn = divide(await readCounts(subject), TURNS);
  await load(subject, "rows", { order: { ...order, steps: STEPS } });
  const steps = await readCounts(subject);
  return [
    { title: "first turn of a thread, tables and project included", rows: first },
    { title: "a turn of 50 tokens", rows: turn },
    { title: "each tool step more", rows: divide(subtract(steps, turn), STEPS) },
  ];
}

async function readCounts({ target }: Subject): Promise<RowCounts> {
  // Writes that follow a turn (D1's position, a trim) come just after the end of its stream.
  await new Promise((resolve) => setTimeout(resolve, 200));
  return (await (await fetch(`${target.url}/row-counts`)).json()) as RowCounts;
}

function divide(counts: RowCounts, by: number): RowCounts {
  return map(counts, (value) => value / by);
}

function subtract(counts: RowCounts, less: RowCounts): RowCounts {
  return map(counts, (value, name) => value - less[name]);
}

function map(counts: RowCounts, change: (value: number, name: keyof RowCounts) => number): RowCounts {
  const { object_rows, object_writes, database_rows, database_calls } = counts;
  return {
    object_rows: change(object_rows, "object_rows"),
    object_writes: change(object_writes, "object_writes"),
    database_rows: change(database_rows, "database_rows"),
    database_calls: change(database_calls, "database_calls"),
  };
}
