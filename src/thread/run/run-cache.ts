// What a run's tools have paid for, kept in the object until another run of the thread keeps something.
import type { RunCache } from "../../agent/tool.ts";
import { type Life, transact } from "../life.ts";
import { readText, type Sql, writeText } from "../rows/database.ts";
import { hasTable } from "../rows/tables.ts";

/** As much as a whole result may have. */
const MAX_CHARACTERS = 4 * 1024 * 1024;
/** A run that keeps more has read a small library; its oldest texts are dropped first. */
const MAX_KEPT = 200;
/** Of all texts: sixteen pages of the largest size, and a hundredth of what an object may hold. */
const MAX_TOTAL_CHARACTERS = 32 * 1024 * 1024;

const ownerOf = (id: number) => `c:${id}`;

/** For one life of a run. */
export function openRunCache(life: Life, invocation_id: string): RunCache {
  const making = new Map<string, Promise<string>>();
  const makeOnce = async (key: string, make: () => Promise<string>): Promise<string> => {
    try {
      // Not before it is known as started, so that one that throws at once is forgotten again.
      const text = await Promise.resolve().then(make);
      // A call that nobody waits for may outlive its run, and even its thread.
      const isLive = !life.removed && life.active?.record.run.invocation_id === invocation_id;
      if (isLive && text.length <= MAX_CHARACTERS)
        transact(life, () => keep(life.database.sql, invocation_id, key, text));
      return text;
    } finally {
      making.delete(key);
    }
  };
  return (key, make) => {
    const started = making.get(key);
    if (started !== undefined) return started;
    const kept = readKept(life.database.sql, invocation_id, key);
    if (kept !== null) return Promise.resolve(kept);
    const made = makeOnce(key, make);
    making.set(key, made);
    return made;
  };
}

function readKept(sql: Sql, invocation_id: string, key: string): string | null {
  if (!hasTable(sql, "run_cache")) return null;
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
  makeRoom(sql, invocation_id, text.length);
  const [row] = sql
    .exec<{ id: number }>(
      `INSERT INTO run_cache (invocation_id, key, size, content) VALUES (?, ?, ?, '')
       ON CONFLICT (invocation_id, key) DO NOTHING RETURNING id`,
      invocation_id,
      key,
      text.length,
    )
    .toArray();
  if (row === undefined) return;
  sql.exec("UPDATE run_cache SET content = ? WHERE id = ?", writeText(sql, ownerOf(row.id), text), row.id);
}

/** Drops what other runs kept, and this one's oldest texts until one more fits. */
function makeRoom(sql: Sql, invocation_id: string, size: number): void {
  const rows = sql
    .exec<{ id: number; invocation_id: string; size: number }>(
      "SELECT id, invocation_id, size FROM run_cache ORDER BY id DESC",
    )
    .toArray();
  let total = size;
  let count = 1;
  for (const row of rows) {
    total += row.size;
    count += 1;
    if (row.invocation_id === invocation_id && total <= MAX_TOTAL_CHARACTERS && count <= MAX_KEPT) continue;
    sql.exec("DELETE FROM overflow WHERE owner = ?", ownerOf(row.id));
    sql.exec("DELETE FROM run_cache WHERE id = ?", row.id);
  }
}
