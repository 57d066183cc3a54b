import { describe, expect, it } from "vitest";
import { budgetScopes, type OwnCaps } from "./scopes.ts";

const now = Date.parse("2026-11-28T23:59:59.999Z");
const none = { max_cost_usd: null, max_total_tokens: null, max_minutes: null };
const uncapped = { caps: { deployment: {}, user: {} } };
const scopes = (config: Parameters<typeof budgetScopes>[0], own: OwnCaps = { user: null, project: null }) =>
  budgetScopes(config, own, "user_1", "proj_1", now);

describe("the budgets that a run counts for", () => {
  it("are none without a cap", () => {
    expect(scopes(uncapped)).toEqual([]);
    expect(scopes(uncapped, { user: { day: null, month: { max_minutes: null } }, project: {} })).toEqual([]);
  });

  it("are those of its project, its user and the deployment, by day and month in UTC", () => {
    const deployment = { day: { max_cost_usd: 100 }, month: { max_minutes: 9 } };
    const user = { month: { max_total_tokens: 5 } };
    expect(scopes({ caps: { deployment, user } }, { user: null, project: { max_cost_usd: 0 } })).toEqual([
      { scope: "project", id: "proj_1", period: "all", caps: { max_cost_usd: 0 } },
      { scope: "user", id: "user_1", period: "2026-11", caps: { ...none, max_total_tokens: 5 } },
      { scope: "deployment", id: "", period: "2026-11-28", caps: { max_cost_usd: 100 } },
      { scope: "deployment", id: "", period: "2026-11", caps: { max_minutes: 9 } },
    ]);
  });

  it("take a user's own caps in place of the settings', each by itself", () => {
    const user = { day: { max_cost_usd: 1, max_total_tokens: 10 } };
    const own = { day: { max_cost_usd: 7, max_total_tokens: null, max_minutes: 3 }, month: { max_cost_usd: 0 } };
    expect(scopes({ caps: { deployment: {}, user } }, { user: own, project: null })).toMatchObject([
      { period: "2026-11-28", caps: { max_cost_usd: 7, max_total_tokens: 10, max_minutes: 3 } },
      { period: "2026-11", caps: { ...none, max_cost_usd: 0 } },
    ]);
  });
});
