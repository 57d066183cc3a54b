// The tables of the object's SQLite. Those that every thread needs are made with it, in one statement. The others are made
// by the first statement that names them: each costs a new thread some 20 µs, two rows written and a page of memory.
import type { Sql, SqlValue } from "./database.ts";
import { FOREIGN_ID } from "./own-ids.ts";

const tables = {
  meta: `CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID`,
  journal: `CREATE TABLE IF NOT EXISTS journal (
     seq INTEGER PRIMARY KEY, from_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL, start_count INTEGER NOT NULL,
     replay_from INTEGER NOT NULL, replay_to INTEGER NOT NULL, invocation_id TEXT NOT NULL, events TEXT,
     unstored TEXT)`,
  messages: `CREATE TABLE IF NOT EXISTS messages (
     seq INTEGER PRIMARY KEY, message_id TEXT NOT NULL, invocation_id TEXT, agent_id TEXT, type TEXT NOT NULL,
     is_llm_message INTEGER NOT NULL, content TEXT, metadata TEXT, version INTEGER NOT NULL,
     created_at TEXT NOT NULL, superseded TEXT)`,
  messages_by_id: `CREATE UNIQUE INDEX IF NOT EXISTS messages_by_id ON messages (message_id) WHERE ${FOREIGN_ID}`,
  runs: `CREATE TABLE IF NOT EXISTS runs (
     invocation_id TEXT PRIMARY KEY, position INTEGER NOT NULL, status TEXT NOT NULL, released INTEGER NOT NULL,
     startable INTEGER NOT NULL, hash TEXT NOT NULL, run TEXT, input TEXT, agent TEXT NOT NULL,
     start_seq INTEGER, end_seq INTEGER, lives TEXT NOT NULL, started_calls TEXT NOT NULL,
     version INTEGER NOT NULL, changed INTEGER NOT NULL, requested_end TEXT, spending TEXT) WITHOUT ROWID`,
};

const lateTables = {
  steered: `CREATE TABLE IF NOT EXISTS steered (
     invocation_id TEXT PRIMARY KEY, position INTEGER NOT NULL, run_id TEXT NOT NULL, hash TEXT NOT NULL,
     messages TEXT, created_at TEXT NOT NULL) WITHOUT ROWID`,
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

/** The names of a database's tables, once a life has asked for them. */
const knownTables = new WeakMap<Sql, Set<string>>();

/** Inside a transaction. Since that may fail, `noteTables` comes after it. */
export function createTables(sql: Sql): void {
  sql.exec(Object.values(tables).join(";\n"));
}

export function noteTables(sql: Sql): void {
  knownTables.set(sql, new Set(Object.keys(tables)));
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
        sql.exec(lateTables[table]);
        knownTables.get(whole)?.add(table);
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
  return tablesOf(sql).has(name);
}

/** An object whose thread was never created has no tables, and a request for it must not create them. */
export function hasTables(sql: Sql): boolean {
  return tablesOf(sql).has("meta");
}

function tablesOf(sql: Sql): Set<string> {
  const known = knownTables.get(sql);
  if (known !== undefined) return known;
  const rows = sql.exec<{ name: string }>("SELECT name FROM sqlite_master").toArray();
  const names = new Set(rows.map(({ name }) => name));
  knownTables.set(sql, names);
  return names;
}

/** Drops all tables except `meta`, which it empties. Inside a transaction. */
export function dropTables(sql: Sql): void {
  for (const table of ["journal", "messages", "runs", ...Object.keys(lateTables)]) {
    sql.exec(`DROP TABLE IF EXISTS ${table}`);
  }
  knownTables.delete(sql);
  sql.exec("DELETE FROM meta");
}

/** All statements that make tables. */
export const tableStatements: readonly string[] = [...Object.values(tables), ...Object.values(lateTables)];
