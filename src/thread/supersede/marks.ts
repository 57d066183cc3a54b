// What D1 and returning readers may not know of superseded messages: one row of `meta`, once a thread has any.
import { isRecord } from "../../lib/is-record.ts";
import type { SupersededRange } from "../../store/batch.ts";
import { isList, isNumber, isText, shapeOf } from "../../store/shapes/stored.ts";
import { readMeta, type Sql, writeMeta } from "../rows/database.ts";

const KEY = "superseded";

export interface Superseded {
  /**
   * A reader of the thread whose last number is below it has events of messages that are superseded since. It gets a
   * resync, and never the rest.
   */
  floor: number;
  /** What D1 may not have. */
  ranges: SupersededRange[];
  /** Whether `ranges` differs from what is stored. */
  isChanged: boolean;
}

export function nothingSuperseded(): Superseded {
  return { floor: 0, ranges: [], isChanged: false };
}

/** A life reads it once. */
export function readSuperseded(sql: Sql): Superseded {
  return { ...nothingSuperseded(), ...readMeta(sql, KEY, shapeOf(isStored)) };
}

/**
 * Forgets what D1 has marked. It has the rows up to `known`: others of a range come unmarked, so that the range is sent
 * with each batch until the last of them.
 */
export function forgetRanges(superseded: Superseded, sent: SupersededRange[], known: number): void {
  const left = superseded.ranges.filter((range) => !sent.includes(range) || range.through > known);
  superseded.isChanged ||= left.length < superseded.ranges.length;
  superseded.ranges = left;
}

/** Inside a transaction. */
export function writeSuperseded(sql: Sql, superseded: Superseded): void {
  const { floor, ranges } = superseded;
  writeMeta(sql, KEY, { floor, ranges });
  superseded.isChanged = false;
}

function isStored(value: unknown): value is Pick<Superseded, "floor" | "ranges"> {
  return isRecord(value) && isNumber(value.floor) && isList(value.ranges, isRange);
}

function isRange(value: unknown): value is SupersededRange {
  if (!isRecord(value) || !isText(value.by) || !isText(value.at)) return false;
  if (!isNumber(value.from) || !isNumber(value.through)) return false;
  const { renamed } = value;
  return renamed === undefined || (isRecord(renamed) && isNumber(renamed.seq) && isText(renamed.message_id));
}
