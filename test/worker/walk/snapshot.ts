// Everything that is stored of a user: the rows of all tables of D1, and of the objects of all threads.
import { env, runInDurableObject } from "cloudflare:test";
import { objectOf } from "../faulty-object.ts";

type Row = Record<string, unknown>;
export type Snapshot = Record<string, Row[]>;

/** Rows that others may make: an unsigned delivery is in the trigger's log. Tickets are used up by whoever has one. */
const others: Record<string, (row: Row) => boolean> = {
  trigger_deliveries: ({ status }) => status === "refused",
  tickets: () => true,
};

export async function takeSnapshot(user_id: string): Promise<Snapshot> {
  const snapshot = await readTables(user_id);
  for (const { thread_id } of snapshot.threads ?? []) {
    const key = { user_id, thread_id: String(thread_id) };
    snapshot[`object of ${thread_id}`] = await runInDurableObject(objectOf(key), (_instance, { storage }) => {
      const tables = storage.sql.exec(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'",
      );
      return tables
        .toArray()
        .flatMap(({ name }) => storage.sql.exec(`SELECT '${name}' AS stored_in, * FROM ${name}`).toArray());
    });
  }
  return snapshot;
}

async function readTables(user_id: string): Promise<Snapshot> {
  const named =
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '%\\_cf\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite%'";
  const { results } = await env.DB.prepare(named).all<{ name: string }>();
  const snapshot: Snapshot = {};
  for (const { name } of results.filter(({ name }) => name !== "d1_migrations")) {
    const rows = await env.DB.prepare(`SELECT * FROM ${name} WHERE user_id = ?`).bind(user_id).all<Row>();
    snapshot[name] = rows.results.filter((row) => !others[name]?.(row));
  }
  return snapshot;
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
