// What AG-UI clients call a run or a message, where that is not its id: their ids may be any text, and an answer may come
// under the id of the run that asked. Only their streams know it. A thread whose clients send ids like ours has no such
// table.
import type { SentId } from "../../protocol/thread.ts";
import { isText, readStored, shapeOf } from "../../store/shapes/stored.ts";
import type { Sql } from "./database.ts";
import { hasTable } from "./tables.ts";

const toSentId = shapeOf(isText);

/** Stores what of `ids` was sent as something else. Inside a transaction. */
export function storeSentIds(sql: Sql, ids: ReadonlySet<string>, sent_ids: SentId[]): void {
  // As JSON, since an id may contain a NUL.
  const rows = sent_ids.flatMap(([id, sent]) => (ids.has(id) ? [[id, JSON.stringify(sent)]] : []));
  if (rows.length === 0) return;
  const insert = "INSERT OR IGNORE INTO sent_ids (id, sent) SELECT value ->> 0, value ->> 1 FROM json_each(?)";
  sql.exec(insert, JSON.stringify(rows));
}

/** The id as its client sent it. */
export function sentIdOf(sql: Sql, id: string): string {
  return sentIdsOf(sql, [id]).get(id) ?? id;
}

/** Those of many ids that their client sent as something else. */
export function sentIdsOf(sql: Sql, ids: string[]): Map<string, string> {
  if (ids.length === 0 || !hasTable(sql, "sent_ids")) return new Map();
  const rows = sql.exec<{ id: string; sent: string }>(
    "SELECT id, sent FROM sent_ids WHERE id IN (SELECT value FROM json_each(?))",
    JSON.stringify(ids),
  );
  return new Map(rows.toArray().map(({ id, sent }) => [id, readStored(toSentId, sent, "sent id", id) ?? id] as const));
}
