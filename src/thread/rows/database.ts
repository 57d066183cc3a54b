// The object's own SQLite: its tables, and how values and long texts are read and written. Everything here is
// synchronous, so that one transaction holds a fact and its state.
import { readStored, type Shape, UnreadableRow } from "../../store/shapes/stored.ts";

export type SqlValue = string | number | null;

/** The part of a Durable Object's `storage.sql` that is used. Tests bring another SQLite. */
export interface Sql {
  exec<Row extends Record<string, SqlValue>>(query: string, ...bindings: SqlValue[]): { toArray(): Row[] };
}

export interface Database {
  sql: Sql;
  /** All or nothing; throws what `change` throws. */
  transaction<T>(change: () => T): T;
}

const tables = [
  `CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS journal (
     seq INTEGER PRIMARY KEY, from_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL, heads INTEGER NOT NULL,
     replay_from INTEGER NOT NULL, replay_to INTEGER NOT NULL, invocation_id TEXT NOT NULL, events TEXT,
     unstored TEXT)`,
  `CREATE TABLE IF NOT EXISTS messages (
     seq INTEGER PRIMARY KEY, message_id TEXT NOT NULL, invocation_id TEXT, agent_id TEXT, type TEXT NOT NULL,
     is_llm_message INTEGER NOT NULL, content TEXT, metadata TEXT, version INTEGER NOT NULL,
     created_at TEXT NOT NULL)`,
  `CREATE UNIQUE INDEX IF NOT EXISTS messages_by_id ON messages (message_id)`,
  `CREATE TABLE IF NOT EXISTS runs (
     invocation_id TEXT PRIMARY KEY, position INTEGER NOT NULL, status TEXT NOT NULL, released INTEGER NOT NULL,
     startable INTEGER NOT NULL, hash TEXT NOT NULL, run TEXT, input TEXT, agent TEXT NOT NULL,
     start_seq INTEGER, end_seq INTEGER, lives TEXT NOT NULL, started_calls TEXT NOT NULL,
     version INTEGER NOT NULL, changed INTEGER NOT NULL, verdict TEXT, spending TEXT) WITHOUT ROWID`,
  // Live runs and those whose end is not released yet. A life reads them first; they are never more than a few rows.
  `CREATE INDEX IF NOT EXISTS runs_live ON runs (position) WHERE released = 0`,
  `CREATE TABLE IF NOT EXISTS steered (
     invocation_id TEXT PRIMARY KEY, position INTEGER NOT NULL, run_id TEXT NOT NULL, hash TEXT NOT NULL,
     messages TEXT, created_at TEXT) WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS results (seq INTEGER PRIMARY KEY, tool_call_id TEXT NOT NULL, content TEXT)`,
  `CREATE INDEX IF NOT EXISTS results_by_call ON results (tool_call_id)`,
  `CREATE TABLE IF NOT EXISTS reply_extras (seq INTEGER PRIMARY KEY, content TEXT NOT NULL)`,
  `CREATE TABLE IF NOT EXISTS followers (invocation_id TEXT PRIMARY KEY, state TEXT NOT NULL) WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS overflow (
     owner TEXT NOT NULL, part INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY (owner, part)) WITHOUT ROWID`,
];

/** Tables of threads that look things up. They are made when the first row comes, so that no other thread pays for them. */
const researchTables = [
  `CREATE TABLE IF NOT EXISTS sources (
     n INTEGER PRIMARY KEY, url TEXT NOT NULL UNIQUE, title TEXT, date TEXT, read_at TEXT, hash TEXT)`,
  `CREATE TABLE IF NOT EXISTS run_cache (
     id INTEGER PRIMARY KEY, invocation_id TEXT NOT NULL, key TEXT NOT NULL, size INTEGER NOT NULL, content TEXT,
     UNIQUE (invocation_id, key))`,
];

/** Columns that tables of earlier versions do not have. */
const laterColumns = [
  { table: "runs", column: "verdict", type: "TEXT" },
  { table: "steered", column: "created_at", type: "TEXT" },
  { table: "runs", column: "spending", type: "TEXT" },
];

/** One statement for a new thread, and only a question for one that has all tables. */
export function createTables(sql: Sql): void {
  const made = new Map(
    sql
      .exec<{ name: string; sql: string | null }>("SELECT name, sql FROM sqlite_master")
      .toArray()
      .map((row) => [row.name, row.sql]),
  );
  const missing = tables.filter((statement) => !made.has(nameIn(statement)));
  if (missing.length > 0) sql.exec(missing.join(";\n"));
  for (const { table, column, type } of laterColumns) {
    if (made.get(table)?.includes(column) === false) sql.exec(`ALTER TABLE ${table} ADD COLUMN ${column} ${type}`);
  }
}

/** The name of the table or index that a statement makes. */
function nameIn(statement: string): string {
  return /IF NOT EXISTS (\w+)/.exec(statement)?.[1] ?? "";
}

/** Inside the transaction that stores their first row. */
export function createResearchTables(sql: Sql): void {
  for (const table of researchTables) sql.exec(table);
}

