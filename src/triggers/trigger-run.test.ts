import { describe, expect, it } from "vitest";
import type { Trigger } from "../protocol/trigger.ts";
import { toRunInput } from "./trigger-run.ts";

const trigger: Trigger = {
  user_id: "user_ada",
  trigger_id: "trig_1",
  type: "webhook",
  agent_id: null,
  project_id: null,
  prompt: "Look.",
  thread: "new",
  enabled: true,
  settings: { verify: { scheme: "standard" }, key: null, cron: null, timezone: null, overlap: "skip" },
  next_at: null,
  last_fired_at: null,
  last_thread_id: null,
  last_invocation_id: null,
  created_at: "2026-11-25T00:00:00.000Z",
  updated_at: "2026-11-25T00:00:00.000Z",
  made_by: null,
};
const firing = { id: "a", key: null, message: "Look.", metadata: {} };

describe("the run of a firing", () => {
  it("has the same ids for the same firing and others for another", async () => {
    const first = await toRunInput(trigger, firing);
    expect(await toRunInput(trigger, firing)).toEqual(first);
    const other = await toRunInput(trigger, { ...firing, id: "b" });
    expect(other.invocation_id).not.toBe(first.invocation_id);
    expect(other.thread_id).not.toBe(first.thread_id);
  });

  it("shares a thread with runs of the same key, but not with another trigger's", async () => {
    const perKey = { ...trigger, thread: "per_key" };
    const first = await toRunInput(perKey, { ...firing, key: "42" });
    const second = await toRunInput(perKey, { ...firing, id: "b", key: "42" });
    const elsewhere = await toRunInput({ ...perKey, trigger_id: "trig_2" }, { ...firing, key: "42" });
    expect(second.thread_id).toBe(first.thread_id);
    expect(second.invocation_id).not.toBe(first.invocation_id);
    expect(elsewhere.thread_id).not.toBe(first.thread_id);
  });

  it("gets a thread of its own if no key was picked", async () => {
    const perKey = { ...trigger, thread: "per_key" };
    const threads = await Promise.all(
      ["a", "b"].map(async (id) => (await toRunInput(perKey, { ...firing, id })).thread_id),
    );
    expect(new Set(threads).size).toBe(2);
  });

  it("has the trigger's caps, and none without any", async () => {
    const caps = { max_cost_usd: 0, max_minutes: 5 };
    const capped = { ...trigger, settings: { ...trigger.settings, caps } };
    expect((await toRunInput(capped, firing)).caps).toEqual([{ scope: "trigger", ...caps }]);
    expect(await toRunInput(trigger, firing)).not.toHaveProperty("caps");
  });

  it("goes to the thread that the trigger names", async () => {
    expect((await toRunInput({ ...trigger, thread: "thread-001" }, firing)).thread_id).toBe("thread-001");
  });
});
