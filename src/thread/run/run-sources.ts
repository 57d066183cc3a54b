// The sources on a run: what it read, and what its texts cite. They are a part of the run, so they are stored with it
// and need no table of their own.
import type { Source } from "../../agent/sources.ts";
import { citedNumbers } from "../../lib/citations.ts";
import type { Run, RunSource } from "../../protocol/run.ts";
import type { Sql } from "../rows/database.ts";
import { findSources } from "./sources.ts";

/** A run with more has read a small library. What nobody cites is left out first. */
const MAX_SOURCES = 100;
/** Of all of them as JSON: the run's row and its end event carry them. */
const MAX_CHARACTERS = 50_000;
/** Numbers above are rather years than citations of sources that do not exist. */
const MAX_UNKNOWN = 999;

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