/** Whether the thread has looked anything up. Without these tables nothing may read them. */
export function hasResearchTables(sql: Sql): boolean {
  return sql.exec<{ name: string }>("SELECT name FROM sqlite_master WHERE name = 'run_cache'").toArray().length > 0;
}

/** A version that does not know these tables leaves them when it deletes a thread. */
export function dropResearchTables(sql: Sql): void {
  for (const table of researchTableNames) sql.exec(`DROP TABLE IF EXISTS ${table}`);
}

const researchTableNames = ["sources", "run_cache"];
const tableNames = ["journal", "messages", "runs", "steered", "results", "reply_extras", "followers", "overflow"];

/** Drops all tables except `meta`, which it empties. Inside a transaction. */
export function dropTables(sql: Sql): void {
  for (const table of tableNames) sql.exec(`DROP TABLE IF EXISTS ${table}`);
  dropResearchTables(sql);
  sql.exec("DELETE FROM meta");
}

/** An object whose thread was never created has no tables, and a request for it must not create them. */
export function hasTables(sql: Sql): boolean {
  return sql.exec<{ name: string }>("SELECT name FROM sqlite_master WHERE name = 'meta'").toArray().length > 0;
}

/** Null if the key has no value, or none of a known shape. */
export function readMeta<T>(sql: Sql, key: string, shape: Shape<T>): T | null {
  const text = readMetaText(sql, key);
  return (text !== null ? readStored(shape, text, "meta", key) : null) ?? null;
}

/** Like `readMeta`, for values without a default: throws if there is a value and it has no known shape. */
export function readRequiredMeta<T>(sql: Sql, key: string, shape: Shape<T>): T | null {
  const text = readMetaText(sql, key);
  if (text === null) return null;
  const value = readStored(shape, text, "meta", key);
  if (value === undefined) throw new UnreadableRow(`the stored ${key} can't be read`);
  return value;
}

function readMetaText(sql: Sql, key: string): string | null {
  const known = knownMeta.get(sql);
  if (known !== undefined) return known.get(key) ?? null;
  return sql.exec<{ value: string }>("SELECT value FROM meta WHERE key = ?", key).toArray()[0]?.value ?? null;
}

const knownMeta = new WeakMap<Sql, ReadonlyMap<string, string>>();

/** Calls `work`, which reads many values of `meta` and writes none, with one statement for all; none if there are none. */
export function readingMeta<T>(sql: Sql, isEmpty: boolean, work: () => T): T {
  const rows = isEmpty ? [] : sql.exec<{ key: string; value: string }>("SELECT key, value FROM meta").toArray();
  knownMeta.set(sql, new Map(rows.map(({ key, value }) => [key, value])));
  try {
    return work();
  } finally {
    knownMeta.delete(sql);
  }
}

export function writeMeta(sql: Sql, key: string, value: unknown): void {
  sql.exec(
    "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    key,
    JSON.stringify(value),
  );
}

export function deleteMeta(sql: Sql, key: string): void {
  sql.exec("DELETE FROM meta WHERE key = ?", key);
}

// A row may hold 2 MB. A text over 1 MB goes to `overflow` in parts, and its column holds NULL.
const MAX_TEXT_BYTES = 1_000_000;
// A UTF-16 unit is three bytes of UTF-8 at most, so a part stays under the same limit.
const PART_UNITS = 300_000;

const encoder = new TextEncoder();

/** Whether a text needs no `overflow`. */
export function fitsColumn(text: string): boolean {
  return text.length * 3 <= MAX_TEXT_BYTES || encoder.encode(text).byteLength <= MAX_TEXT_BYTES;
}

/** The value of the column for `text`. A long text is stored in `overflow` under `owner`, and the value is null. */
export function writeText(sql: Sql, owner: string, text: string): string | null {
  if (fitsColumn(text)) return text;
  const pieces = cutText(text, PART_UNITS);
  for (const [part, piece] of pieces.entries()) {
    sql.exec("INSERT OR REPLACE INTO overflow (owner, part, text) VALUES (?, ?, ?)", owner, part, piece);
  }
  // Removes the rest of a longer text of the same owner.
  sql.exec("DELETE FROM overflow WHERE owner = ? AND part >= ?", owner, pieces.length);
  return null;
}

export function readText(sql: Sql, owner: string, column: string | null): string {
  if (column !== null) return column;
  return sql
    .exec<{ text: string }>("SELECT text FROM overflow WHERE owner = ? ORDER BY part", owner)
    .toArray()
    .map((row) => row.text)
    .join("");
}

/** Pieces of at most `units` (two or more) UTF-16 units that never split a surrogate pair (SQLite stores UTF-8). */
export function cutText(text: string, units: number): string[] {
  const pieces: string[] = [];
  let start = 0;
  while (start < text.length) {
    let end = Math.min(start + units, text.length);
    const last = text.charCodeAt(end - 1);
    if (end < text.length && last >= 0xd800 && last <= 0xdbff) end -= 1;
    pieces.push(text.slice(start, end));
    start = end;
  }
  return pieces;
}
