// What the clock remembers from minute to minute: one row a name in `server_state`.
import { readStored, type Shape } from "../shapes/stored.ts";
import { noteSize } from "./size.ts";

/** Null if nothing is stored under the name, or nothing of this shape. */
export async function readState<T>(db: D1Database, name: string, shape: Shape<T>): Promise<T | null> {
  const { results, meta } = await db
    .prepare("SELECT value FROM server_state WHERE name = ?1")
    .bind(name)
    .all<{ value: string }>();
  noteSize(meta);
  const [row] = results;
  return row === undefined ? null : (readStored(shape, row.value, "state", name) ?? null);
}

export async function writeState(db: D1Database, name: string, value: unknown): Promise<void> {
  const put = `INSERT INTO server_state (name, value) VALUES (?1, ?2)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value`;
  await db.prepare(put).bind(name, JSON.stringify(value)).run();
}
