// What a page says, sentence by sentence and row by row, and the figures in it. Nothing is known of a page beforehand:
// another page gives other statements.
import { hasOrders, type ReadPage } from "./pages.ts";

export interface Statement {
  /** The number of its source. */
  n: number;
  text: string;
  /** With their units, as they are written; without dates. */
  figures: string[];
  /** Addresses that it links to. */
  links: string[];
  /** A row of a table. */
  is_row: boolean;
}

// A longer sentence is no quotation any more.
const MAX_CHARACTERS = 300;

/** "Published 2026-05-01 · Ines Duarte". The source has its date by itself. */
const byline = /^\D{0,20}\d{4}-\d{2}-\d{2}(?: · .*)?$/;

export function readStatements({ n, text }: ReadPage): Statement[] {
  const lines = text
    .replace(/^(`{3,}|~{3,})[^\n]*\n[\s\S]*?^\1\s*$/gm, "")
    .replace(/\*\*|__|`/g, "")
    .split("\n");
  return readLines(lines).flatMap(({ raw, is_row }) => {
    const plain = toPlain(raw);
    if (plain.length < 4 || byline.test(plain) || hasOrders(plain)) return [];
    const links = [...raw.matchAll(/\]\((https?:\/\/[^\s)]+)/g)].map(([, url = ""]) => url);
    return [{ n, text: plain, figures: figuresIn(plain), links, is_row }];
  });
}

/** Those that have a figure. */
export function readFacts(page: ReadPage): Statement[] {
  return readStatements(page).filter(({ figures }) => figures.length > 0);
}

interface Raw {
  raw: string;
  is_row: boolean;
}

function readLines(lines: string[]): Raw[] {
  let head: string[] | null = null;
  return lines.flatMap((line): Raw[] => {
    const cells = cellsOf(line);
    if (cells === null) {
      head = null;
      return /^\s*#/.test(line) ? [] : sentencesOf(line).map((raw) => ({ raw, is_row: false }));
    }
    if (cells.every((cell) => /^:?-+:?$/.test(cell))) return [];
    if (head === null) {
      head = cells;
      return [];
    }
    return [{ raw: joinRow(head, cells), is_row: true }];
  });
}

function cellsOf(line: string): string[] | null {
  const row = /^\s*\|(.*)\|\s*$/.exec(line)?.[1];
  return row === undefined ? null : row.split(/(?<!\\)\|/).map((cell) => cell.trim());
}

/** "Perth: p50 261 ms, p95 300 ms". A number is no name, and gets its heading. */
function joinRow(head: string[], [first = "", ...cells]: string[]): string {
  const name = (cell: string, index: number) => `${head[index] ?? ""} ${cell}`.replace("） ", "）").trim();
  const label = /\p{L}/u.test(first) ? first : name(first, 0);
  const values = cells.flatMap((cell, index) => (cell === "" ? [] : [name(cell, index + 1)]));
  return /\p{Script=Han}/u.test(head.join("")) ? `${label}：${values.join("，")}` : `${label}: ${values.join(", ")}`;
}

function sentencesOf(line: string): string[] {
  const bare = line.replace(/^[\s>]*(?:[-*+]|\d{1,3}[.)])?\s+/, "").trim();
  return bare.split(/(?<=[.!?])\s+(?=[\p{Lu}\p{Script=Han}\d"“([])|(?<=[。！？])/u);
}

/** Without Markdown, and without brackets, in which a page could write citations of ours. */
function toPlain(raw: string): string {
  const text = raw
    .replace(/!\[[^\]]*\]\([^)]*\)/g, "")
    .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/\\([\\`*_{}[\]()#+\-.!|<>~])/g, "$1")
    .replace(/[[\]【】［］`]/g, "")
    .replace(/\s+/g, " ")
    .trim();
  return text.length <= MAX_CHARACTERS ? text : `${text.slice(0, MAX_CHARACTERS).toWellFormed()}…`;
}

const dates = /\d{4}-\d{2}-\d{2}|(?<![\d.,])(?:19|20)\d{2}(?![\d.,]\d|\d)\s?年?|\d{1,2}\s?月(?:\s?\d{1,2}\s?日|底)?/g;
const units =
  "%|‰|€|(?:ms|s|[kMGT]B|k[mgW]|kWh|million|billion|euros?|seconds?|minutes?|hours?|days?|weeks?|months?)\\b|万[辆吨元人个]?|亿元?|元|个|周|天|分钟|小时|名|人";
const figure = new RegExp(`[$€¥£]?\\d+(?:[.,]\\d+)*(?:\\s?(?:${units}))?`, "g");

/** Numbers in names (`p50`, `SQLite3`) are none. */
export function figuresIn(text: string): string[] {
  const bare = text
    .replace(/\*\*/g, "")
    .replace(dates, " ")
    .replace(/\p{Script=Latin}\d+/gu, " ");
  return bare.match(figure) ?? [];
}
