// Usage by day, from rows in D1 to the answer.
import { env } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Run } from "../../src/protocol/run.ts";
import { syncThread } from "../../src/store/sync.ts";
import { READ_USAGE } from "../../src/store/usage.ts";
import { createClient } from "./http-client.ts";
import { makeRun } from "./http-fake-threads.ts";

const now = Date.parse("2026-11-26T08:00:00.000Z");

afterEach(() => {
  vi.restoreAllMocks();
});

async function storeRuns(user_id: string, thread_id: string, parts: Partial<Run>[]): Promise<void> {
  const key = { user_id, thread_id };
  const runs = parts.map((part, index) => ({
    ...makeRun(key, { invocation_id: `inv-${index}`, ...part }),
    version: 1,
  }));
  await syncThread(env.DB, { key, project: null, thread: null, messages: [], runs });
}

function used(created_at: string, input: number, cached: number, output: number, cost_usd: number | null) {
  const usage = { input_tokens: input, cached_input_tokens: cached, output_tokens: output, cost_usd };
  return { created_at, usage };
}

describe("GET /v1/usage", () => {
  it("sums the caller's runs of all threads by the day in UTC, newest last, without empty days", async () => {
    vi.spyOn(Date, "now").mockReturnValue(now);
    const client = createClient();
    const ada = await client.addUser("user_usage");
    await storeRuns("user_usage", "t-1", [
      used("2026-11-26T00:00:00.000Z", 100, 40, 10, 0.5),
      used("2026-11-24T23:59:59.999Z", 7, 0, 1, null),
    ]);
    await storeRuns("user_usage", "t-2", [
      used("2026-11-26T07:00:00.000Z", 1, 1, 1, null),
      used("2026-11-24T00:00:00.000Z", 3, 0, 2, null),
      used("2026-10-28T00:00:00.000Z", 5, 0, 5, null),
      used("2026-10-27T23:59:59.999Z", 9, 9, 9, 9),
    ]);
    await storeRuns("user_usage_other", "t-1", [used("2026-11-26T07:00:00.000Z", 1000, 0, 1000, 1)]);
    const answer = await ada.send("GET", "/v1/usage");
    expect(answer.status).toBe(200);
    const day = (date: string, runs: number, sums: Partial<Run>) => ({ date, runs, ...sums.usage });
    expect(answer.body).toEqual({
      data: [
        day("2026-10-28", 1, used("", 5, 0, 5, null)),
        day("2026-11-24", 2, used("", 10, 0, 3, null)),
        day("2026-11-26", 2, used("", 101, 41, 11, 0.5)),
      ],
    });
    const today = await ada.send("GET", "/v1/usage?days=1");
    expect(today.body.data).toMatchObject([{ date: "2026-11-26" }]);
  });

  it("is empty for a user without runs", async () => {
    const eve = await createClient().addUser("user_usage_none");
    expect((await eve.send("GET", "/v1/usage")).body).toEqual({ data: [] });
  });

  it.each(["0", "91", "1.5", "many", ""])("refuses %j as a number of days", async (days) => {
    const refused = await createClient().send("GET", `/v1/usage?days=${days}`);
    expect(refused).toMatchObject({ status: 400, body: { code: "invalid_field" } });
  });

  it("needs a key", async () => {
    expect((await createClient().as(null).send("GET", "/v1/usage")).status).toBe(401);
  });

  it("reads by the index, and so no run of other days", async () => {
    const plan = await env.DB.prepare(`EXPLAIN QUERY PLAN ${READ_USAGE}`)
      .bind("user_usage", "2026-11-01T00:00:00.000Z")
      .all<{ detail: string }>();
    expect(plan.results.map(({ detail }) => detail).join()).toContain("runs_by_creation (user_id=? AND created_at>?)");
  });
});
