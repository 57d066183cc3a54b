// Remembers for a moment where ports of sandboxes are reached: one page asks for a hundred files, and finding an entry takes
// requests to the provider. That a sandbox sleeps is remembered too, but for seconds only. While the provider's API is away
// a known entry is kept: what it leads to may well be there.
import type { PortEntry } from "../../../agent/workspace.ts";

/** An entry that has become wrong shows by a refusal, and is looked for again then. */
const KEPT_MS = 60_000;
/** Refusals of a program itself look the same at times: they lead to one look in this time. */
export const LOOK_MS = 3_000;
/** Many requests of one page find out at once that their entry is an old one. */
export const AGAIN_MS = 250;
const MAX_ENTRIES = 1_000;

export interface KnownEntry {
  /** Null where the sandbox does not run. */
  entry: PortEntry | null;
  asked_at: number;
}

export interface EntryMemory {
  /** What is known and younger than `age_ms`, or what `find` says now. Rejects where that fails and no entry is known. */
  read(key: string, find: () => Promise<PortEntry | null>, age_ms?: number): Promise<KnownEntry>;
}

export function createEntryMemory(now: () => number): EntryMemory {
  const known = new Map<string, KnownEntry>();
  return {
    async read(key, find, age_ms = KEPT_MS) {
      const found = known.get(key);
      const limit = found?.entry === null ? LOOK_MS : age_ms;
      if (found !== undefined && found.asked_at > now() - limit) return found;
      const asked_at = now();
      const entry = await find().catch((error: unknown) => {
        if (!found?.entry) throw error;
        return found.entry;
      });
      const fresh = { asked_at, entry };
      known.delete(key);
      known.set(key, fresh);
      const [oldest] = known.keys();
      if (known.size > MAX_ENTRIES && oldest !== undefined) known.delete(oldest);
      return fresh;
    },
  };
}

/** A sandbox that was restarted opens to other headers, and one that was made anew has another address. */
export function isSameEntry(one: PortEntry, other: PortEntry): boolean {
  return one.address === other.address && JSON.stringify(one.headers) === JSON.stringify(other.headers);
}
