// What isolates of one location let through together.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createClient } from "./http-client.ts";
import { run, serverWith } from "./quota-server.ts";

beforeEach(() => {
  // All that a test sends falls into one minute.
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.spyOn(console, "warn").mockImplementation(() => {});
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe("isolates of one location", () => {
  it("together let through what the location counts, and ask it only beyond a tenth of the quota", async () => {
    const counters = new Map<string, number>();
    const limit = async ({ key }: { key: string }) => {
      counters.set(key, (counters.get(key) ?? 0) + 1);
      return { success: (counters.get(key) ?? 0) <= 10 };
    };
    const { client, user, user_id, QUOTAS } = await serverWith(
      { runs_per_minute: 30 },
      { USER_LIMIT: { limit } as RateLimit },
    );
    for (let count = 0; count < 3; count++) expect((await run(user)).status).toBe(202);
    expect(counters.size).toBe(0);
    const made = await client.send("POST", "/v1/users", { user_id: `${user_id}_b` });
    const isolates = Array.from({ length: 4 }, () =>
      createClient({ QUOTAS, USER_LIMIT: { limit } as RateLimit }).as(String(made.body.api_key)),
    );
    let accepted = 0;
    for (let count = 0; count < 30; count++) {
      for (const isolate of isolates) if ((await run(isolate)).status === 202) accepted += 1;
    }
    // Each may use a tenth without a question.
    expect(accepted).toBeGreaterThanOrEqual(30);
    expect(accepted).toBeLessThanOrEqual(42);
    expect([...counters.keys()].every((key) => /^runs_per_minute\/.*\/[012]$/.test(key))).toBe(true);
  });
});
