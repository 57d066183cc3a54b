// Whatever a model does, and whenever the run is cancelled: each tool call of each stored message has exactly one
// result or is listed as waiting for a person or a client, and every part that was opened is closed or void.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  askTool,
  completeTool,
  makePlan,
  makeTool,
  planTool,
  ScriptedRun,
  says,
  type Turn,
} from "../../test/fakes/scripted-run.ts";
import type { LoopOutcome } from "./events.ts";
import { SandboxError } from "./sandbox.ts";

const tools = [
  makeTool("work"),
  makeTool("read", { read_only: true }),
  makeTool("throws", {
    execute: async () => {
      throw new Error("a bug");
    },
  }),
  makeTool("unavailable", {
    execute: async () => {
      throw new SandboxError("unavailable", "no sandbox");
    },
  }),
  makeTool("hangs", { execute: () => new Promise(() => {}) }),
  planTool,
  askTool,
  completeTool,
];
const client_tools = [{ name: "client_tool", description: "", parameters: {} }];

const name = fc.constantFrom(...tools.map((tool) => tool.name), "client_tool", "nothing", "work", "read", "work");
const call = fc.record({
  name,
  arguments: fc.constantFrom("{}", "", '{"a":1}', '{"a":', "[]", "null"),
  id: fc.constantFrom("call_0", "call_1", "", "x y", "c\ud800"),
});
const turn: fc.Arbitrary<Turn> = fc.record({
  text: fc.constantFrom("", " ", "text", "😀", "\ud83d"),
  reasoning: fc.constantFrom("", "hm"),
  calls: fc.oneof(fc.array(call, { maxLength: 5 }), fc.constant<Turn["calls"]>([])),
  finish: fc.constantFrom("stop", "tool_calls", "length", "content_filter", "other", "tool_calls", "stop"),
  failure: fc.option(fc.record({ retryable: fc.constantFrom(true, true, false) }), { nil: undefined, freq: 8 }),
});

function checkCalls(run: ScriptedRun, outcome: LoopOutcome): void {
  const waiting = new Set([
    ...(outcome.status === "interrupted" ? outcome.interrupts.map((interrupt) => interrupt.tool_call_id) : []),
    ...(outcome.status === "completed" ? outcome.pending_tool_call_ids : []),
  ]);
  const finished = run.facts.flatMap((fact) => (fact.type === "tool_finished" ? [fact.message.tool_call_id] : []));
  const asked = run.facts.flatMap((fact) =>
    fact.type === "assistant_message" ? (fact.message.tool_calls ?? []).map((made) => made.id) : [],
  );
  expect(new Set(asked).size).toBe(asked.length);
  expect([...finished, ...waiting].sort()).toEqual([...asked].sort());
}

function checkParts(run: ScriptedRun): void {
  const open = new Map<string, string>();
  const seen = new Set<string>();
  for (const entry of run.log) {
    if (entry.type === "part_started") {
      expect(seen).not.toContain(entry.part.part_id);
      seen.add(entry.part.part_id);
      open.set(entry.part.part_id, entry.part.message_id);
    } else if (entry.type === "part_delta") {
      expect(open.has(entry.part_id)).toBe(true);
      expect(entry.text.isWellFormed()).toBe(true);
      expect(entry.text).not.toBe("");
    } else if (entry.type === "part_ended") {
      expect(open.delete(entry.part_id)).toBe(true);
    } else if (entry.type === "message_dropped") {
      for (const [part, message] of open) if (message === entry.message_id) open.delete(part);
    } else if (entry.type === "assistant_message") {
      expect(open.size).toBe(0);
    }
  }
  expect(open.size).toBe(0);
}

describe("whatever the model does", () => {
  it("leaves no tool call and no part open", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(turn, { maxLength: 8 }),
        fc.option(fc.nat(25), { nil: undefined }),
        fc.nat(3),
        async (turns, cancelAt, tasks) => {
          const run = new ScriptedRun([...turns, ...Array.from({ length: 30 }, () => says("end"))], tools);
          run.impatient = true;
          let facts = 0;
          run.onFact = () => {
            if (facts++ === cancelAt) run.cancel.abort();
          };
          const plan = makePlan(...Array.from({ length: tasks }, () => "pending" as const));
          const outcome = await run.run({ client_tools, plan, max_steps: 20 });
          checkCalls(run, outcome);
          checkParts(run);
          expect(run.bugs.every((bug) => bug instanceof Error && bug.message === "a bug")).toBe(true);
          const written = run.facts.map((fact) => JSON.stringify(fact)).join("");
          expect(written).not.toMatch(/\\ud[89a-f]/);
        },
      ),
      { numRuns: 300 },
    );
  });
});
