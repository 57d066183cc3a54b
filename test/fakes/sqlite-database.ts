// The object's SQLite for tests in Node: the same synchronous interface over `node:sqlite` in memory. Its rows outlive
// a life: a new Journal over the same database is what a crash leaves behind.
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { Database, Sql, SqlValue } from "../../src/thread/rows/database.ts";
import { createTables, withLateTables } from "../../src/thread/rows/tables.ts";

export interface SqliteDatabase extends Database {
  /** Statements run so far, so that a test can see that a cheap path runs none. */
  readonly statements: number;
  /** As the platform has it: without tables that are made when they are needed. */
  readonly bare: Sql;
}

/** With the tables of a thread. */
export function openDatabase(): SqliteDatabase {
  const database = openEmptyDatabase();
  createTables(database.sql);
  return database;
}

/** As a new object has it. */
export function openEmptyDatabase(): SqliteDatabase {
  const sqlite = new DatabaseSync(":memory:");
  const prepared = new Map<string, StatementSync>();
  let statements = 0;
  let depth = 0;

  function exec<Row extends Record<string, SqlValue>>(query: string, ...bindings: SqlValue[]) {
    // Like the platform, and unlike `prepare`, it takes several statements.
    if (bindings.length === 0 && /;\s*\S/.test(query)) {
      statements += 1;
      sqlite.exec(query);
      return { toArray: () => [] };
    }
    let statement = prepared.get(query);
    if (statement === undefined) {
      statement = sqlite.prepare(query);
      prepared.set(query, statement);
    }
    statements += 1;
    // Like the platform's: it runs now, not when its rows are read.
    const rows = statement.all(...bindings).map((row) => ({ ...row }) as Row);
    return { toArray: () => rows };
  }

  function transaction<T>(change: () => T): T {
    const name = `level_${depth}`;
    sqlite.exec(`SAVEPOINT ${name}`);
    depth += 1;
    try {
      const value = change();
      sqlite.exec(`RELEASE ${name}`);
      return value;
    } catch (error) {
      sqlite.exec(`ROLLBACK TO ${name}; RELEASE ${name}`);
      throw error;
    } finally {
      depth -= 1;
    }
  }

  return {
    sql: withLateTables({ exec }),
    bare: { exec },
    transaction,
    get statements() {
      return statements;
    },
  };
}
