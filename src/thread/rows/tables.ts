// The tables of the object's SQLite. Those that every thread needs are made with it, in one statement. The others are made
// by the first statement that names them: each costs a new thread some 20 µs, two rows written and a page of memory.
import type { Sql, SqlValue } from "./database.ts";
import { FOREIGN_ID } from "./own-ids.ts";

const tables = {
  meta: `CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID`,
  journal: `CREATE TABLE IF NOT EXISTS journal (
     seq INTEGER PRIMARY KEY, from_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL, heads INTEGER NOT NULL,
     replay_from INTEGER NOT NULL, replay_to INTEGER NOT NULL, invocation_id TEXT NOT NULL, events TEXT,
     unstored TEXT)`,
  messages: `CREATE TABLE IF NOT EXISTS messages (
     seq INTEGER PRIMARY KEY, message_id TEXT NOT NULL, invocation_id TEXT, agent_id TEXT, type TEXT NOT NULL,
     is_llm_message INTEGER NOT NULL, content TEXT, metadata TEXT, version INTEGER NOT NULL,
     created_at TEXT NOT NULL, superseded TEXT)`,
  // Threads of former versions have it over all messages.
  messages_by_id: `CREATE UNIQUE INDEX IF NOT EXISTS messages_by_id ON messages (message_id) WHERE ${FOREIGN_ID}`,
  runs: `CREATE TABLE IF NOT EXISTS runs (
     invocation_id TEXT PRIMARY KEY, position INTEGER NOT NULL, status TEXT NOT NULL, released INTEGER NOT NULL,
     startable INTEGER NOT NULL, hash TEXT NOT NULL, run TEXT, input TEXT, agent TEXT NOT NULL,
     start_seq INTEGER, end_seq INTEGER, lives TEXT NOT NULL, started_calls TEXT NOT NULL,
     version INTEGER NOT NULL, changed INTEGER NOT NULL, verdict TEXT, spending TEXT) WITHOUT ROWID`,
};

/** Indexes of former versions, each entry of which is a row written for nothing. */
const formerIndexes = ["runs_live"];

const lateTables = {
  steered: `CREATE TABLE IF NOT EXISTS steered (
     invocation_id TEXT PRIMARY KEY, position INTEGER NOT NULL, run_id TEXT NOT NULL, hash TEXT NOT NULL,
     messages TEXT, created_at TEXT) WITHOUT ROWID`,
  results: `CREATE TABLE IF NOT EXISTS results (seq INTEGER PRIMARY KEY, tool_call_id TEXT NOT NULL, content TEXT);
     CREATE INDEX IF NOT EXISTS results_by_call ON results (tool_call_id)`,
  reply_extras: `CREATE TABLE IF NOT EXISTS reply_extras (seq INTEGER PRIMARY KEY, content TEXT NOT NULL)`,
  followers: `CREATE TABLE IF NOT EXISTS followers (invocation_id TEXT PRIMARY KEY, state TEXT NOT NULL) WITHOUT ROWID`,
  overflow: `CREATE TABLE IF NOT EXISTS overflow (
     owner TEXT NOT NULL, part INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY (owner, part)) WITHOUT ROWID`,
  sources: `CREATE TABLE IF NOT EXISTS sources (
     n INTEGER PRIMARY KEY, url TEXT NOT NULL UNIQUE, title TEXT, date TEXT, read_at TEXT, hash TEXT)`,
  run_cache: `CREATE TABLE IF NOT EXISTS run_cache (
     id INTEGER PRIMARY KEY, invocation_id TEXT NOT NULL, key TEXT NOT NULL, size INTEGER NOT NULL, content TEXT,
     UNIQUE (invocation_id, key))`,
  receipts: `CREATE TABLE IF NOT EXISTS receipts (
     seq INTEGER PRIMARY KEY, receipt_id TEXT NOT NULL, task_id TEXT NOT NULL, content TEXT NOT NULL)`,
  sent_ids: `CREATE TABLE IF NOT EXISTS sent_ids (id TEXT PRIMARY KEY, sent TEXT NOT NULL) WITHOUT ROWID`,
};

