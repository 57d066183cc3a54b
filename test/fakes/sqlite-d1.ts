// D1 for tests in Node: the statements of the store over `node:sqlite` in memory, with the tables of the migrations.
// Columns of one row need different names, where drizzle reads them.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";

const folder = join(import.meta.dirname, "../../migrations");

const tables = readdirSync(folder)
  .filter((name) => name.endsWith(".sql"))
  .sort()
  .map((name) => readFileSync(join(folder, name), "utf8"))
  .join("\n");

interface Statement {
  query: string;
  values: SQLInputValue[];
  bind(...values: SQLInputValue[]): Statement;
  run(): Promise<D1Result>;
  all(): Promise<D1Result>;
  first(column?: string): Promise<unknown>;
  /** Rows as arrays, as drizzle reads them. */
  raw(): Promise<unknown[][]>;
}

export interface SqliteD1 {
  /** The part of D1 that the store uses. */
  binding: D1Database;
  read<Row>(query: string, ...values: SQLInputValue[]): Row[];
}

export function openD1(): SqliteD1 {
  const sqlite = new DatabaseSync(":memory:");
  sqlite.exec(tables);

  function perform({ query, values }: Statement): D1Result {
    const before = countChanges();
    const results = sqlite.prepare(query).all(...values);
    return { success: true, results, meta: { changes: countChanges() - before } } as unknown as D1Result;
  }

  function countChanges(): number {
    return Number(sqlite.prepare("SELECT total_changes() AS changes").get()?.changes);
  }

  function batch(statements: Statement[]): D1Result[] {
    sqlite.exec("BEGIN");
    try {
      const results = statements.map(perform);
      sqlite.exec("COMMIT");
      return results;
    } catch (error) {
      sqlite.exec("ROLLBACK");
      throw error;
    }
  }

  function prepare(query: string, values: SQLInputValue[] = []): Statement {
    const statement: Statement = {
      query,
      values,
      bind: (...bound) => prepare(query, bound),
      run: async () => perform(statement),
      all: async () => perform(statement),
      first: async (column) => {
        const row = perform(statement).results[0] as Record<string, unknown> | undefined;
        return (column === undefined ? row : row?.[column]) ?? null;
      },
      raw: async () => perform(statement).results.map((row) => Object.values(row as object)),
    };
    return statement;
  }

  const binding = { prepare: (query: string) => prepare(query), batch: async (all: Statement[]) => batch(all) };
  return {
    binding: binding as unknown as D1Database,
    read: <Row>(query: string, ...values: SQLInputValue[]) => sqlite.prepare(query).all(...values) as Row[],
  };
}
