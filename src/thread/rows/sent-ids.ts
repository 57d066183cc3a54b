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
  for (const [id, sent] of sent_ids) {
    // As JSON, since an id may contain a NUL.
    if (ids.has(id)) sql.exec("INSERT OR IGNORE INTO sent_ids (id, sent) VALUES (?, ?)", id, JSON.stringify(sent));
  }
}

/** The id as its client sent it. */
export function sentIdOf(sql: Sql, id: string): string {
  if (!hasTable(sql, "sent_ids")) return id;
  const [row] = sql.exec<{ sent: string }>("SELECT sent FROM sent_ids WHERE id = ?", id).toArray();
  return row === undefined ? id : (readStored(toSentId, row.sent, "sent id", id) ?? id);
}
