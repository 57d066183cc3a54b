// A small cache in memory, so that a busy path does not query the database each time. Bounded in number and in time.

export interface TimedCache<Value> {
  /** The cached value itself, or what `readStored` returns. A missing value is not cached. */
  read(key: string, readStored: () => Promise<Value | null>): Value | Promise<Value | null>;
  /** The cached value. */
  peek(key: string): Value | null;
  /** Call this when the value was changed or deleted. */
  forget(key: string): void;
  /** The same for all keys that match. */
  forgetAll(matches: (key: string) => boolean): void;
}

export interface CacheOptions {
  now: () => number;
  keep_ms: number;
  /** At this many entries the oldest is dropped. */
  max_entries: number;
}

export function createTimedCache<Value>({ now, keep_ms, max_entries }: CacheOptions): TimedCache<Value> {
  const entries = new Map<string, { value: Value; until: number }>();
  // Counts changes: a read that began before a change may return the old value.
  let changes = 0;
  const readAnew = async (key: string, readStored: () => Promise<Value | null>): Promise<Value | null> => {
    const before = changes;
    const value = await readStored();
    entries.delete(key);
    if (value === null || changes !== before) return value;
    entries.set(key, { value, until: now() + keep_ms });
    const [oldest] = entries.keys();
    if (entries.size > max_entries && oldest !== undefined) entries.delete(oldest);
    return value;
  };
  const peek = (key: string): Value | null => {
    const known = entries.get(key);
    return known !== undefined && known.until > now() ? known.value : null;
  };
  return {
    peek,
    read: (key, readStored) => peek(key) ?? readAnew(key, readStored),
    forget(key) {
      changes += 1;
      entries.delete(key);
    },
    forgetAll(matches) {
      changes += 1;
      for (const key of entries.keys()) if (matches(key)) entries.delete(key);
    },
  };
}
