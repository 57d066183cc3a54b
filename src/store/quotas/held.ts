// What a user has of what a quota limits. The statement that makes something counts first, so no number of requests at
// once gets past an exact quota, and one that is refused writes nothing.
import type { Config } from "../../config.ts";
import { type DailyName, isQuotaName, type LimitName, limits, quotaOf, quotas } from "../../protocol/money/quotas.ts";
import { IS_KEY } from "../keys/maker.ts";

const NOW = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')";

/** Rows of the user ?1 that count. */
const rows = {
  sandboxes: "sandboxes WHERE user_id = ?1",
  agents: "agents WHERE user_id = ?1 AND agent_id <> 'agent_default'",
  api_keys: `api_keys WHERE user_id = ?1 AND ${IS_KEY}`,
  triggers: "triggers WHERE user_id = ?1",
  webhooks: "webhooks WHERE user_id = ?1",
  git_credentials: "secrets WHERE user_id = ?1 AND kind = 'git'",
  sandbox_secrets: "sandbox_secrets WHERE user_id = ?1 AND deleted_at IS NULL",
  slack_workspaces: "slack_workspaces WHERE user_id = ?1",
  tickets: `tickets WHERE user_id = ?1 AND expires_at > ${NOW} AND project_id <> ''`,
} satisfies Partial<Record<LimitName, string>>;

/** The parts of `things` that are counted when one more is made. */
export const thingNames = [...(["agents", "api_keys", "triggers", "git_credentials", "sandbox_secrets"] as const)];

export type CountedName = keyof typeof rows | "sandbox_cpus" | DailyName;

/** The provider's own size, until it has said how large a sandbox is. */
export const CPUS = "coalesce(sum(coalesce(cpu, 1)), 0)";

const usedToday = (name: DailyName) => `coalesce((SELECT used FROM quota_uses
  WHERE user_id = ?1 AND name = '${name}' AND period = strftime('%Y-%m-%d', 'now')), 0)`;

const counts: Record<CountedName, string> = {
  ...(Object.fromEntries(
    Object.entries(rows).map(([name, from]) => [name, `(SELECT count(*) FROM ${from})`]),
  ) as Record<keyof typeof rows, string>),
  sandbox_hours_per_day: usedToday("sandbox_hours_per_day"),
  lookups_per_day: usedToday("lookups_per_day"),
  image_builds_per_day: usedToday("image_builds_per_day"),
  sandbox_cpus: `(SELECT ${CPUS} FROM sandboxes WHERE user_id = ?1)`,
};

/** An SQL expression: how many the user ?1 may have, `usual` unless an admin gave another number. */
export function limitOf(name: LimitName, usual: number = limits[name].usual): string {
  const { of, usual: part } = limits[name];
  const set = of ?? (isQuotaName(name) ? name : null);
  if (set === null) return String(usual);
  const own = `(quotas ->> '$.${set}')`;
  const limit = of === undefined ? own : `max(min(${own}, 1), ${own} * ${part} / ${quotas[of].usual})`;
  return `coalesce((SELECT ${limit} FROM users WHERE users.user_id = ?1), ${usual})`;
}

/** An SQL condition: the user ?1 may have one more. */
export function hasRoom(name: CountedName, usual?: number): string {
  return `${counts[name]} < ${limitOf(name, usual)}`;
}

export interface HeldQuota {
  used: number;
  limit: number;
}

export type UsualQuota = (name: LimitName) => number;

/** What users have who were given nothing else. */
export function usualOf(config: Config): UsualQuota {
  return (name) => quotaOf(config, null, name);
}

export const usualQuota: UsualQuota = (name) => limits[name].usual;

/** What the user has of each. */
export async function readHeld<Name extends CountedName>(
  db: D1Database,
  user_id: string,
  names: readonly Name[],
  usual: UsualQuota,
): Promise<Record<Name, HeldQuota>> {
  const columns = names.flatMap((name) => [counts[name], limitOf(name, usual(name))]);
  const [row = []] = await db
    .prepare(`SELECT ${columns.join(", ")}`)
    .bind(user_id)
    .raw<number[]>();
  const held = names.map((name, place) => [name, { used: row[2 * place] ?? 0, limit: row[2 * place + 1] ?? 0 }]);
  return Object.fromEntries(held) as Record<Name, HeldQuota>;
}
