// What the thread's model learns once of its environment: a row of `meta`, which no reader, no D1 and no list of messages
// sees.
import { isRecord } from "../../lib/is-record.ts";
import { isList, isNumber, isText, shapeOf } from "../../store/shapes/stored.ts";
import { readMeta, type Sql, writeMeta } from "./database.ts";

const KEY = "environment_notes";

/** What stands in front of a message. */
export interface Note {
  /** The message's row. */
  seq: number;
  text: string;
}

export interface EnvironmentNotes {
  /** The newest day. Null if no message named one. */
  day: { date: string; time_zone: string } | null;
  /** In the order of their rows. */
  notes: Note[];
  /** The sandbox that was introduced last, and the row of the result that introduces it. */
  sandbox: { id: string; seq: number } | null;
}

const nothing: EnvironmentNotes = { day: null, notes: [], sandbox: null };

/** A life reads it once. */
export function readEnvironmentNotes(sql: Sql): EnvironmentNotes {
  return readMeta(sql, KEY, shapeOf(isKnown)) ?? nothing;
}

export function writeEnvironmentNotes(sql: Sql, notes: EnvironmentNotes): void {
  writeMeta(sql, KEY, notes);
}

function isKnown(value: unknown): value is EnvironmentNotes {
  if (!isRecord(value) || !isList(value.notes, isNote)) return false;
  const { day, sandbox } = value;
  if (sandbox !== null && !(isRecord(sandbox) && isText(sandbox.id) && isNumber(sandbox.seq))) return false;
  return day === null || (isRecord(day) && isText(day.date) && isText(day.time_zone));
}

function isNote(value: unknown): value is Note {
  return isRecord(value) && isNumber(value.seq) && isText(value.text);
}
