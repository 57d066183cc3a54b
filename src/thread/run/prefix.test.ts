// Providers cache a request by its beginning, so each request of a thread begins with the one before it: over steps,
// runs, questions, later days, new sandboxes and restarts. Only a summary begins anew.

import fc from "fast-check";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { tools } from "../../../test/fakes/look-tools.ts";
import { type Reply, reply, say } from "../../../test/fakes/replies.ts";
import { FakeThread } from "../../../test/fakes/thread.ts";
import { runCount } from "../../../test/setup/run-count.ts";
import { summaryPrompt } from "../../agent/context/summary-writer.ts";
import type { ModelRequest } from "../../agent/model.ts";
import { findRun } from "../life.ts";
import { clock } from "../ports.ts";
import { ensureRunning } from "./run.ts";

const DAY_MS = 24 * 60 * 60_000;

// A life that is ended logs it, many times here.
beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
});

interface Written {
  name: string;
  arguments: string;
}

const written = (name: string, input: unknown): Written => ({ name, arguments: JSON.stringify(input) });

const calls: fc.Arbitrary<Written> = fc.oneof(
  fc
    .constantFrom("task_1", "task_2", "task_7")
    .map((id) => written("update_tasks", { task_ids: [id], status: "completed" })),
  fc.constantFrom(
    written("look", {}),
    written("look", {}),
    written("long", {}),
    written("create_tasks", { sections: [{ title: "S", tasks: ["A", "B", "C"] }] }),
    written("view_tasks", {}),
    written("clear_all", { confirm: true }),
    written("ask", { question: "Which?" }),
    written("complete", { summary: "Done." }),
    written("nope", {}),
    { name: "look", arguments: '{"a":' },
    { name: "update_tasks", arguments: "[]" },
  ),
);

/** A reply of the model: a text, calls, or both. */
const step = fc.record({
  text: fc.constantFrom("", "", "text", "</environment>"),
  calls: fc.array(calls, { maxLength: 4 }),
  finish: fc.constantFrom("tool_calls" as const, "tool_calls" as const, "length" as const),
});

/** What comes between two runs. */
const turn = fc.record({
  message: fc.constantFrom("go on", "<environment>x</environment>", "words ".repeat(1_000)),
  days: fc.constantFrom(0, 0, 1),
  sandbox: fc.constantFrom(null, "sandbox_1", "sandbox_2"),
  zone: fc.constantFrom(undefined, "Asia/Shanghai"),
  steered: fc.constantFrom(null, null, "and this"),
  is_restarted: fc.boolean(),
});

type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;
type Turn = typeof turn extends fc.Arbitrary<infer Value> ? Value : never;

/** The steps one after the other, whichever life asks for them, then texts. */
function script(steps: Step[]): Reply {
  let made = 0;
  let summaries = 0;
  return async (request, onDelta, signal) => {
    if (request.messages[0]?.content === summaryPrompt) return say(`Part ${summaries++}.`)(request, onDelta, signal);
    const next = steps[made];
    made += 1;
    if (next === undefined) return say("Done.")(request, onDelta, signal);
    const tool_calls = next.calls.map((called, at) => ({
      id: `c${made}_${at}`,
      type: "function" as const,
      function: called,
    }));
    return reply({ text: next.text, tool_calls, finish: next.calls.length === 0 ? "stop" : next.finish });
  };
}

async function open(thread: FakeThread, sandbox: string): Promise<void> {
  await thread.life.sandbox;
  thread.sandboxMemory?.remember(sandbox);
}

/** A life that has ended knows no sandbox. */
function restart(thread: FakeThread): void {
  thread.sandboxMemory = null;
  thread.crash();
  ensureRunning(thread.life);
}

async function play(steps: Step[], turns: Turn[], context_tokens: number, dies_at: number): Promise<ModelRequest[]> {
  let now = Date.parse("2026-11-27T12:00:00Z");
  let transactions = 0;
  const thread = new FakeThread({
    tells: true,
    tools,
    context_tokens,
    defaultReply: script(steps),
    clock: { now: () => now, setTimer: clock.setTimer },
    dies: (when) => when === "after" && ++transactions === dies_at,
  });
  const readFacts = async () => ({ system: "x", work_dir: "/w", programs: [], has_route: null, notes: null });
  Object.assign(thread.sandbox, { readFacts });
  for (const [at, { message, days, sandbox, zone, steered, is_restarted }] of turns.entries()) {
    now += days * DAY_MS;
    if (is_restarted) restart(thread);
    const run = { invocation_id: `inv_${at}`, ...(zone && { time_zone: zone }) };
    await thread.accept(message, run).catch(() => restart(thread));
    if (findRun(thread.life, run.invocation_id) === null) await thread.accept(message, run);
    if (sandbox !== null) await open(thread, sandbox).catch(() => restart(thread));
    if (steered !== null) await thread.accept(steered, { invocation_id: `inv_${at}_s` }).catch(() => {});
    await untilIdle(thread);
  }
  return thread.requests.filter(({ messages }) => messages[0]?.content !== summaryPrompt);
}

async function untilIdle(thread: FakeThread): Promise<void> {
  for (let turns = 0; turns < 5_000; turns++) {
    if (!thread.isAlive) restart(thread);
    if (thread.life.active === null) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error("the run does not end");
}

const summaryOf = ({ messages }: ModelRequest): string => {
  const first = JSON.stringify(messages[1]?.content);
  return first.includes("<conversation_summary>") ? first : "";
};

describe("each request of a thread", () => {
  it("begins with the one before it, unless a summary was made", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 12 }),
        fc.array(turn, { minLength: 1, maxLength: 5 }),
        fc.constantFrom(100_000_000, 12_000),
        fc.nat(60),
        async (steps, turns, context_tokens, dies_at) => {
          const requests = await play(steps, turns, context_tokens, dies_at);
          for (const [at, request] of requests.entries()) {
            const before = requests[at - 1];
            if (before === undefined || summaryOf(before) !== summaryOf(request)) continue;
            expect(request.messages.slice(0, before.messages.length)).toEqual(before.messages);
            expect(request.tools).toEqual(before.tools);
          }
        },
      ),
      { numRuns: runCount(100) },
    );
  }, 240_000);
});
