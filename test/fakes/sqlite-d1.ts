// D1 for tests in Node: the statements of the store over `node:sqlite` in memory, with the tables of the migrations.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";

const folder = join(import.meta.dirname, "../../migrations");

/** What the migrations lead to. A property opens a thousand databases, and migrating each takes four times as long. */
const tables = readTables();

function readTables(): string {
  const migrated = new DatabaseSync(":memory:");
  const names = readdirSync(folder).filter((name) => name.endsWith(".sql"));
  for (const name of names.sort()) migrated.exec(readFileSync(join(folder, name), "utf8"));
  const made = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type <> 'table', rowid";
  return migrated
    .prepare(made)
    .all()
    .map(({ sql }) => `${sql};`)
    .join("\n");
}

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
  sqlite.exec(`BEGIN;${tables}COMMIT`);
  // Compiling a statement takes forty times as long as running it on a few rows.
  const compiled = new Map<string, StatementSync>();

  function compile(query: string): StatementSync {
    const known = compiled.get(query) ?? sqlite.prepare(query);
    compiled.set(query, known);
    return known;
  }

  function perform({ query, values }: Statement): D1Result {
    const before = countChanges();
    const results = compile(query).all(...values);
    return { success: true, results, meta: { changes: countChanges() - before } } as unknown as D1Result;
  }

  /** Arrays, since an object puts a column that is named `20` first, and has two of one name once. */
  function listRows({ query, values }: Statement): unknown[][] {
    const statement = compile(query);
    statement.setReturnArrays(true);
    try {
      return statement.all(...values) as unknown as unknown[][];
    } finally {
      statement.setReturnArrays(false);
    }
  }

  function countChanges(): number {
    return Number(compile("SELECT total_changes() AS changes").get()?.changes);
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
      raw: async () => listRows(statement),
    };
    return statement;
  }

  const binding = { prepare: (query: string) => prepare(query), batch: async (all: Statement[]) => batch(all) };
  return {
    binding: binding as unknown as D1Database,
    read: <Row>(query: string, ...values: SQLInputValue[]) => compile(query).all(...values) as Row[],
  };
}
