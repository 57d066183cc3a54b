// Remembers what the checks found, so that probes of many places cost the model's server and the provider one look in
// half a minute. In this isolate's memory: D1 can't be asked whether D1 is there, and Cloudflare's cache is not to be
// had on workers.dev. A value is kept and no promise, which would belong to the request that began it.
import { type Check, type CheckPorts, runChecks } from "./checks.ts";

export const REMEMBERED_MS = 30_000;

export interface DeepHealth {
  status: "ok" | "failing";
  checks: Check[];
  checked_at: string;
}

export function createDeepHealth(): (ports: CheckPorts) => Promise<DeepHealth> {
  let known: { health: DeepHealth; at: number } | null = null;
  return async (ports) => {
    const at = ports.now();
    if (known !== null && at - known.at < REMEMBERED_MS && at >= known.at) return known.health;
    const checks = await runChecks(ports);
    const status = checks.every(({ ok }) => ok) ? "ok" : "failing";
    const health: DeepHealth = { status, checks, checked_at: new Date(at).toISOString() };
    known = { health, at };
    return health;
  };
}
