// Everything that is stored of a user: the rows of all tables of D1, and of the objects of all threads.
import { env, runInDurableObject } from "cloudflare:test";
import { FIRST_USER_ID } from "../../../src/protocol/ids.ts";
import { objectOf } from "../faulty-object.ts";

type Row = Record<string, unknown>;
export type Snapshot = Record<string, Row[]>;

/** Rows that others may make: an unsigned delivery is in the trigger's log. Tickets are used up by whoever has one. */
const others: Record<string, (row: Row) => boolean> = {
  trigger_deliveries: ({ status }) => status === "refused",
  tickets: () => true,
  // An admin's act upon the user, also a refused one.
  audit_entries: ({ actor_id }) => actor_id === FIRST_USER_ID,
  // Of an object, like the versions of runs: how far D1 has followed. The clock moves it on while a run is live.
  meta: ({ key }) => key === "synced",
};

/** A table without the column needs another way to find a user's rows. */
const withoutUser: Record<string, string> = {
  budgets: "(scope = 'user' AND id = ?1) OR (scope = 'project' AND id GLOB ?1 || '/*')",
  // Of the deployment, and names nobody but as a place in the order of all threads.
  server_state: "?1 IS NULL",
  deployment: "?1 IS NULL",
};

export async function takeSnapshot(user_id: string): Promise<Snapshot> {
  const snapshot: Snapshot = {};
  const tables = await env.DB.prepare(TABLES).all<{ name: string }>();
  for (const { name } of tables.results) {
    const isOwn = withoutUser[name] ?? "user_id = ?1";
    const { results } = await env.DB.prepare(`SELECT * FROM ${name} WHERE ${isOwn}`).bind(user_id).all<Row>();
    snapshot[name] = steady(name, results);
  }
  for (const { thread_id } of snapshot.threads ?? []) {
    const object = objectOf({ user_id, thread_id: String(thread_id) });
    await runInDurableObject(object, (_instance, { storage }) => {
      for (const { name } of storage.sql.exec<{ name: string }>(TABLES).toArray()) {
        snapshot[`${name} in ${thread_id}`] = steady(name, storage.sql.exec(`SELECT * FROM ${name}`).toArray());
      }
    });
  }
  return snapshot;
}

/** Those of the platform begin with these. */
const TABLES =
  "SELECT name FROM sqlite_master WHERE type = 'table' AND NOT (name GLOB '_cf_*' OR name GLOB 'sqlite_*' OR name GLOB 'd1_*')";

function steady(table: string, rows: Row[]): Row[] {
  const own = rows.filter((row) => !others[table]?.(row));
  return table === "runs" ? own.map(steadyRun) : own;
}

/** Without what the clock moves on while the run is live. */
function steadyRun({ version: _version, updated_at: _updated, spending: _spending, run, ...row }: Row): Row {
  if (typeof run !== "string") return { ...row, run };
  const { worked_ms: _worked, ...rest } = JSON.parse(run) as Row;
  return { ...row, run: JSON.stringify(rest) };
}

/** The ids, tokens and hashes in the rows, which nobody else may ever see. */
export function secretsIn(snapshot: Snapshot): Set<string> {
  const found = new Set<string>();
  const add = (value: unknown, name: string): void => {
    if (typeof value === "string" && /(?:_id|^id|token|url|hash|sealed)$/.test(name)) found.add(value);
    if (typeof value === "string" && /^[[{]/.test(value)) addParsed(value);
    if (typeof value === "object" && value !== null) for (const [key, inner] of Object.entries(value)) add(inner, key);
  };
  const addParsed = (json: string): void => {
    try {
      add(JSON.parse(json), "");
    } catch {
      // A text that only begins like JSON.
    }
  };
  add(snapshot, "");
  return found;
}
