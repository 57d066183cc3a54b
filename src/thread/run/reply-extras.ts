// What providers want back with their replies (reasoning, signatures). It belongs to the object alone: D1, events and
// `GET …/messages` never have it. It goes with its message when a summary replaces that.
import { fitsExtras, type ReplyExtras } from "../../agent/model.ts";
import { isRecord } from "../../lib/is-record.ts";
import { readStored, shapeOf } from "../../store/shapes/stored.ts";
import type { Sql } from "../rows/database.ts";
import { hasTable } from "../rows/tables.ts";

/** `seq`: the row of the reply. Inside a transaction. */
export function keepExtras(sql: Sql, seq: number, extras: ReplyExtras): void {
  if (!fitsExtras(extras)) return;
  sql.exec("INSERT INTO reply_extras (seq, content) VALUES (?, ?)", seq, JSON.stringify(extras).toWellFormed());
}

/**
 * Those of rows from `keep_from` on, by row. A damaged one costs no more than itself: providers accept a reply without
 * its extras, or say what they need.
 */
export function readExtras(sql: Sql, keep_from: number): ReadonlyMap<number, ReplyExtras> {
  if (!hasTable(sql, "reply_extras")) return new Map();
  // A query of its own, and no join: most threads have none, and a join would look for each message's.
  const rows = sql
    .exec<{ seq: number; content: string }>("SELECT seq, content FROM reply_extras WHERE seq >= ?", keep_from)
    .toArray();
  const read = rows.map(({ seq, content }) => [seq, readStored(toExtras, content, "extras of reply", seq)] as const);
  return new Map(read.flatMap(([seq, extras]) => (extras === undefined ? [] : [[seq, extras]])));
}

/** Those of rows before `keep_from`. Inside a transaction. */
export function dropExtras(sql: Sql, keep_from: number): void {
  sql.exec("DELETE FROM reply_extras WHERE seq < ?", keep_from);
}

const toExtras = shapeOf(isExtras);

function isExtras(value: unknown): value is ReplyExtras {
  return isRecord(value) && typeof value.origin === "string" && isRecord(value.values);
}
