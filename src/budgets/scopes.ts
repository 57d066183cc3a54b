// Which budgets a run counts for: those of its project, its user and the deployment that have a cap.
import { type Caps, capNames, hasCap, type PeriodCaps } from "../protocol/money/caps.ts";
import type { BudgetScope } from "../protocol/money/lease.ts";

/** The settings' caps: of the deployment, and of a user who has no own. */
export interface ConfiguredCaps {
  deployment: PeriodCaps;
  user: PeriodCaps;
}

/** What a run's user and project have of their own. */
export interface OwnCaps {
  user: PeriodCaps | null;
  project: Caps | null;
}

/** The narrowest first: a refusal names the first cap that has no room. */
export function budgetScopes(
  config: { caps: ConfiguredCaps },
  own: OwnCaps,
  user_id: string,
  project_id: string,
  now: number,
): BudgetScope[] {
  const date = new Date(now).toISOString();
  const [day, month] = [date.slice(0, "2026-11-28".length), date.slice(0, "2026-11".length)];
  const { deployment, user } = config.caps;
  const scopes: BudgetScope[] = [
    { scope: "project", id: project_id, period: "all", caps: own.project ?? {} },
    { scope: "user", id: user_id, period: day, caps: merge(user.day, own.user?.day) },
    { scope: "user", id: user_id, period: month, caps: merge(user.month, own.user?.month) },
    { scope: "deployment", id: "", period: day, caps: deployment.day ?? {} },
    { scope: "deployment", id: "", period: month, caps: deployment.month ?? {} },
  ];
  return scopes.filter(({ caps }) => hasCap(caps));
}

/** Null and absent take the setting's. */
function merge(usual: Caps | null | undefined, own: Caps | null | undefined): Caps {
  return Object.fromEntries(capNames.map((name) => [name, own?.[name] ?? usual?.[name] ?? null]));
}
