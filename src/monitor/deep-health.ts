// Remembers what the checks found, so that probes of many places cost the model's server and the provider one look in
// half a minute. In this isolate's memory: D1 can't be asked whether D1 is there, and Cloudflare's cache is not to be
// had on workers.dev. A value is kept and no promise, which would belong to the request that began it.
import { CHECKS_MS, type Check, type CheckPorts, runChecks } from "./checks.ts";

export const REMEMBERED_MS = 30_000;

export interface DeepHealth {
  status: "ok" | "failing";
  checks: Check[];
  checked_at: string;
}

export function createDeepHealth(): (ports: CheckPorts) => Promise<DeepHealth> {
  let known: { health: DeepHealth; at: number } | null = null;
  /** When somebody began to look. Whoever comes meanwhile gets what is known: a look's limit is seconds away. */
  let looking_at = Number.NEGATIVE_INFINITY;
  const isWithin = (from: number, now: number, ms: number) => now >= from && now - from < ms;
  return async (ports) => {
    const at = ports.now();
    if (known !== null && isWithin(known.at, at, REMEMBERED_MS)) return known.health;
    if (known !== null && isWithin(known.at, at, 2 * REMEMBERED_MS) && isWithin(looking_at, at, CHECKS_MS)) {
      return known.health;
    }
    looking_at = at;
    const checks = await runChecks(ports);
    const status = checks.every(({ ok }) => ok) ? "ok" : "failing";
    const health: DeepHealth = { status, checks, checked_at: new Date(at).toISOString() };
    known = { health, at };
    return health;
  };
}
