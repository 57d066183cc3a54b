// What a life keeps of its thread's history is what a new life would read of the rows, whatever happens in between.

import fc from "fast-check";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { tools } from "../../../test/fakes/look-tools.ts";
import { type Reply, reply, say } from "../../../test/fakes/replies.ts";
import { FakeThread } from "../../../test/fakes/thread.ts";
import { runCount } from "../../../test/setup/run-count.ts";
import { messageLimit } from "../../agent/context/budget.ts";
import { Conversation } from "../../agent/context/conversation.ts";
import { summaryPrompt } from "../../agent/context/summary-writer.ts";
import { estimateMessages } from "../../agent/context/tokens.ts";
import { Room } from "../../lib/memory/room.ts";
import type { Life } from "../life.ts";
import { clock } from "../ports.ts";
import { ensureRunning } from "../run/run.ts";
import { readHistory } from "../run/summaries.ts";
import { createHistoryBudget, historyBudget } from "./history-budget.ts";
import { noteWaiting, openHistory } from "./kept-history.ts";
import { newMemory } from "./thread-memory.ts";

const DAY_MS = 24 * 60 * 60_000;
const CONTEXT = 12_000;

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
});

const client_tools = [{ name: "pick", description: "", parameters: {} }];

const calls = fc.constantFrom(
  { name: "look", arguments: "{}" },
  { name: "long", arguments: "{}" },
  { name: "long", arguments: `{"text":"${"x".repeat(9_000)}"}` },
  { name: "create_tasks", arguments: '{"sections":[{"title":"S","tasks":["A","B"]}]}' },
  { name: "ask", arguments: '{"question":"Which?"}' },
  { name: "pick", arguments: "{}" },
  { name: "nope", arguments: '{"a":' },
);

/** A reply of the model. Some servers count the ids of calls from 0 in each. */
const step = fc.record({
  text: fc.constantFrom("", "text"),
  calls: fc.array(calls, { maxLength: 3 }),
  extras: fc.boolean(),
  counts: fc.boolean(),
});

/** What comes between two runs, or into one. */
const turn = fc.record({
  message: fc.constantFrom("go on", "words ".repeat(3_000)),
  days: fc.constantFrom(0, 0, 1),
  model: fc.constantFrom("test-model", "test-model", "small-model"),
  steered: fc.constantFrom(null, null, "and this"),
  answers: fc.constantFrom("none", "all", "none of them") as fc.Arbitrary<"none" | "all" | "none of them">,
  before: fc.constantFrom("", "", "", "restart", "evict"),
});

type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;
type Turn = typeof turn extends fc.Arbitrary<infer Value> ? Value : never;

/** As a new life would read it. */
const readAnew = ({ database, environment }: Life) => readHistory(database.sql, environment.notes);

/** Whether the life had kept it. */
function expectKept(life: Life): boolean {
  const { conversation, answers, waiting } = life.memory.history;
  if (conversation === null) return false;
  const { history, summary, opening, answers: read } = readAnew(life);
  expect(waiting).toEqual([]);
  expect(conversation.rows).toEqual(history);
  expect({ summary: conversation.summary, opening: conversation.opening }).toEqual({ summary, opening });
  expect(answers).toEqual(read);
  expect(conversation.size).toBe(estimateMessages(conversation.messages));
  return true;
}

/** `sent` with `whole` in place of what was cut further: a first call may find that the newest step has no room. */
function withoutCut(sent: unknown[], whole: readonly unknown[]): unknown[] {
  return sent.map((message, at) => {
    const [text, before] = [JSON.stringify(message), JSON.stringify(whole[at] ?? null)];
    return text.length < before.length && text.includes("are left out here") ? whole[at] : message;
  });
}

/** The steps one after the other, whichever life asks for them, then texts. */
function script(steps: Step[], look: (messages: unknown[], model: string) => void): Reply {
  let made = 0;
  return async (request, onDelta, signal) => {
    if (request.messages[0]?.content === summaryPrompt) return say("A part.")(request, onDelta, signal);
    look(request.messages.slice(1), request.model);
    const next = steps[made];
    made += 1;
    if (next === undefined) return say("Done.")(request, onDelta, signal);
    const tool_calls = next.calls.map((called, at) => ({
      id: next.counts ? `call_${at}` : `c${made}_${at}`,
      type: "function" as const,
      function: called,
    }));
    const extras = next.extras ? { extras: { origin: "o", values: { reasoning: `r${made}` } } } : {};
    return reply({ text: next.text, tool_calls, finish: tool_calls.length === 0 ? "stop" : "tool_calls", ...extras });
  };
}

