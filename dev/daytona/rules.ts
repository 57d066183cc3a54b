/**
 * Which Daytona this server is as strict as: its mode, and how names are cached. `0.190` is the newest version with
 * public source; a comment beside each rule names the file there that has it (README.md lists them). `0.218` has
 * secrets, times to live and resizes beside that, as the SDK of that version asks for them.
 */

export const modes = ["0.190", "0.218"] as const;

export type Mode = (typeof modes)[number];

export interface ModeOptions {
  mode?: Mode;
  /** The feature flag `sandbox_resize`, which is off in a self-hosted 0.190. */
  resizes?: boolean;
  /** The regions that a sandbox may be created in. The first is the default. */
  regions?: readonly string[];
  /** How long an archive takes at least. */
  archiveMs?: number;
  /** The time, for caches. Tests turn it. */
  now?: () => number;
}

export interface Rules {
  mode: Mode;
  resizes: boolean;
  regions: readonly string[];
  archiveMs: number;
  now: () => number;
  /** A name's sandbox is cached this long. */
  namesMs: number;
  /** Whether a token in a preview's query is worth a cookie. */
  queryTokenSetsCookie: boolean;
}

export function readRules({ mode = "0.190", ...options }: ModeOptions): Rules {
  const isOld = mode === "0.190";
  return {
    mode,
    // apps/api/src/sandbox/controllers/sandbox.controller.ts, @RequireFlagsEnabled: false where nobody set it.
    resizes: options.resizes ?? !isOld,
    regions: options.regions ?? ["local"],
    // apps/api/src/sandbox/managers/sandbox-actions/sandbox-archive.action.ts: it waits for a backup.
    archiveMs: options.archiveMs ?? (isOld ? 1_000 : 0),
    now: options.now ?? Date.now,
    // apps/api/src/sandbox/utils/sandbox-lookup-cache.util.ts
    namesMs: isOld ? 10_000 : 0,
    // apps/proxy/pkg/proxy/auth.go: only a signed token sets one.
    queryTokenSetsCookie: !isOld,
  };
}

/**
 * Routes that 0.190 does not have (apps/api/src/sandbox/controllers/sandbox.controller.ts). They are answered as any
 * path that does not exist.
 */
const laterRoutes =
  /^\/(?:sandbox\/[^/]+\/(?:ttl|autopause|signing-key|secrets)(?:\/.*)?|secret(?:\/.*)?|warm-pools(?:\/.*)?)$/;

export function isMissing({ mode, resizes }: Rules, inner: string): boolean {
  if (!resizes && /^\/sandbox\/[^/]+\/resize$/.test(inner)) return true;
  return mode === "0.190" && laterRoutes.test(inner);
}

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
