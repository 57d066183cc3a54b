// The thread's sources: what tools found and read, numbered for answers that cite them. The numbers belong to the
// thread, so a later run's `[3]` means what an earlier one's did. Those that a run read or cites are stored with the run.
import { type Source, type Sources, toSourceUrl } from "../../agent/sources.ts";
import { citedNumbers } from "../../lib/citations.ts";
import type { Run, RunSource } from "../../protocol/run.ts";
import type { Life } from "../life.ts";
import type { Sql, SqlValue } from "../rows/database.ts";
import { hasTable } from "../rows/tables.ts";
import { isNamedInText } from "./named.ts";

/** A run with more has read a small library. What nobody cites is left out first. */
const MAX_SOURCES = 100;
/** Of all of them as JSON: the run's row and its end event carry them. */
const MAX_CHARACTERS = 50_000;
/** Numbers above are rather years than citations of sources that do not exist. */
const MAX_UNKNOWN = 999;

interface SourceRow extends Record<string, SqlValue> {
  n: number;
  url: string;
  title: string | null;
  date: string | null;
  read_at: string | null;
  hash: string | null;
}

/** For one life of a run. */
export function openSources({ database: { sql } }: Life): Sources {
  const given = new Map<string, number>();
  let last: number | null = null;
  return {
    number: (address) => {
      const url = toSourceUrl(address) ?? address;
      const known = given.get(url) ?? findNumber(sql, url);
      if (known !== undefined) return known;
      last = (last ?? lastNumber(sql)) + 1;
      given.set(url, last);
      return last;
    },
    isNamed: (...forms) =>
      forms.some((form) => findNumber(sql, toSourceUrl(form) ?? form) !== undefined) || isNamedInText(sql, ...forms),
    listRead: (limit) => readNewest(sql, limit),
  };
}

function findNumber(sql: Sql, url: string): number | undefined {
  if (!hasTable(sql, "sources")) return undefined;
  return sql.exec<{ n: number }>("SELECT n FROM sources WHERE url = ?", url).toArray()[0]?.n;
}

function lastNumber(sql: Sql): number {
  if (!hasTable(sql, "sources")) return 0;
  return sql.exec<{ n: number | null }>("SELECT max(n) AS n FROM sources").toArray()[0]?.n ?? 0;
}

/**
 * A source that was read stays read when a later search finds it again. An address keeps its first number, and a number
 * its first address. Returns them with the title and the date that the thread knows, which a page may lack. Inside a
 * transaction.
 */
export function storeSources(sql: Sql, sources: Source[]): Source[] {
  return sources.map((source) => {
    const { n, url, title, date, read } = source;
    const stored = sql.exec<Pick<SourceRow, "title" | "date">>(
      `INSERT INTO sources (n, url, title, date, read_at, hash) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (url) DO UPDATE SET title = coalesce(excluded.title, title), date = coalesce(excluded.date, date),
         read_at = coalesce(excluded.read_at, read_at), hash = coalesce(excluded.hash, hash)
       ON CONFLICT (n) DO NOTHING
       RETURNING title, date`,
      n,
      toSourceUrl(url) ?? url,
      title,
      date,
      read?.at ?? null,
      read?.hash ?? null,
    );
    return { ...source, ...stored.toArray()[0] };
  });
}

/** Those of the numbers that the thread has. Null if it has looked nothing up, so that numbers in texts mean nothing. */
export function findSources(sql: Sql, numbers: number[]): Source[] | null {
  if (!hasTable(sql, "sources")) return null;
  return readRows(sql, "WHERE n IN (SELECT value FROM json_each(?)) ORDER BY n", JSON.stringify(numbers));
}

function readNewest(sql: Sql, limit: number): Source[] {
  if (!hasTable(sql, "sources")) return [];
  return readRows(sql, "WHERE read_at IS NOT NULL ORDER BY n DESC LIMIT ?", limit).reverse();
}

function readRows(sql: Sql, where: string, binding: SqlValue): Source[] {
  return sql
    .exec<SourceRow>(`SELECT n, url, title, date, read_at, hash FROM sources ${where}`, binding)
    .toArray()
    .map(({ read_at, hash, ...source }) => ({
      ...source,
      read: read_at === null || hash === null ? null : { at: read_at, hash },
    }));
}

/** Adds what a result says that was read. Inside a transaction that stores the run. */
export function addRead(run: Run, sources: Source[]): void {
  setSources(
    run,
    sources.filter(({ read }) => read !== null),
  );
}

/** Marks and adds what a text of the run cites, and returns it. Inside a transaction that stores the run. */
export function addCited(sql: Sql, run: Run, text: string): RunSource[] {
  const numbers = citedNumbers(text);
  const found = numbers.length === 0 ? null : findSources(sql, numbers);
  if (found === null) return [];
  setSources(run, found, new Set(numbers));
  return withinBounds(found.map((source) => toRunSource(source, true)));
}

/** How many numbers a text cites that no source of the thread has. */
export function countUnknown(sql: Sql, text: string): number {
  const numbers = citedNumbers(text).filter((n) => n <= MAX_UNKNOWN);
  const found = numbers.length === 0 ? null : findSources(sql, numbers);
  return found === null ? 0 : numbers.length - found.length;
}

function toRunSource({ n, url, title, date, read }: Source, cited: boolean): RunSource {
  const { at: fetched_at = null, hash = null } = read ?? {};
  return { n, url, title, date, fetched_at, hash, read: read !== null, cited };
}

function setSources(run: Run, added: Source[], cited: ReadonlySet<number> = new Set()): void {
  if (added.length === 0) return;
  const known = new Map(run.sources?.map((source) => [source.n, source]));
  for (const source of added) {
    const isCited = cited.has(source.n) || known.get(source.n)?.cited === true;
    known.set(source.n, toRunSource(source, isCited));
  }
  run.sources = withinBounds([...known.values()]);
}

function withinBounds(sources: RunSource[]): RunSource[] {
  let left = MAX_CHARACTERS;
  const byWeight = sources.toSorted((a, b) => Number(b.cited) - Number(a.cited) || a.n - b.n);
  const kept = byWeight.filter((source) => {
    const size = JSON.stringify(source).length;
    if (size > left) return false;
    left -= size;
    return true;
  });
  return kept.slice(0, MAX_SOURCES).sort((a, b) => a.n - b.n);
}