async function untilIdle(thread: FakeThread): Promise<void> {
  for (let turns = 0; thread.life.active !== null; turns++) {
    if (turns > 5_000) throw new Error("the run does not end");
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function play(steps: Step[], turns: Turn[], context_tokens: number): Promise<number> {
  let now = Date.parse("2026-11-27T12:00:00Z");
  let kept = 0;
  let isFirst = true;
  const problems: unknown[] = [];
  const thread: FakeThread = new FakeThread({
    tells: true,
    tools,
    context_tokens,
    clock: { now: () => now, setTimer: clock.setTimer },
    defaultReply: script(steps, (messages) => {
      try {
        if (expectKept(thread.life)) kept += 1;
        if (!isFirst) return;
        const anew = new Conversation(readAnew(thread.life));
        anew.begin(messageLimit(context_tokens));
        anew.show();
        // Here only approved calls are made before the first call of a model, and nothing asks for approval.
        expect(withoutCut(messages, anew.messages)).toEqual(anew.messages);
      } catch (error) {
        problems.push(error);
      }
      isFirst = false;
    }),
  });
  for (const [at, { message, days, model, steered, answers, before }] of turns.entries()) {
    now += days * DAY_MS;
    if (before === "restart") thread.crash();
    if (before === "evict") historyBudget.drop(thread.life.memory.history);
    ensureRunning(thread.life);
    const asked = thread.life.newestStarted?.run.interrupts ?? [];
    const resume = asked.map(({ id }) =>
      answers === "all"
        ? { interrupt_id: id, status: "resolved" as const, payload: "This one." }
        : { interrupt_id: id, status: "cancelled" as const },
    );
    const isAnswered = asked.length > 0 && answers !== "none";
    const messages = [{ message_id: `msg_${at}`, content: message }];
    isFirst = true;
    const input = { invocation_id: `inv_${at}`, model, client_tools, messages, ...(isAnswered ? { resume } : {}) };
    await thread.accept(message, input);
    if (steered !== null) await thread.accept(steered, { invocation_id: `inv_${at}_s`, on_busy: "steer" });
    await untilIdle(thread);
    expectKept(thread.life);
  }
  if (problems.length > 0) throw problems[0];
  expect(thread.aborts).toEqual([]);
  return kept;
}

describe("the history that a life keeps", () => {
  it("is what a new life would read, and sends the same, at every step", async () => {
    let kept = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 10 }),
        fc.array(turn, { minLength: 2, maxLength: 6 }),
        fc.constantFrom(100_000_000, CONTEXT),
        async (steps, turns, context_tokens) => {
          kept += await play(steps, turns, context_tokens);
        },
      ),
      { numRuns: runCount(150) },
    );
    expect(kept).toBeGreaterThan(runCount(100));
  }, 240_000);

  it("is the same conversation from run to run, and each message the same object", async () => {
    const thread = new FakeThread({ defaultReply: say("Yes.") });
    await thread.run("first");
    await untilIdle(thread);
    const { conversation } = thread.life.memory.history;
    const before = [...(conversation?.messages ?? [])];
    expect(before).toHaveLength(2);
    await thread.run("second");
    await untilIdle(thread);
    expect(thread.life.memory.history.conversation).toBe(conversation);
    for (const [at, message] of before.entries()) expect(conversation?.messages[at]).toBe(message);
    expect(conversation?.messages).toHaveLength(4);
  });

  it("counts rows of runs that never opened it, and is dropped with them when they are too long", async () => {
    const thread = new FakeThread({ defaultReply: say("Yes.") });
    await thread.run("first");
    await untilIdle(thread);
    const { history } = thread.life.memory;
    const message = { role: "user" as const, content: "x".repeat(3 * 1024 * 1024) };
    for (const seq of [10, 11]) noteWaiting(thread.life, { seq, message, said_at: null });
    expect([history.conversation === null, history.waiting.length]).toEqual([false, 2]);
    noteWaiting(thread.life, { seq: 12, message, said_at: null });
    expect([history.conversation, history.waiting]).toEqual([null, []]);
    expect(openHistory(thread.life).history).toEqual(readAnew(thread.life).history);
  });

  it("reads each row of a run once, however many there are", async () => {
    const thread = new FakeThread({ defaultReply: say("Yes.") });
    await thread.run("first");
    await untilIdle(thread);
    let reads = 0;
    const message = {
      role: "user" as const,
      get content() {
        reads += 1;
        return "x";
      },
    };
    for (let seq = 10; seq < 1_010; seq++) noteWaiting(thread.life, { seq, message, said_at: null });
    expect(reads).toBe(1_000);
  });

  it("is read anew where a run did not add a row that it had stored", async () => {
    const thread = new FakeThread({ defaultReply: say("Yes.") });
    await thread.run("first");
    await untilIdle(thread);
    thread.life.memory.history.conversation?.rows.pop();
    expect(openHistory(thread.life).history).toEqual(readAnew(thread.life).history);
  });
});

describe("the histories that an isolate keeps", () => {
  const keep = () => {
    const { history } = newMemory();
    history.conversation = new Conversation({ history: [], summary: null, opening: [] });
    return history;
  };

  it("have a bound together, beyond which those that were used longest ago are dropped", () => {
    const budget = createHistoryBudget(new Room("test", 100));
    const [first, second, third] = [keep(), keep(), keep()];
    budget.use(first, 40);
    budget.use(second, 40);
    budget.use(first, 50);
    budget.use(third, 30);
    expect([first, second, third].map(({ conversation }) => conversation !== null)).toEqual([true, false, true]);
  });

  it("do not go where one that is too long by itself is not kept", () => {
    const budget = createHistoryBudget(new Room("test", 100));
    const [long, other] = [keep(), keep()];
    budget.use(long, 40);
    budget.use(other, 60);
    budget.use(long, 101);
    expect([long, other].map(({ conversation }) => conversation !== null)).toEqual([false, true]);
    budget.use(keep(), 40);
    expect(other.conversation).not.toBeNull();
  });

  it("leave nothing behind when they are dropped", () => {
    const budget = createHistoryBudget(new Room("test", 100));
    const [first, second] = [keep(), keep()];
    budget.use(first, 100);
    budget.drop(first);
    budget.use(second, 100);
    expect(second.conversation).not.toBeNull();
  });
});
