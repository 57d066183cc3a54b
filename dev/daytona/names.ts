/**
 * Finds sandboxes by name as Daytona 0.190 does, which caches what it finds.
 *
 * apps/api/src/sandbox/services/sandbox.service.ts (findOneByIdOrName) reads a name's sandbox through a cache of ten
 * seconds. A change of a sandbox removes the entry, but TypeORM has cached the ids of the rows under a key of its own
 * (`…-pagination`, SelectQueryBuilder.executeEntitiesAndRawResults), which nothing removes. So for ten seconds a name
 * leads to the sandbox that had it, or to none: a new sandbox of a name that was just used is found by its id only.
 * Before that sandbox-access.guard.ts asks whether there is such a sandbox at all, with a cache of a minute that a
 * creation does empty; a name that was never used is therefore found at once.
 */
const guardMs = 60_000;

interface Cached<Value> {
  value: Value;
  until: number;
}

export class Names {
  readonly #ids = new Map<string, Cached<string | undefined>>();
  readonly #guard = new Map<string, Cached<boolean>>();
  readonly #cachedMs: number;
  readonly #now: () => number;

  constructor(cachedMs: number, now: () => number) {
    this.#cachedMs = cachedMs;
    this.#now = now;
  }

  /** The id under which the server looks for the name. `owner` is the true one. */
  find(name: string, owner: string | undefined): string | undefined {
    if (this.#cachedMs === 0) return owner;
    if (!this.#read(this.#guard, name, guardMs, owner !== undefined)) return undefined;
    return this.#read(this.#ids, name, this.#cachedMs, owner);
  }

  /** A sandbox of this name was created. */
  forget(name: string): void {
    this.#guard.delete(name);
  }

  #read<Value>(cache: Map<string, Cached<Value>>, name: string, ms: number, value: Value): Value {
    const now = this.#now();
    for (const [key, { until }] of cache) if (until <= now) cache.delete(key);
    const cached = cache.get(name) ?? { value, until: now + ms };
    cache.set(name, cached);
    return cached.value;
  }
}

/** `Sandbox.getSoftDeleteName` of apps/api/src/sandbox/entities/sandbox.entity.ts: a deletion frees the name at once. */
export function nameOfDeleted(name: string): string {
  return `DESTROYED_${name}_${Date.now()}`;
}
