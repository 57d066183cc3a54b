// Damaged rows of D1: each affects only itself.
import { afterAll, beforeEach, describe, expect, it, vi } from "vitest";
import { openD1 } from "../../test/fakes/sqlite-d1.ts";
import { defaultAgent } from "../protocol/agents/agent.ts";
import { noUsage, type Run } from "../protocol/run.ts";
import { createAgent, listAgents, readAgent } from "./agents/agents.ts";
import { readRun } from "./runs.ts";
import { UnreadableRow } from "./shapes/stored.ts";
import { syncThread } from "./sync.ts";

const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
beforeEach(() => void warn.mockClear());
afterAll(() => void warn.mockRestore());

const key = { user_id: "user_1", thread_id: "thread_1" };
const at = "2026-11-27T09:00:00.000Z";
const page = { cursor: null, limit: 2 };

function makeRun(invocation_id: string): Run {
  return {
    ...key,
    invocation_id,
    project_id: "proj_1",
    agent_id: "agent_default",
    agent_version: 1,
    model: "demo",
    instance_id: null,
    status: "completed",
    attempt: 1,
    steps: 1,
    background: false,
    resumes: null,
    metadata: {},
    usage: noUsage,
    result: null,
    error: null,
    interrupts: [],
    hops: 1,
    caused_by: [{ trigger_id: "trig_1", thread_id: null, invocation_id: null }],
    created_at: at,
    started_at: at,
    finished_at: at,
  };
}

async function fill() {
  const d1 = openD1();
  const message = { ...key, project_id: "proj_1", invocation_id: null, agent_id: null, metadata: {}, created_at: at };
  await syncThread(d1.binding, {
    key,
    project: null,
    thread: null,
    messages: [
      {
        ...message,
        ...{ message_id: "m1", seq: 1, version: 1, is_llm_message: true },
        ...{ type: "user", content: { role: "user", content: "hi" } },
      },
      {
        ...message,
        ...{ message_id: "m2", seq: 2, version: 3, is_llm_message: false },
        ...{ type: "task_list", content: { sections: [], tasks: [] } },
      },
    ],
    runs: ["inv_a", "inv_b", "inv_c"].map((id) => ({ ...makeRun(id), version: 1 })),
  });
  return d1;
}

describe("a run in D1", () => {
  it.each(["{", "null", '{"secret":"words"}'])("that is %s is read as none", async (text) => {
    const d1 = await fill();
    d1.read("UPDATE runs SET run = ? WHERE invocation_id = 'inv_b'", text);
    expect(await readRun(d1.binding, key, "inv_b")).toBeNull();
    expect(warn.mock.calls.flat().join()).not.toContain("words");
  });
});

describe("an agent in D1", () => {
  const agent = { ...defaultAgent, agent_id: "agent_shop" };

  it("is readable with a field that a later version added", async () => {
    const d1 = openD1();
    await createAgent(d1.binding, "user_1", agent);
    d1.read("UPDATE agents SET config = json_set(config, '$.voice', 'calm')");
    expect(await readAgent(d1.binding, "user_1", "agent_shop")).toMatchObject({ config: defaultAgent.config });
  });

  it("that can't be read is refused, and never one without approvals", async () => {
    const d1 = openD1();
    await createAgent(d1.binding, "user_1", agent);
    d1.read("UPDATE agents SET config = json_set(config, '$.approvals', 'words')");
    await expect(readAgent(d1.binding, "user_1", "agent_shop")).rejects.toThrow(UnreadableRow);
    await expect(listAgents(d1.binding, "user_1", page)).rejects.not.toThrow("words");
  });
});
