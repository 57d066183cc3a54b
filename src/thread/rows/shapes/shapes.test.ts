// Shapes of what only the object stores: values as they are stored, and damaged ones.
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
const position = { message_seq: 4, plan_version: 2, thread_version: 1, project: true, run_seq: 90, released: 80 };

const shapes = {
  "the input of a run": { read: toRunInput, values: [] },
  "a pinned agent": { read: toPinnedAgent, values: [pinned, { ...pinned, max_steps: undefined }] },
  "started calls": { read: toStartedCalls, values: [calls, []] },
  "lives of a run": { read: toLives, values: [[1_700_000_000_000, 1_700_000_000_001], []] },
  "the requested end of a run": { read: toRequestedEnd, values: [null, { status: "cancelled" }, failed] },
  "events of the journal": { read: toEvents, values: [events, []] },
  "unstored parts": { read: toNumbers, values: [[4, 9]] },
  "the position of D1": { read: toPosition, values: [position, { ...position, receipt_seq: 7 }] },
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

describe("a pinned agent", () => {
  it("whose approvals can't be read is refused", () => {
    const config = { ...defaultAgent.config, approvals: { execute_command: "rm *" } };
    expect(toPinnedAgent({ agent_id: "agent_default", version: 1, config })).toBeUndefined();
    expect(toPinnedAgent({ agent_id: "agent_default", version: 1 })).toBeUndefined();
  });
});
