// The table of docs/costs.md: read, compared with what was counted, and written.
import type { Costs } from "./count.ts";
import type { Cost, CostName } from "./counted-product.ts";

const columns = ["first_turn", "turn", "step", "token"] as const;

const rows: Record<CostName, string> = {
  object_statements: "object: SQL statements",
  object_transactions: "object: transactions",
  object_rows_written: "object: rows written",
  object_rows_read: "object: rows read",
  alarms: "object: alarms set (a row written each)",
  d1_trips: "D1: trips",
  d1_statements: "D1: SQL statements",
  d1_rows_written: "D1: rows written",
  d1_rows_read: "D1: rows read",
  timers: "timers set",
  requests: "requests sent",
  writes: "chunks written to streams",
  jobs: "jobs sent to the queue",
  log_lines: "lines logged",
  encoded_bytes: "bytes encoded as UTF-8",
  json_characters: "characters written as JSON",
  parsed_characters: "characters read as JSON",
};

type StartName = Exclude<keyof Costs, (typeof columns)[number]>;

const startRows: Record<StartName, string> = {
  modules: "modules evaluated at start-up",
  bundle_kib: "bundle, KiB",
};

/** Every figure by name, as it stands in the table. */
export type Figures = Map<string, number>;

export function listFigures(costs: Costs): Figures {
  const counted = (Object.keys(rows) as CostName[]).flatMap((name) =>
    columns.map((column): [string, number] => [nameFigure(rows[name], column), roundCount(costs[column][name])]),
  );
  const atStart = (Object.keys(startRows) as StartName[]).map((name): [string, number] => [
    startRows[name],
    Math.ceil(costs[name]),
  ]);
  return new Map([...counted, ...atStart]);
}

/** What is counted in some turns or tokens only shows as a fraction. */
function roundCount(value: Cost[CostName]): number {
  return Math.round(value * 100) / 100;
}

function nameFigure(row: string, column: (typeof columns)[number]): string {
  return `${row}, ${column.replace("_", " ")}`;
}

const START = "<!-- costs: written by `npm run check -- --record` -->";
const END = "<!-- end of costs -->";

/** Throws if the document has no table, or one with an empty cell or two rows of a name. */
export function readFigures(document: string): Figures {
  const figures: Figures = new Map();
  const add = (name: string, cell: string | undefined): void => {
    if (cell === undefined || !/^[\d.]+$/.test(cell)) throw new Error(`the table of costs has no number for ${name}`);
    if (figures.has(name)) throw new Error(`the table of costs has ${name} twice`);
    figures.set(name, Number(cell));
  };
  for (const line of cutTables(document).tables.split("\n")) {
    const [, title = "", ...cells] = line.split("|").map((cell) => cell.trim());
    if (title === "" || title.startsWith("-")) continue;
    if (isStartRow(title)) add(title, cells[0]);
    else for (const [place, column] of columns.entries()) add(nameFigure(title, column), cells[place]);
  }
  return figures;
}

function isStartRow(title: string): boolean {
  return Object.values(startRows).includes(title);
}

/** The document with tables of these figures. */
export function writeFigures(document: string, figures: Figures): string {
  const valueIn = (name: string): number => figures.get(name) ?? 0;
  const counted = Object.values(rows).map(
    (title) => `| ${title} | ${columns.map((column) => valueIn(nameFigure(title, column))).join(" | ")} |`,
  );
  const atStart = Object.values(startRows).map((title) => `| ${title} | ${valueIn(title)} |`);
  const head = `| | ${columns.map((column) => column.replace("_", " ")).join(" | ")} |\n|---|--:|--:|--:|--:|`;
  const tables = `${head}\n${counted.join("\n")}\n\n| | |\n|---|--:|\n${atStart.join("\n")}`;
  const { before, after } = cutTables(document);
  return `${before}\n\n${tables}\n\n${after}`;
}

/** The document in three parts; the marks belong to the outer ones. */
function cutTables(document: string): { before: string; tables: string; after: string } {
  const start = document.indexOf(START) + START.length;
  const end = document.indexOf(END);
  if (start < START.length || end < start) throw new Error("the document has no table of costs");
  return { before: document.slice(0, start), tables: document.slice(start, end), after: document.slice(end) };
}

export interface Comparison {
  /** Lines for people. A figure that only one side has counts as worse: nothing guards it. */
  worse: string[];
  better: string[];
}

/**
 * A message that is kept behind a weak reference is written anew once it was collected, so one message more may be
 * written in any turn: its 58 characters are half a percent of the ten turns, and 1.4 % of a hundred tokens.
 */
const WRITTEN = rows.json_characters;
const WRITTEN_SHARE = 0.02;

function isSame(name: string, now: number | undefined, before: number | undefined): boolean {
  if (now === undefined || before === undefined || !name.startsWith(WRITTEN)) return now === before;
  return Math.abs(now - before) <= before * WRITTEN_SHARE;
}

export function compareFigures(counted: Figures, recorded: Figures): Comparison {
  const comparison: Comparison = { worse: [], better: [] };
  for (const name of new Set([...counted.keys(), ...recorded.keys()])) {
    const [now, before] = [counted.get(name), recorded.get(name)];
    if (isSame(name, now, before)) continue;
    const line = `${name}: ${now ?? "not counted"}, recorded: ${before ?? "nothing"}`;
    const isBetter = now !== undefined && before !== undefined && now < before;
    comparison[isBetter ? "better" : "worse"].push(line);
  }
  return comparison;
}
