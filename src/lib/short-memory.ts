// A small cache in memory, so that a busy path does not query the database each time. Bounded in number and in time.

export interface ShortMemory<Value> {
  /** The cached value, or what `readStored` returns. A missing value is not cached. */
  read(key: string, readStored: () => Promise<Value | null>): Promise<Value | null>;
  /** Call this when the value was changed or deleted. */
  forget(key: string): void;
}

export interface MemoryOptions {
  now: () => number;
  keep_ms: number;
  /** At this many entries the oldest is dropped. */
  most: number;
}

export function createShortMemory<Value>({ now, keep_ms, most }: MemoryOptions): ShortMemory<Value> {
  const remembered = new Map<string, { value: Value; until: number }>();
  // Counts changes: a read that began before a change may return the old value.
  let changes = 0;
  return {
    async read(key, readStored) {
      const known = remembered.get(key);
      if (known !== undefined && known.until > now()) return known.value;
      const before = changes;
      const value = await readStored();
      remembered.delete(key);
      if (value === null || changes !== before) return value;
      remembered.set(key, { value, until: now() + keep_ms });
      const [oldest] = remembered.keys();
      if (remembered.size > most && oldest !== undefined) remembered.delete(oldest);
      return value;
    },
    forget(key) {
      changes += 1;
      remembered.delete(key);
    },
  };
}
