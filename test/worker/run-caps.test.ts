// A run with caps in workerd: its reservations and its count outlive the lives of its object.
import { env, evictDurableObject, runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import type { ThreadKey } from "../../src/protocol/thread.ts";
import { readRun } from "../../src/store/runs.ts";
import { framesOf, readUntil, threadClient } from "./thread-client.ts";

const run = { invocation_id: "inv_a" };
const cap = 60_000;

function objectOf(key: ThreadKey): DurableObjectStub {
  return env.THREADS.get(env.THREADS.idFromName(`${key.user_id}/${key.thread_id}`)) as unknown as DurableObjectStub;
}

async function spendingOf(key: ThreadKey): Promise<Record<string, unknown>> {
  return runInDurableObject(objectOf(key), (_instance, state) => {
    const [row] = state.storage.sql.exec<{ spending: string }>("SELECT spending FROM runs").toArray();
    return JSON.parse(row?.spending ?? "{}");
  });
}

describe("a run with a cap", () => {
  it("whose life ends during a call charges that call at its worst case, and stays under the cap", async () => {
    const client = threadClient();
    const caps = [{ scope: "run" as const, max_total_tokens: cap }];
    // The next life's call is not stalled.
    const message = `of ${client.key.user_id} [[say 30]] [[stall after 8]] [[times 1]]`;
    const response = await client.post(message, { ...run, caps });
    await readUntil(response, (text) => text.split("word ").length > 4);
    const { plan, calls } = await spendingOf(client.key);
    expect(plan ?? calls).toBeDefined();
    await runInDurableObject(objectOf(client.key), (_instance, state) => state.abort("killed by the test")).catch(
      () => {},
    );
    const ended = await client.stub.waitForEnd(client.key, "inv_a", 20_000);
    expect(ended).toMatchObject({ value: { status: "completed", attempt: 2, caps: { max_total_tokens: cap } } });
    const { usage, worked_ms } = (await readRun(env.DB, client.key, "inv_a")) ?? {};
    expect(usage?.estimated?.calls).toBe(1);
    expect((usage?.input_tokens ?? 0) + (usage?.output_tokens ?? 0)).toBeLessThanOrEqual(cap);
    expect(worked_ms).toBeGreaterThan(0);
    expect(await spendingOf(client.key)).not.toHaveProperty("plan");
  });

  it("has ended with the cap also after its object was evicted", async () => {
    const client = threadClient();
    await client.stub.accept(client.input("[[say 3]]", { ...run, caps: [{ scope: "run", max_total_tokens: 100 }] }));
    const ended = await client.stub.waitForEnd(client.key, "inv_a", 20_000);
    const reached = { scope: "run", name: "max_total_tokens", limit: 100 };
    expect(ended).toMatchObject({ value: { status: "failed", error: { code: "budget", cap: reached } } });
    await evictDurableObject(objectOf(client.key));
    const again = await client.stub.getRun(client.key, "inv_a");
    expect(again).toMatchObject({ value: { status: "failed", error: { code: "budget", cap: reached } } });
    const text = await readUntil(await client.events(run));
    expect(framesOf(text).at(-1)?.event).toMatchObject({ type: "RUN_ERROR", code: "budget" });
  });
});
