// The JSON in a row of the journal.
import { isRecord } from "../../../lib/is-record.ts";
import type { ThreadEvent } from "../../../protocol/event.ts";
import { isList, isNumber, isText, type Shape, shapeOf } from "../../../store/shapes/stored.ts";

/** An entry is null if a part has no CONTENT. */
export const toEvents: Shape<(ThreadEvent | null)[]> = (value) =>
  Array.isArray(value) && value.every(isStoredEvent) ? value : undefined;

function isStoredEvent(value: unknown): value is ThreadEvent | null {
  return value === null || (isRecord(value) && isText(value.type));
}

/** START numbers of the parts that were not stored yet. */
export const toNumbers = shapeOf((value) => isList(value, isNumber));
