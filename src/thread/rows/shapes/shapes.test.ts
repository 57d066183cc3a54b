// Shapes of what only the object stores: current values, values exactly as former versions wrote them, and damaged
// values.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { damaged, runInput } from "../../../../test/fakes/stored-values.ts";
import { agentConfig, defaultAgent } from "../../../protocol/agents/agent.ts";
import type { PinnedAgent } from "../../../protocol/thread.ts";
import { toEvents, toNumbers } from "./journal-row.ts";
import { toPosition } from "./position.ts";
import { toRunInput } from "./run-input.ts";
import { toLives, toPinnedAgent, toRequestedEnd, toStartedCalls } from "./run-record.ts";

/** As SQLite gives it back. */
function stored(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value) ?? "null");
}

const pinned: PinnedAgent = {
  agent_id: "agent_shop",
  version: 3,
  config: agentConfig.parse({ instructions: "Be kind.", approvals: { execute_command: ["rm *"] } }),
  max_steps: 7,
};
const calls = [
  { id: "c1", at: "2026-11-25T09:00:00.000Z", task_id: "task_1" },
  { id: "c2", at: null },
];
const failed = { status: "failed", error: { code: "stalled", message: "Nothing happened." } } as const;
const events = [{ type: "TEXT_MESSAGE_START", messageId: "m", role: "assistant" }, null];
const position = { message_seq: 4, plan_version: 2, thread_version: 1, project: true, run_seq: 90 };

const shapes = {
  "the input of a run": { read: toRunInput, values: [] },
  "a pinned agent": { read: toPinnedAgent, values: [pinned, { ...pinned, max_steps: undefined }] },
  "started calls": { read: toStartedCalls, values: [calls, []] },
  "lives of a run": { read: toLives, values: [[1_700_000_000_000, 1_700_000_000_001], []] },
  "the requested end of a run": { read: toRequestedEnd, values: [null, { status: "cancelled" }, failed] },
  "events of the journal": { read: toEvents, values: [events, []] },
  "unstored parts": { read: toNumbers, values: [[4, 9]] },
  "the position of D1": { read: toPosition, values: [position, { ...position, released: 80 }] },
} satisfies Record<string, { read: (value: unknown) => unknown; values: unknown[] }>;

describe.each(Object.entries(shapes))("%s", (_name, { read, values }) => {
  it.each(values.map((value) => [JSON.stringify(value), value]))(
    "that is %s is read as it was stored",
    (text, value) => {
      expect(read(JSON.parse(text as string))).toEqual(value);
    },
  );

  it("of any JSON is refused, or reads the same after it was stored again", () => {
    fc.assert(
      fc.property(damaged(fc.oneof(runInput, fc.constantFrom<unknown>(...values, null))), (value) => {
        const known = read(stored(value));
        if (known !== undefined) expect(read(stored(known))).toEqual(known);
      }),
      { numRuns: 300 },
    );
  });
});

describe("the input of a run", () => {
  it("is read as it was stored", () => {
    fc.assert(
      fc.property(runInput, (input) => {
        expect(toRunInput(stored(input))).toEqual(input);
      }),
    );
    expect(toRunInput(null)).toBeNull();
  });

  it("with a former version's came_late has answers_nothing", () => {
    const text =
      '{"user_id":"user_1","thread_id":"thread_1","invocation_id":"inv_s","messages":[{"message_id":"msg_s","content":"blue"}],"tool_results":[],"resume":null,"agent_id":null,"model":null,"max_steps":null,"metadata":{},"background":false,"on_busy":"steer","client_tools":[],"context":[],"came_late":true}';
    const { came_late, ...rest } = JSON.parse(text);
    expect(came_late).toBe(true);
    expect(toRunInput(JSON.parse(text))).toEqual({ ...rest, answers_nothing: true });
  });

  it("with a message of unknown parts is refused", () => {
    const input = {
      user_id: "u",
      thread_id: "t",
      invocation_id: "i",
      on_busy: "enqueue",
      tool_results: [],
      resume: null,
    };
    const more = { agent_id: null, model: null, max_steps: null, metadata: {}, client_tools: [], context: [] };
    const messages = [{ message_id: "m", content: [{ type: "video" }] }];
    expect(toRunInput({ ...input, ...more, messages: [] })).toBeDefined();
    expect(toRunInput({ ...input, ...more, messages })).toBeUndefined();
  });
});

describe("started calls", () => {
  it("of the first version are only ids, and get an unknown start", () => {
    expect(toStartedCalls(JSON.parse('["call_1","call_2"]'))).toEqual([
      { id: "call_1", at: null },
      { id: "call_2", at: null },
    ]);
  });
});

describe("a pinned agent", () => {
  it("of the first version gets the defaults of later fields", () => {
    const text =
      '{"agent_id":"agent_default","version":1,"config":{"instructions":"","model":null,"max_steps":100,"plan_order":"strict","tool_format":"native"}}';
    expect(toPinnedAgent(JSON.parse(text))).toEqual({
      agent_id: "agent_default",
      version: 1,
      config: defaultAgent.config,
    });
  });

  it("whose approvals can't be read is refused", () => {
    const config = { ...defaultAgent.config, approvals: { execute_command: "rm *" } };
    expect(toPinnedAgent({ agent_id: "agent_default", version: 1, config })).toBeUndefined();
    expect(toPinnedAgent({ agent_id: "agent_default", version: 1 })).toBeUndefined();
  });
});
