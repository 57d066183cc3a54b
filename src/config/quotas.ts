// QUOTAS: what users may have and do, where the usual numbers don't fit. A part that is wrong would be found out by a
// user who is refused, or is not, so it becomes `problem`.
import { describeFixed, isQuotaName, offQuotas, type QuotaName, type Quotas } from "../protocol/money/quotas.ts";

export interface QuotaSettings {
  quotas: Quotas;
  /** What is wrong with the setting, in a sentence for the operator. The other parts count. */
  problem: string | null;
}

/** Reads `runs_per_minute=60,things=20000`, and `off`, which ends all that the other parts do not name. */
export function readQuotaSettings(env: object): QuotaSettings {
  const { QUOTAS: given } = env as { QUOTAS?: unknown };
  const quotas: Quotas = {};
  let problem: string | null = null;
  // A table in wrangler.toml becomes `[object Object]`, which names no quota.
  const parts = String(given ?? "")
    .split(",")
    .map((part) => part.trim());
  let last: QuotaName | null = null;
  for (const [place, part] of parts.entries()) {
    if (part === "") continue;
    if (last !== null && /^\d{3}$/.test(part)) {
      // `things=10,000` is not ten things.
      delete quotas[last];
      problem ??= `QUOTAS: ${last} must be a whole number without commas`;
      continue;
    }
    last = null;
    if (part === "off" && place === 0) {
      Object.assign(quotas, offQuotas);
      continue;
    }
    const [name = "", value = "", ...more] = part.split("=").map((each) => each.trim());
    const fixed = describeFixed(name);
    if (fixed !== null) problem ??= `QUOTAS: ${name} ${fixed}`;
    else if (!isQuotaName(name))
      problem ??= `QUOTAS: part ${place + 1} is no quota (it takes off, or runs_per_minute=60,things=20000)`;
    else if (more.length > 0 || !/^\d{1,12}$/.test(value)) problem ??= `QUOTAS: ${name} must be a whole number`;
    else {
      quotas[name] = Number(value);
      last = name;
    }
  }
  return { quotas, problem };
}
