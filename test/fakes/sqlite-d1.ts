// D1 for tests in Node: the statements of the store over `node:sqlite` in memory, with the tables of the migrations. As far
// as `batch` and its statements go.
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
}

export interface SqliteD1 {
  /** What the store takes. */
  binding: D1Database;
  read<Row>(query: string, ...values: SQLInputValue[]): Row[];
}

export function openD1(): SqliteD1 {
  const sqlite = new DatabaseSync(":memory:");
  sqlite.exec(tables);

  const all = ({ query, values }: Statement) => ({
    success: true,
    meta: {},
    results: sqlite.prepare(query).all(...values),
  });

  function batch(statements: Statement[]) {
    sqlite.exec("BEGIN");
    try {
      const results = statements.map(all);
      sqlite.exec("COMMIT");
      return results;
    } catch (error) {
      sqlite.exec("ROLLBACK");
      throw error;
    }
  }

  const prepare = (query: string, values: SQLInputValue[] = []) => ({
    query,
    values,
    bind: (...bound: SQLInputValue[]) => prepare(query, bound),
    all: async () => all({ query, values }),
    run: async () => all({ query, values }),
    first: async () => all({ query, values }).results[0] ?? null,
  });
  const binding = {
    prepare: (query: string) => prepare(query),
    batch: async (statements: Statement[]) => batch(statements),
  };
  return {
    binding: binding as unknown as D1Database,
    read: <Row>(query: string, ...values: SQLInputValue[]) => sqlite.prepare(query).all(...values) as Row[],
  };
}
