// What QUOTAS may say.
import { expect, it } from "vitest";
import { MAX_QUOTA, quotaOf } from "../protocol/money/quotas.ts";
import { readQuotaSettings } from "./quotas.ts";

const NO_QUOTA = "QUOTAS: part 1 is no quota (it takes off, or runs_per_minute=60,things=20000)";

it("QUOTAS names some quotas, and the others keep their numbers", () => {
  expect(readQuotaSettings({ QUOTAS: " runs_per_minute = 60, things=0 ," })).toEqual({
    quotas: { runs_per_minute: 60, things: 0 },
    problem: null,
  });
  for (const env of [{}, { QUOTAS: "" }, { QUOTAS: undefined }]) {
    expect(readQuotaSettings(env)).toEqual({ quotas: {}, problem: null });
  }
});

it("a part that is wrong is named, and the others count", () => {
  for (const [part, problem] of [
    ["runs=60", NO_QUOTA],
    ["__proto__=60", NO_QUOTA],
    ["constructor=60", NO_QUOTA],
    ["runs_at_once", "QUOTAS: runs_at_once must be a whole number"],
    ["runs_at_once=", "QUOTAS: runs_at_once must be a whole number"],
    ["runs_at_once=-1", "QUOTAS: runs_at_once must be a whole number"],
    ["runs_at_once=1.5", "QUOTAS: runs_at_once must be a whole number"],
    ["runs_at_once=many", "QUOTAS: runs_at_once must be a whole number"],
    ["runs_at_once=1=2", "QUOTAS: runs_at_once must be a whole number"],
  ]) {
    expect(readQuotaSettings({ QUOTAS: `${part},things=5` })).toEqual({ quotas: { things: 5 }, problem });
  }
});

it("a name that can't be set is refused with what to do instead", () => {
  for (const [name, why] of [
    ["pings_per_minute", "is fixed at 20"],
    ["tickets", "is fixed at 300"],
    ["threads", "is a part of things: set that"],
    ["sandbox_cpus", "is a part of sandboxes: set that"],
    ["searches_per_day", "is no quota: set lookups_per_day"],
    ["sandbox_disk", "is no quota: the setting SANDBOX_LIMITS bounds each sandbox"],
  ]) {
    expect(readQuotaSettings({ QUOTAS: `${name}=5` })).toEqual({ quotas: {}, problem: `QUOTAS: ${name} ${why}` });
  }
});

it("off ends the quotas and what one person at home would meet, and no limit that protects others", () => {
  const { quotas, problem } = readQuotaSettings({ QUOTAS: "off,sandboxes=3" });
  expect(problem).toBeNull();
  const at = (name: Parameters<typeof quotaOf>[2]) => quotaOf({ quotas }, null, name);
  for (const name of ["runs_per_minute", "lookups_per_day", "changes_per_minute", "agent_versions_per_minute"] as const)
    expect(at(name)).toBe(MAX_QUOTA);
  expect([at("sandboxes"), at("sandbox_cpus")]).toEqual([3, 12]);
  expect(at("agents")).toBeGreaterThan(1_000_000);
  expect([at("pings_per_minute"), at("webhook_attempts_per_minute"), at("deliveries_per_minute")]).toEqual([
    20, 1_200, 600,
  ]);
  expect(readQuotaSettings({ QUOTAS: "things=5,off" }).problem).toMatch(/part 2 is no quota/);
});

it("of a quota that is said twice the last number counts, and a table in wrangler.toml is wrong", () => {
  expect(readQuotaSettings({ QUOTAS: "things=5,things=9" })).toEqual({ quotas: { things: 9 }, problem: null });
  expect(readQuotaSettings({ QUOTAS: { things: 5 } }).problem).toBe(NO_QUOTA);
});

it("a user's own number counts before the setting's, and that before the usual one", () => {
  const config = { quotas: { runs_per_minute: 60 } };
  expect(quotaOf(config, { runs_per_minute: 0 }, "runs_per_minute")).toBe(0);
  expect(quotaOf(config, { things: 5 }, "runs_per_minute")).toBe(60);
  expect(quotaOf(config, null, "runs_per_minute")).toBe(60);
  expect(quotaOf({ quotas: {} }, undefined, "runs_per_minute")).toBe(120);
});

it("what is a part of a quota grows and shrinks with it, and nobody's own number changes what is fixed", () => {
  const usual = { quotas: {} };
  const partsOf = (things: number) =>
    (["agents", "api_keys", "webhooks", "threads"] as const).map((name) => quotaOf(usual, { things }, name));
  expect(partsOf(500)).toEqual([10, 5, 20, 500]);
  // One key can be replaced, and one agent made, with few things, too.
  expect(partsOf(7)).toEqual([1, 1, 20, 7]);
  expect(partsOf(0)).toEqual([0, 0, 20, 0]);
  expect(quotaOf(usual, { agents: 7, pings_per_minute: 7 }, "agents")).toBe(200);
  expect(quotaOf(usual, { agents: 7, pings_per_minute: 7 }, "pings_per_minute")).toBe(20);
});

it("a number with a comma in it is no small quota: neither of its halves counts", () => {
  expect(readQuotaSettings({ QUOTAS: "things=10,000,sandboxes=5" })).toEqual({
    quotas: { sandboxes: 5 },
    problem: "QUOTAS: things must be a whole number without commas",
  });
});
