// The sources that the thread's texts may cite, as the page knows them by now.
import type { RunSource } from "../../protocol/run.ts";

/** What a citation of the thread's texts leads to. */
export type KnownSource = Omit<RunSource, "cited">;

/** By number. */
export type KnownSources = Readonly<Record<number, KnownSource>>;

/** What was read stays read when a later search finds it again. */
export function addSources(known: KnownSources, added: readonly KnownSource[]): KnownSources {
  if (added.length === 0) return known;
  const kept = added.filter(({ n, read }) => read || known[n]?.read !== true);
  return { ...known, ...Object.fromEntries(kept.map((source) => [source.n, source])) };
}
