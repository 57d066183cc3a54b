// Threads as they are listed and read, each with its newest run: over HTTP, on the real local database.
import { env } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import type { RunStatus } from "../../src/protocol/run.ts";
import { syncThread } from "../../src/store/sync.ts";
import { listThreads } from "../../src/store/threads.ts";
import { createClient } from "./http-client.ts";
import { makeRun } from "./http-fake-threads.ts";

async function putRuns(user_id: string, thread_id: string, states: [id: string, second: number, status: RunStatus][]) {
  const key = { user_id, thread_id };
  const runs = states.map(([invocation_id, second, status]) => {
    const created_at = `2026-11-24T10:00:${String(second).padStart(2, "0")}.000Z`;
    return { ...makeRun(key, { invocation_id, created_at, status }), version: 1 };
  });
  await syncThread(env.DB, { key, project: null, thread: null, messages: [], runs });
}

describe("the list of threads", () => {
  it("has each thread's newest run by creation, whatever its id, and null before the first", async () => {
    const client = await createClient().addUser("user_last");
    for (const thread_id of ["none", "one", "many"]) await client.send("POST", "/v1/threads", { thread_id });
    await putRuns("user_last", "one", [["inv-1", 1, "failed"]]);
    await putRuns("user_last", "many", [
      ["inv-z", 1, "completed"],
      ["inv-a", 3, "interrupted"],
      ["inv-m", 2, "running"],
    ]);
    await putRuns("user_other", "none", [["inv-of-another", 9, "running"]]);
    const expected = {
      none: null,
      one: { invocation_id: "inv-1", status: "failed" },
      many: { invocation_id: "inv-a", status: "interrupted" },
    };
    const { body } = await client.send("GET", "/v1/threads");
    expect(Object.fromEntries((body.data ?? []).map((row) => [row.thread_id, row.last_run]))).toEqual(expected);
  });

  it("reads one entry of an index for each thread, however many runs it has", async () => {
    const asked: string[] = [];
    const prepare = (query: string): D1PreparedStatement => {
      asked.push(query);
      return env.DB.prepare(query);
    };
    await listThreads({ prepare } as D1Database, "user_last", { limit: 5, cursor: null });
    const plan = await env.DB.prepare(`EXPLAIN QUERY PLAN ${asked[0]}`).bind("user_last", 6).all<{ detail: string }>();
    const details = plan.results.map(({ detail }) => detail).join("\n");
    expect(details).toMatch(/SEARCH runs USING INDEX runs_by_thread/);
    expect(details).not.toMatch(/SCAN runs|TEMP B-TREE/);
  });
});
