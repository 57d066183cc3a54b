// What a page says about itself: title, date, base address, and the signs of a page that scripts fill.
import { cutEnd } from "../../../../lib/truncate.ts";

export interface HeadFacts {
  /** Where relative addresses begin. */
  base: string;
  title: string;
  language: string;
  metas: Map<string, string>;
  /** The start of the page's JSON-LD. */
  linked_data: string;
  scripts: number;
  frames: { name: string; url: string }[];
  /** Where the page sends its reader by itself. */
  refresh: string | null;
  times: string[];
  /** Receives the text of the element that was opened last. */
  capture: ((text: string) => void) | null;
}

const MAX_METAS = 300;
const MAX_VALUE = 1000;
const MAX_LINKED_DATA = 100_000;
const MAX_FRAMES = 20;
const MAX_TIMES = 20;

export function newHead(url: string): HeadFacts {
  return {
    base: url,
    title: "",
    language: "",
    metas: new Map(),
    linked_data: "",
    scripts: 0,
    frames: [],
    refresh: null,
    times: [],
    capture: null,
  };
}

export function readHeadTag(head: HeadFacts, name: string, attributes: Record<string, string>): void {
  if (Object.hasOwn(readers, name)) readers[name]?.(head, attributes);
}

type TagReader = (head: HeadFacts, attributes: Record<string, string>) => void;

const readers: Record<string, TagReader | undefined> = {
  html: (head, { lang }) => {
    head.language = lang?.slice(0, MAX_VALUE) ?? "";
  },
  base: (head, { href = "" }) => {
    const url = URL.parse(href.trim(), head.base);
    if (url?.protocol === "https:" || url?.protocol === "http:") head.base = url.href;
  },
  title: (head) => {
    if (head.title !== "") return;
    head.capture = (text) => {
      head.title = (head.title + text).slice(0, MAX_VALUE);
    };
  },
  meta: (head, attributes) => {
    const key = (attributes.property ?? attributes.name ?? attributes.itemprop ?? "").toLowerCase();
    const { content = "" } = attributes;
    if (attributes["http-equiv"]?.toLowerCase() === "refresh") head.refresh = readRefresh(content, head.base);
    if (key !== "" && head.metas.size < MAX_METAS && !head.metas.has(key)) {
      head.metas.set(key, content.slice(0, MAX_VALUE));
    }
  },
  script: (head, { type = "" }) => {
    if (type.toLowerCase() !== "application/ld+json") {
      head.scripts += 1;
      return;
    }
    head.capture = (text) => {
      head.linked_data = (head.linked_data + text).slice(0, MAX_LINKED_DATA);
    };
  },
  frame: (head, { src = "", name = "" }) => {
    const url = URL.parse(src.trim(), head.base);
    if (url !== null && head.frames.length < MAX_FRAMES) head.frames.push({ name: oneLine(name, 100), url: url.href });
  },
  time: (head, { datetime }) => {
    if (datetime !== undefined && head.times.length < MAX_TIMES) head.times.push(datetime.slice(0, 100));
  },
};

function readRefresh(content: string, base: string): string | null {
  const address = /^\s*[\d.]+\s*[;,]\s*(?:url\s*=\s*)?["']?([^"'\s]+)/i.exec(content.slice(0, MAX_VALUE))?.[1];
  const url = address === undefined ? null : URL.parse(address, base);
  return url?.protocol === "https:" || url?.protocol === "http:" ? url.href : null;
}

/** Null if it has none. Shared titles come first: `<title>` often repeats the site's name and sections. */
export function titleOf({ metas, title }: HeadFacts): string | null {
  const found = [metas.get("og:title"), title, metas.get("twitter:title")].find((text) => text?.trim());
  return found === undefined ? null : oneLine(found, MAX_TITLE);
}

const MAX_TITLE = 300;

/** Names of a page's date, the most reliable first. A date of modification is none of publication. */
const dateNames = [
  ...["article:published_time", "og:published_time", "datepublished", "citation_publication_date", "citation_date"],
  ...["dc.date.issued", "dcterms.issued", "dc.date", "dcterms.date", "dcterms.created", "parsely-pub-date"],
  ...["sailthru.date", "pubdate", "publishdate", "publish-date", "publication_date", "weibo: article:create_at"],
  "date",
];

/** Null if the page names none. */
export function dateOf({ metas, linked_data, times }: HeadFacts): string | null {
  const linked = /"(?:datePublished|pubDate|uploadDate|dateCreated)"\s*:\s*"([^"]{4,40})"/.exec(linked_data)?.[1];
  const [first] = times;
  const candidates = [...dateNames.map((name) => metas.get(name)), linked, times.length === 1 ? first : undefined];
  for (const text of candidates) {
    const date = text === undefined ? null : readDate(text);
    if (date !== null) return date;
  }
  return null;
}

/** The web is not older, and a page from the future has a wrong date. */
const [FIRST_YEAR, LAST_YEAR] = [1990, 2100];

/** As `2026-03-01` with the time if it has one; null if it is none. */
export function readDate(text: string): string | null {
  const given = text.trim().slice(0, 60);
  const day = /^(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?/.exec(given);
  if (day === null) {
    const at = /[a-z]{3}/i.test(given) && /\d{4}/.test(given) ? Date.parse(given) : Number.NaN;
    return Number.isNaN(at) ? null : checkYear(new Date(at).toISOString().slice(0, 10));
  }
  const [, year = "", month = "", date = ""] = day;
  const written = `${year}-${month.padStart(2, "0")}-${date.padStart(2, "0")}`;
  if (Number.isNaN(Date.parse(written))) return null;
  const time = /^[T\s]+(\d{2}:\d{2}(?::\d{2})?)(?:\.\d+)?\s*(Z|[+-]\d{2}:?\d{2})?/.exec(given.slice(day[0].length));
  return checkYear(time === null ? written : `${written}T${time[1]}${time[2] ?? ""}`);
}

function checkYear(date: string): string | null {
  const year = Number(date.slice(0, 4));
  return year >= FIRST_YEAR && year <= LAST_YEAR ? date : null;
}

function oneLine(text: string, limit: number): string {
  return cutEnd(text.replace(/\s+/g, " ").trim(), limit);
}
