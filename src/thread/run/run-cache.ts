// What a run's tools have paid for, kept in the object until another run of the thread keeps something.
import type { RunCache } from "../../agent/tool.ts";
import { type Life, transact } from "../life.ts";
import { readText, type Sql, writeText } from "../rows/database.ts";

/** As much as a whole result may have. */
const MAX_CHARACTERS = 4 * 1024 * 1024;
/** A run that keeps more has read a small library; its oldest texts are dropped first. */
const MAX_KEPT = 200;

const ownerOf = (id: number) => `c:${id}`;

/** For one life of a run. */
export function openRunCache(life: Life, invocation_id: string): RunCache {
  const making = new Map<string, Promise<string>>();
  return (key, make) => {
    const kept = readKept(life.database.sql, invocation_id, key);
    if (kept !== null) return Promise.resolve(kept);
    const started = making.get(key);
    if (started !== undefined) return started;
    const made = make()
      .then((text) => {
        if (text.length <= MAX_CHARACTERS) transact(life, () => keep(life.database.sql, invocation_id, key, text));
        return text;
      })
      .finally(() => making.delete(key));
    making.set(key, made);
    return made;
  };
}

function readKept(sql: Sql, invocation_id: string, key: string): string | null {
  const [row] = sql
    .exec<{ id: number; content: string | null }>(
      "SELECT id, content FROM run_cache WHERE invocation_id = ? AND key = ?",
      invocation_id,
      key,
    )
    .toArray();
  return row === undefined ? null : readText(sql, ownerOf(row.id), row.content);
}

function keep(sql: Sql, invocation_id: string, key: string, text: string): void {
  drop(sql, "SELECT id FROM run_cache WHERE invocation_id <> ?", invocation_id);
  drop(sql, "SELECT id FROM run_cache ORDER BY id DESC LIMIT -1 OFFSET ?", MAX_KEPT - 1);
  const [row] = sql
    .exec<{ id: number }>(
      "INSERT INTO run_cache (invocation_id, key, content) VALUES (?, ?, '') RETURNING id",
      invocation_id,
      key,
    )
    .toArray();
  if (row === undefined) return;
  sql.exec("UPDATE run_cache SET content = ? WHERE id = ?", writeText(sql, ownerOf(row.id), text), row.id);
}

function drop(sql: Sql, query: string, binding: string | number): void {
  for (const { id } of sql.exec<{ id: number }>(query, binding).toArray()) {
    sql.exec("DELETE FROM overflow WHERE owner = ?", ownerOf(id));
    sql.exec("DELETE FROM run_cache WHERE id = ?", id);
  }
}
