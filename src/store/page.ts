// Pages of a list, newest first, by keyset: a cursor is the place of the last row that was given, so rows that come or
// go between two pages neither double nor hide others.
import { fail, type Result, succeed } from "../protocol/error.ts";
import type { Page } from "../protocol/page.ts";

/** A place in a list that is ordered by creation, then by id. */
export type Place = [created_at: string, id: string];

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function encodeCursor(place: (string | number)[]): string {
  const bytes = new TextEncoder().encode(JSON.stringify(place));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

/** What `encodeCursor` was given, if it has as many items and of the types that `example` has. */
export function decodeCursor<T extends (string | number)[]>(cursor: string, example: T): Result<T> {
  const place = parseCursor(cursor);
  const fits =
    Array.isArray(place) &&
    place.length === example.length &&
    place.every((item, index) => typeof item === typeof example[index]);
  return fits ? succeed(place as T) : fail("bad_cursor", "cursor must be a next_cursor that this list answered");
}

function parseCursor(cursor: string): unknown {
  try {
    const binary = atob(cursor.replaceAll("-", "+").replaceAll("_", "/"));
    return JSON.parse(utf8.decode(Uint8Array.from(binary, (character) => character.charCodeAt(0))));
  } catch {
    return null;
  }
}

/** The place to go on from; null at the start of the list. */
export function readPlace(cursor: string | null): Result<Place | null> {
  return cursor === null ? succeed(null) : decodeCursor<Place>(cursor, ["", ""]);
}

/** A page out of up to `limit + 1` rows: the row too many tells that there is a next page. */
export function toPage<Row, T>(
  rows: Row[],
  limit: number,
  show: (row: Row) => T,
  placeOf: (row: Row) => Place,
): Page<T> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const more = rows.length > limit && last !== undefined;
  return { data: shown.map(show), next_cursor: more ? encodeCursor(placeOf(last)) : null };
}
