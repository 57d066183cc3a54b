import { expect, it } from "vitest";
import { readRetentionSettings } from "./retention.ts";

it("keeps threads for ever and expects ten gigabytes unless a setting says otherwise", () => {
  const usual = { retention_days: null, database_limit: 10_000_000_000, retention_problem: null };
  expect(readRetentionSettings({})).toEqual(usual);
  expect(readRetentionSettings({ RETENTION_DAYS: " ", DATABASE_LIMIT_MB: "" })).toEqual(usual);
  const given = readRetentionSettings({ RETENTION_DAYS: "90", DATABASE_LIMIT_MB: 500 });
  expect(given).toEqual({ retention_days: 90, database_limit: 500_000_000, retention_problem: null });
});

it.each(["0", "-1", "1.5", "a year", "3651"])("deletes nothing for RETENTION_DAYS=%s, and says so", (value) => {
  const read = readRetentionSettings({ RETENTION_DAYS: value });
  expect(read).toMatchObject({ retention_days: null, retention_problem: expect.stringContaining("RETENTION_DAYS") });
});
