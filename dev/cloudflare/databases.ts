// D1: databases by id or name, and queries on a real SQLite. A query with several statements is one transaction.
import { randomUUID } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import type { Account, Database } from "./account.ts";
import { answer, answerPage, type Handler, readJson } from "./answers.ts";
import { ApiError } from "./api-error.ts";

const MAX_DATABASES = { paid: 50_000, free: 10 };
const MAX_STATEMENT_BYTES = 100_000;
const MAX_COLUMNS = 100;
const jurisdictions = ["eu", "fedramp", "us"];
const locations = ["weur", "eeur", "apac", "oc", "wnam", "enam"];

export const listDatabases: Handler = ({ account, query }) => {
  const name = query.get("name");
  const list = account.databases.filter((each) => name === null || each.name === name);
  return answerPage(list.map(view), query, 100);
};

export const createDatabase: Handler = ({ account, body }) => {
  const { name, jurisdiction = null, primary_location_hint: hint = null, ...more } = readJson(body);
  if (typeof name !== "string" || !/^[a-z0-9][a-z0-9_-]{0,62}$/i.test(name) || Object.keys(more).length > 0) {
    throw new ApiError(400, 7400, "The request is malformed: invalid property name");
  }
  if (jurisdiction !== null && !jurisdictions.includes(String(jurisdiction))) {
    throw new ApiError(400, 7400, "The request is malformed: invalid jurisdiction");
  }
  if (hint !== null && !locations.includes(String(hint))) {
    throw new ApiError(400, 7400, "The request is malformed: invalid primary_location_hint");
  }
  if (account.databases.some((each) => each.name === name)) {
    throw new ApiError(400, 7502, "D1_ERROR: Database with name already exists");
  }
  if (account.databases.length >= (account.is_paid ? MAX_DATABASES.paid : MAX_DATABASES.free))
    throw new ApiError(400, 7406, "Too many databases");
  const made: Database = {
    ...{ uuid: randomUUID(), name, jurisdiction: jurisdiction as string | null },
    ...{ created_at: new Date().toISOString(), sql: new DatabaseSync(":memory:"), changes: [] },
  };
  account.databases.push(made);
  return answer({ ...view(made), created_in_region: hint === null ? null : String(hint).toUpperCase() });
};

export const readDatabase: Handler = ({ account, params }) => answer(view(find(account, params.database)));

export const deleteDatabase: Handler = ({ account, params }) => {
  const found = find(account, params.database);
  account.databases = account.databases.filter((each) => each !== found);
  found.sql.close();
  return answer(null);
};

export const queryDatabase: Handler = ({ account, params, body }) => {
  const { sql, params: values, ...more } = readJson(body);
  if (typeof sql !== "string" || values !== undefined || Object.keys(more).length > 0) {
    throw new ApiError(400, 7400, "The request is malformed: sql");
  }
  return answer(runAll(find(account, params.database), sql));
};

/** Each statement with its rows; all of them or none. */
function runAll({ sql: database, changes }: Database, sql: string): object[] {
  database.exec("BEGIN");
  try {
    const statements = splitStatements(sql);
    const results = statements.map((statement) => runOne(database, statement));
    checkColumns(database);
    database.exec("COMMIT");
    changes.push(...statements.filter((statement) => !/^(?:select|pragma|explain)\b/i.test(statement)));
    return results;
  } catch (error) {
    database.exec("ROLLBACK");
    throw new ApiError(400, 7500, `${(error as Error).message}: SQLITE_ERROR`);
  }
}

function runOne(database: DatabaseSync, statement: string): object {
  if (Buffer.byteLength(statement) > MAX_STATEMENT_BYTES) throw new Error("statement too long");
  // A file of SQL must not end D1's own transaction.
  if (/^(?:begin|commit|end|rollback|savepoint|release)\b/i.test(statement)) {
    throw new Error("To execute a transaction, please use the state.storage.transaction() API");
  }
  const results = database.prepare(statement).all();
  return { results, success: true, meta: { duration: 0.1, changes: 0, rows_read: 0, rows_written: 0 } };
}

function checkColumns(database: DatabaseSync): void {
  const [wide] = database
    .prepare(
      `SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) GROUP BY m.name HAVING count(*) > ${MAX_COLUMNS}`,
    )
    .all();
  if (wide !== undefined) throw new Error(`too many columns on ${wide.name}`);
}

/** At semicolons outside of quotes, comments and the bodies of triggers. */
export function splitStatements(sql: string): string[] {
  const statements: string[] = [];
  let current = "";
  let depth = 0;
  for (const [part] of sql.matchAll(/'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|--[^\n]*|\/\*[\s\S]*?\*\/|\w+|[\s\S]/g)) {
    if (part.startsWith("--") || part.startsWith("/*")) continue;
    if (/^(?:begin|case)$/i.test(part) && /^\s*create\s+trigger/i.test(current)) depth += 1;
    if (/^end$/i.test(part) && depth > 0) depth -= 1;
    if (part === ";" && depth === 0) {
      statements.push(current.trim());
      current = "";
    } else current += part;
  }
  return [...statements, current.trim()].filter((statement) => statement !== "");
}

function find({ databases }: Account, given: string | undefined): Database {
  const found = databases.find(({ uuid, name }) => uuid === given || name === given);
  if (found === undefined) throw new ApiError(404, 7404, `The database ${given} could not be found`);
  return found;
}

function view({ uuid, name, jurisdiction, created_at }: Database): object {
  return { uuid, name, jurisdiction, created_at, version: "production", num_tables: 0, file_size: 0 };
}
