// What was read a moment ago, so that a busy path asks no database for it. Bounded in number and in time.

export interface ShortMemory<Value> {
  /** The remembered value, or what `readStored` gives; that there is none is not remembered. */
  read(key: string, readStored: () => Promise<Value | null>): Promise<Value | null>;
  /** It was changed or deleted. */
  forget(key: string): void;
}

export interface MemoryOptions {
  now: () => number;
  keep_ms: number;
  /** Beyond this many the oldest is forgotten. */
  most: number;
}

export function createShortMemory<Value>({ now, keep_ms, most }: MemoryOptions): ShortMemory<Value> {
  const remembered = new Map<string, { value: Value; until: number }>();
  // Counts changes: a read that began before one may have found what was there before it.
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
