// Reads stored JSON into types. Each kind of JSON has one shape, in a file of its own or beside its table.
//
// A shape checks only the fields without which code would break. So a row stays readable if a later version added fields to
// it, also after a rollback. A value is not copied, since a history of thousands of messages is read through shapes.
import { logWarning } from "../../lib/log.ts";

/** The value with its type, or undefined if its shape is unknown (`undefined` itself is). Never throws. */
export type Shape<T> = (value: unknown) => T | undefined;

/** A damaged thread is read again and again, and may have many damaged rows: an isolate logs at most so many a minute. */
const MAX_REPORTS = 100;
const REPORT_WINDOW_MS = 60_000;

let reports = { since: 0, count: 0 };

/** Of a row that nothing can stand in for. Its message names the row and holds none of it. */
export class UnreadableRow extends Error {
  override name = "UnreadableRow";
}

/** Undefined if `text` is not JSON or its shape is unknown; this is logged, and `kind` and `id` name the row. */
export function readStored<T>(shape: Shape<T>, text: string, kind: string, id: string | number): T | undefined {
  const value = shape(parseStored(text));
  if (value === undefined) reportUnreadable(kind, id);
  return value;
}

/** Logs no content. For rows of a thread, the platform's log names the object. */
export function reportUnreadable(kind: string, id: string | number): void {
  const now = Date.now();
  if (now - reports.since >= REPORT_WINDOW_MS) reports = { since: now, count: 0 };
  if (reports.count >= MAX_REPORTS) return;
  reports.count += 1;
  logWarning("row_unreadable", { kind, id });
}

/** Undefined if `text` is not JSON. */
export function parseStored(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

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
