// What the thread's model was told once: a row of `meta`, which no reader, no D1 and no list of messages sees.
import { isRecord } from "../../lib/is-record.ts";
import { isList, isNumber, isText, shapeOf } from "../../store/shapes/stored.ts";
import { readMeta, type Sql, writeMeta } from "./database.ts";

const KEY = "told";

/** What stands in front of a message. */
export interface Note {
  /** The message's row. */
  seq: number;
  text: string;
}

export interface Told {
  /** The newest day. Null if no message was told of one. */
  day: { date: string; time_zone: string } | null;
  /** In the order of their rows. */
  notes: Note[];
  /** The sandbox that was introduced last. */
  sandbox: string | null;
  /** The row of the result that introduces it. Absent in rows of earlier versions. */
  sandbox_seq?: number;
}

const nothing: Told = { day: null, notes: [], sandbox: null };

/** A life reads it once. */
export function readTold(sql: Sql): Told {
  return readMeta(sql, KEY, shapeOf(isTold)) ?? nothing;
}

export function writeTold(sql: Sql, told: Told): void {
  writeMeta(sql, KEY, told);
}

function isTold(value: unknown): value is Told {
  if (!isRecord(value) || !isList(value.notes, isNote)) return false;
  if (value.sandbox !== null && !isText(value.sandbox)) return false;
  if (value.sandbox_seq !== undefined && !isNumber(value.sandbox_seq)) return false;
  return value.day === null || (isRecord(value.day) && isText(value.day.date) && isText(value.day.time_zone));
}

function isNote(value: unknown): value is Note {
  return isRecord(value) && isNumber(value.seq) && isText(value.text);
}
