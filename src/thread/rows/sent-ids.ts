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
  if (!hasTable(sql, "sent_ids")) return id;
  const [row] = sql.exec<{ sent: string }>("SELECT sent FROM sent_ids WHERE id = ?", id).toArray();
  return row === undefined ? id : (readStored(toSentId, row.sent, "sent id", id) ?? id);
}
