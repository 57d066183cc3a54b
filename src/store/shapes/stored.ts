// Stored JSON on its way back into types. Each kind has one shape, in a file of its own or beside its table. A shape turns rows
// of every former version into today's type: no other code knows that there were others.
//
// A shape checks the fields that code would break without, and nothing more. So a row stays readable to which a later version
// added something, also after a deployment went back. Nothing is copied that is already of today's type: a history of thousands
// of messages is read through shapes.
import { logWarning } from "../../lib/log.ts";

/** Today's value of a parsed one; undefined where it is of no known shape, as `undefined` itself is. Never throws. */
export type Shape<T> = (value: unknown) => T | undefined;

/** A damaged thread is read again and again, and may have any number of damaged rows: an isolate tells so many a minute. */
const MAX_REPORTS = 100;
const REPORT_WINDOW_MS = 60_000;

let reports = { since: 0, count: 0 };

/** Of a row that nothing can stand in for. Its message names the row and holds none of it. */
export class UnreadableRow extends Error {
  override name = "UnreadableRow";
}

/** Undefined where `text` is no JSON or of no known shape, which is logged: `kind` and `id` say which row it is. */
export function readStored<T>(shape: Shape<T>, text: string, kind: string, id: string | number): T | undefined {
  const value = shape(parseStored(text));
  if (value === undefined) reportUnreadable(kind, id);
  return value;
}

/** Logs no content. Of a thread's own rows the platform's log tells the object. */
export function reportUnreadable(kind: string, id: string | number): void {
  const now = Date.now();
  if (now - reports.since >= REPORT_WINDOW_MS) reports = { since: now, count: 0 };
  if (reports.count >= MAX_REPORTS) return;
  reports.count += 1;
  logWarning("row_unreadable", { kind, id });
}

/** Undefined where `text` is no JSON. */
export function parseStored(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The shape of what has been the same in every version. */
export function shapeOf<T>(isKnown: (value: unknown) => value is T): Shape<T> {
  return (value) => (isKnown(value) ? value : undefined);
}

export function isList<T>(value: unknown, isItem: (item: unknown) => item is T): value is T[] {
  return Array.isArray(value) && value.every(isItem);
}

export function isTextOrNull(value: unknown): value is string | null {
  return value === null || typeof value === "string";
}

export function isText(value: unknown): value is string {
  return typeof value === "string";
}

export function isNumber(value: unknown): value is number {
  return typeof value === "number";
}