type LateTable = keyof typeof lateTables;

/** The former version reads both where it finds `run_cache`, and neither where it does not. So they are made together. */
const researchTables: readonly LateTable[] = ["sources", "run_cache"];

/** Columns that tables of earlier versions do not have. */
const laterColumns = [
  { table: "runs", column: "verdict", type: "TEXT" },
  { table: "steered", column: "created_at", type: "TEXT" },
  { table: "runs", column: "spending", type: "TEXT" },
  { table: "messages", column: "superseded", type: "TEXT" },
];

/** The tables of a database that are known to exist, once a life has looked. */
const madeTables = new WeakMap<Sql, Set<string>>();

/** Makes what is missing of what every thread needs: one question for a thread that has it. */
export function createTables(sql: Sql): void {
  const rows = sql.exec<{ name: string; sql: string | null }>("SELECT name, sql FROM sqlite_master").toArray();
  const made = new Map(rows.map((row) => [row.name, row.sql]));
  const missing = Object.entries(tables).filter(([name]) => !made.has(name));
  if (missing.length > 0) sql.exec(missing.map(([, statement]) => statement).join(";\n"));
  for (const name of formerIndexes) if (made.has(name)) sql.exec(`DROP INDEX ${name}`);
  for (const { table, column, type } of laterColumns) {
    if (made.get(table)?.includes(column) === false) sql.exec(`ALTER TABLE ${table} ADD COLUMN ${column} ${type}`);
  }
  madeTables.set(sql, new Set([...Object.keys(tables), ...made.keys()]));
}

/** The database of an object, whose late tables are made by the first statement that names them. */
export function withLateTables(sql: Sql): Sql {
  const whole: Sql = {
    exec<Row extends Record<string, SqlValue>>(query: string, ...bindings: SqlValue[]) {
      try {
        return sql.exec<Row>(query, ...bindings);
      } catch (error) {
        const table = missingTable(error);
        if (table === null) throw error;
        for (const each of researchTables.includes(table) ? researchTables : [table]) {
          sql.exec(lateTables[each]);
          madeTables.get(whole)?.add(each);
        }
        // It may name another one.
        return whole.exec<Row>(query, ...bindings);
      }
    },
  };
  return whole;
}

function missingTable(error: unknown): LateTable | null {
  const name = error instanceof Error ? /no such table: (\w+)/.exec(error.message)?.[1] : undefined;
  return name !== undefined && Object.hasOwn(lateTables, name) ? (name as LateTable) : null;
}

/** Whether a thread has a late table. What asks first makes none by reading it. */
export function hasTable(sql: Sql, name: LateTable): boolean {
  return madeTables.get(sql)?.has(name) ?? isMade(sql, name);
}

function isMade(sql: Sql, name: string): boolean {
  return sql.exec("SELECT 1 FROM sqlite_master WHERE name = ?", name).toArray().length > 0;
}

/** A version that does not know these tables leaves them when it deletes a thread. */
const leftTables: readonly LateTable[] = [...researchTables, "sent_ids", "receipts"];

export function hasLeftTables(sql: Sql): boolean {
  return leftTables.some((table) => hasTable(sql, table));
}

export function dropLeftTables(sql: Sql): void {
  for (const table of leftTables) sql.exec(`DROP TABLE IF EXISTS ${table}`);
  madeTables.delete(sql);
}

/** Drops all tables except `meta`, which it empties. Inside a transaction. */
export function dropTables(sql: Sql): void {
  for (const table of ["journal", "messages", "runs", ...Object.keys(lateTables)]) {
    sql.exec(`DROP TABLE IF EXISTS ${table}`);
  }
  madeTables.delete(sql);
  sql.exec("DELETE FROM meta");
}

/** An object whose thread was never created has no tables, and a request for it must not create them. */
export function hasTables(sql: Sql): boolean {
  return isMade(sql, "meta");
}

/** All statements that make tables. */
export const tableStatements: readonly string[] = [...Object.values(tables), ...Object.values(lateTables)];
