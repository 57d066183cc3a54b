// The object's own SQLite: its tables, and how values and long texts are read and written. Everything here is
// synchronous, so that one transaction holds a fact and its state.
import { readStored, type Shape, UnreadableRow } from "../../store/shapes/stored.ts";

export type SqlValue = string | number | null;

/** The part of a Durable Object's `storage.sql` that is used. Tests bring another SQLite. */
export interface Sql {
  exec<Row extends Record<string, SqlValue>>(query: string, ...bindings: SqlValue[]): { toArray(): Row[] };
}

export interface Database {
  sql: Sql;
  /** All or nothing; throws what `change` throws. */
  transaction<T>(change: () => T): T;
}

/** Null if the key has no value, or none of a known shape. */
export function readMeta<T>(sql: Sql, key: string, shape: Shape<T>): T | null {
  const text = readMetaText(sql, key);
  return (text !== null ? readStored(shape, text, "meta", key) : null) ?? null;
}

/** Like `readMeta`, for values without a default: throws if there is a value and it has no known shape. */
export function readRequiredMeta<T>(sql: Sql, key: string, shape: Shape<T>): T | null {
  const text = readMetaText(sql, key);
  if (text === null) return null;
  const value = readStored(shape, text, "meta", key);
  if (value === undefined) throw new UnreadableRow(`the stored ${key} can't be read`);
  return value;
}

function readMetaText(sql: Sql, key: string): string | null {
  const known = knownMeta.get(sql);
  if (known !== undefined) return known.get(key) ?? null;
  return sql.exec<{ value: string }>("SELECT value FROM meta WHERE key = ?", key).toArray()[0]?.value ?? null;
}

const knownMeta = new WeakMap<Sql, ReadonlyMap<string, string>>();

/** Calls `work`, which reads many values of `meta` and writes none, with one statement for all; none if there are none. */
export function readingMeta<T>(sql: Sql, isEmpty: boolean, work: () => T): T {
  const rows = isEmpty ? [] : sql.exec<{ key: string; value: string }>("SELECT key, value FROM meta").toArray();
  knownMeta.set(sql, new Map(rows.map(({ key, value }) => [key, value])));
  try {
    return work();
  } finally {
    knownMeta.delete(sql);
  }
}

export function writeMeta(sql: Sql, key: string, value: unknown): void {
  sql.exec(
    "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    key,
    JSON.stringify(value),
  );
}

export function deleteMeta(sql: Sql, key: string): void {
  sql.exec("DELETE FROM meta WHERE key = ?", key);
}

// A row may hold 2 MB. A text over 1 MB goes to `overflow` in parts, and its column holds NULL.
const MAX_TEXT_BYTES = 1_000_000;
// A UTF-16 unit is three bytes of UTF-8 at most, so a part stays under the same limit.
const PART_UNITS = 300_000;

const encoder = new TextEncoder();

/** Whether a text needs no `overflow`. */
export function fitsColumn(text: string): boolean {
  return text.length * 3 <= MAX_TEXT_BYTES || encoder.encode(text).byteLength <= MAX_TEXT_BYTES;
}

/** The value of the column for `text`. A long text is stored in `overflow` under `owner`, and the value is null. */
export function writeText(sql: Sql, owner: string, text: string): string | null {
  if (fitsColumn(text)) return text;
  const pieces = cutText(text, PART_UNITS);
  for (const [part, piece] of pieces.entries()) {
    sql.exec("INSERT OR REPLACE INTO overflow (owner, part, text) VALUES (?, ?, ?)", owner, part, piece);
  }
  // Removes the rest of a longer text of the same owner.
  sql.exec("DELETE FROM overflow WHERE owner = ? AND part >= ?", owner, pieces.length);
  return null;
}

export function readText(sql: Sql, owner: string, column: string | null): string {
  if (column !== null) return column;
  return sql
    .exec<{ text: string }>("SELECT text FROM overflow WHERE owner = ? ORDER BY part", owner)
    .toArray()
    .map((row) => row.text)
    .join("");
}

/** Pieces of at most `units` (two or more) UTF-16 units that never split a surrogate pair (SQLite stores UTF-8). */
export function cutText(text: string, units: number): string[] {
  const pieces: string[] = [];
  let start = 0;
  while (start < text.length) {
    let end = Math.min(start + units, text.length);
    const last = text.charCodeAt(end - 1);
    if (end < text.length && last >= 0xd800 && last <= 0xdbff) end -= 1;
    pieces.push(text.slice(start, end));
    start = end;
  }
  return pieces;
}
