// What AG-UI clients call a run or a message, where that is not its id: their ids may be any text, and an answer may come
// under the id of the run that asked. Only their streams know it. A thread whose clients send ids like ours has no such
// table.
import type { SentId } from "../../protocol/thread.ts";
import { isText } from "../../store/shapes/stored.ts";
import type { Sql } from "./database.ts";
import { hasTable } from "./tables.ts";

/** Stores what of `ids` was sent as something else. Inside a transaction. */
export function storeSentIds(sql: Sql, ids: ReadonlySet<string>, sent_ids: SentId[]): void {
  // As JSON, since an id may contain a NUL.
  const rows = sent_ids.flatMap(([id, sent]) => (ids.has(id) ? [[id, JSON.stringify(sent)]] : []));
  if (rows.length === 0) return;
  // In the table's order, which takes half as long as any other.
  const insert =
    "INSERT OR IGNORE INTO sent_ids (id, sent) SELECT value ->> 0, value ->> 1 FROM json_each(?) ORDER BY 1";
  sql.exec(insert, JSON.stringify(rows));
}

/** The id as its client sent it. */
export function sentIdOf(sql: Sql, id: string): string {
  return sentIdsOf(sql, [id]).get(id) ?? id;
}

/** A row of SQLite has 2 MB at most, and an id some 1,600 bytes. */
const IDS_AT_ONCE = 1_000;

/** Those of many ids that their client sent as something else. */
export function sentIdsOf(sql: Sql, ids: string[]): Map<string, string> {
  if (ids.length === 0 || !hasTable(sql, "sent_ids")) return new Map();
  const found: [string, string][] = [];
  for (let from = 0; from < ids.length; from += IDS_AT_ONCE) {
    // One row for all: an object for each of thousands takes longer than the look.
    const [row] = sql
      .exec<{ names: string }>(
        `SELECT json_group_object(id, json(sent)) AS names FROM sent_ids
         WHERE id IN (SELECT value FROM json_each(?)) AND json_valid(sent)`,
        JSON.stringify(ids.slice(from, from + IDS_AT_ONCE)),
      )
      .toArray();
    const names: Record<string, unknown> = JSON.parse(row?.names ?? "{}");
    for (const [id, sent] of Object.entries(names)) if (isText(sent)) found.push([id, sent]);
  }
  return new Map(found);
}
