// Reads what services answer with, which may have any shape and any length.
import { asRecord, isRecord } from "../../../lib/is-record.ts";
import { cutEnd } from "../../../lib/truncate.ts";
import { toDate } from "./dates.ts";
import type { FoundPage } from "./search-service.ts";

/** More than are ever shown, as some are left out. */
const MAX_ITEMS = 50;
/** More than is shown of each, as markup is taken out. */
const MAX_TEXT = 4000;

export interface PageFields {
  url: unknown;
  title: unknown;
  date: unknown;
  /** Of several, the first that says something. */
  passages: unknown[];
}

/** Null if it is no list. Items without an address are left out. */
export function readPages(
  list: unknown,
  now: number,
  pick: (item: Record<string, unknown>) => PageFields,
): FoundPage[] | null {
  if (!Array.isArray(list)) return null;
  return list
    .slice(0, MAX_ITEMS)
    .filter(isRecord)
    .map(pick)
    .flatMap(({ url, title, date, passages }) =>
      typeof url === "string" && url.length <= MAX_TEXT
        ? [{ url, title: toText(title), date: toDate(date, now), passage: passages.map(toText).find(Boolean) ?? "" }]
        : [],
    );
}

/** What is at the path; undefined if something before it is missing. */
export function at(value: unknown, ...path: string[]): unknown {
  return path.reduce((inner: unknown, name) => asRecord(inner)?.[name], value);
}

export function textAt(value: unknown, ...path: string[]): string {
  const found = at(value, ...path);
  return isText(found) ? found : "";
}

/** What is no text must not become one: of an object that a service sends, that may fail. */
export function isText(value: unknown): value is string {
  return typeof value === "string";
}

/** The tags that services put around the words of the query. */
const HIGHLIGHT = /<\/?(?:b|em|i|mark|strong|span)(?:\s[^<>]{0,80})?>/gi;
const ENTITY = /&(?:(amp|lt|gt|quot|apos|nbsp)|#(\d{1,7})|#x([\da-f]{1,6}));/gi;
const entities: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: " " };

/** A text without the markup of a results page. Other tags are part of what the page says. */
function toText(value: unknown): string {
  if (typeof value !== "string") return "";
  return cutEnd(value, MAX_TEXT)
    .replace(HIGHLIGHT, "")
    .replace(ENTITY, (whole: string, name?: string, decimal?: string, hex?: string) => {
      if (name !== undefined) return entities[name.toLowerCase()] ?? whole;
      const code = decimal === undefined ? Number.parseInt(hex ?? "", 16) : Number(decimal);
      return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
    })
    .replace(/\s+/g, " ")
    .trim();
}
