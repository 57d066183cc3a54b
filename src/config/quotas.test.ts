// What QUOTAS may say.
import { expect, it } from "vitest";
import { quotaOf } from "../protocol/money/quotas.ts";
import { readQuotaSettings } from "./quotas.ts";

const NO_QUOTA = "QUOTAS: part 1 is no quota (it takes runs_per_minute=60,threads=10000)";

it("QUOTAS names some quotas, and the others keep their numbers", () => {
  expect(readQuotaSettings({ QUOTAS: " runs_per_minute = 60, streams=0 ," })).toEqual({
    quotas: { runs_per_minute: 60, streams: 0 },
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
    expect(readQuotaSettings({ QUOTAS: `${part},streams=5` })).toEqual({ quotas: { streams: 5 }, problem });
  }
});

it("of a quota that is said twice the last number counts, and a table in wrangler.toml is wrong", () => {
  expect(readQuotaSettings({ QUOTAS: "streams=5,streams=9" })).toEqual({ quotas: { streams: 9 }, problem: null });
  expect(readQuotaSettings({ QUOTAS: { streams: 5 } }).problem).toBe(NO_QUOTA);
});

it("a user's own number counts before the setting's, and that before the usual one", () => {
  const config = { quotas: { runs_per_minute: 60 } };
  expect(quotaOf(config, { runs_per_minute: 0 }, "runs_per_minute")).toBe(0);
  expect(quotaOf(config, { streams: 5 }, "runs_per_minute")).toBe(60);
  expect(quotaOf(config, null, "runs_per_minute")).toBe(60);
  expect(quotaOf({ quotas: {} }, undefined, "runs_per_minute")).toBe(120);
});

it("a number with a comma in it is no small quota: neither of its halves counts", () => {
  expect(readQuotaSettings({ QUOTAS: "threads=10,000,streams=5" })).toEqual({
    quotas: { streams: 5 },
    problem: "QUOTAS: threads must be a whole number without commas",
  });
});
