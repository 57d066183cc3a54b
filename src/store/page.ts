// Pages of a list, newest first, by keyset. A cursor is the position of the last row returned, so rows added or deleted
// between two pages neither repeat nor hide others.
import { fail, type Result, succeed } from "../protocol/error.ts";
import type { Page } from "../protocol/page.ts";

/** A position in a list ordered by creation, then by id. */
export type Position = [created_at: string, id: string];

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function encodeCursor(position: (string | number)[]): string {
  const bytes = new TextEncoder().encode(JSON.stringify(position));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

/** The value given to `encodeCursor`, if it has the number and types of the items in `example`. */
export function decodeCursor<T extends (string | number)[]>(cursor: string, example: T): Result<T> {
  const position = parseCursor(cursor);
  const fits =
    Array.isArray(position) &&
    position.length === example.length &&
    position.every((item, index) => typeof item === typeof example[index]);
  return fits ? succeed(position as T) : fail("bad_cursor", "cursor must be a next_cursor that this list answered");
}

function parseCursor(cursor: string): unknown {
  try {
    const binary = atob(cursor.replaceAll("-", "+").replaceAll("_", "/"));
    return JSON.parse(utf8.decode(Uint8Array.from(binary, (character) => character.charCodeAt(0))));
  } catch {
    return null;
  }
}

/** One answer's limit, since an isolate has 128 MB for all its requests. */
export const PAGE_BYTES = 4_000_000;

/** What needs no room, and is answered at once. */
export const FREE_BYTES = 256_000;

/** The place in a list by number; `start` at its start. */
export function readPlace(cursor: string | null, start = 0): Result<number> {
  if (cursor === null) return succeed(start);
  const place = decodeCursor(cursor, [0]);
  return place.ok ? succeed(place.value[0] ?? start) : place;
}

/** The position to continue after; null at the start of the list. */
export function readPosition(cursor: string | null): Result<Position | null> {
  return cursor === null ? succeed(null) : decodeCursor<Position>(cursor, ["", ""]);
}

/** Makes a page from up to `limit + 1` rows: the extra row shows that there is a next page. */
export function toPage<Row, T>(
  rows: Row[],
  limit: number,
  show: (row: Row) => T,
  positionOf: (row: Row) => Position,
): Page<T> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const more = rows.length > limit && last !== undefined;
  return { data: shown.map(show), next_cursor: more ? encodeCursor(positionOf(last)) : null };
}
