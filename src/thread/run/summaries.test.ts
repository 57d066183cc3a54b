// Summaries and whole results in a thread: they are stored with what they belong to, every later life reads them, and
// people never see them as messages.
import { beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { LongRun } from "../../../test/fakes/long-run.ts";
import { rowsOfType } from "../../../test/fakes/message-rows.ts";
import { call, type Reply, reply, say } from "../../../test/fakes/replies.ts";
import { FakeThread, type FakeThreadOptions } from "../../../test/fakes/thread.ts";
import { summaryPrompt } from "../../agent/context/summary-writer.ts";
import type { ModelRequest } from "../../agent/model.ts";
import { defineTool, type Tool } from "../../agent/tool.ts";
import { resultTools } from "../../tools/results.ts";
import { readMessages } from "../rows/messages.ts";
import { messagesSnapshot } from "../stream/snapshot.ts";
import { keepResult, readResult } from "./results.ts";
import { ensureRunning } from "./run.ts";
import { readHistory, readTokenScale } from "./summaries.ts";

const run = { invocation_id: "inv_a" };
const STEPS = 8;
const WISH = "count to the end, and never skip a number";

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
});

/** Counts on from the newest result that it sees, so it serves any number of lives. Each of its calls is `call_0`. */
const counter: Reply = async (request, onDelta, signal) => {
  const outcome = await countOn(request, onDelta, signal);
  const usage = { input_tokens: LongRun.size(request), cached_input_tokens: 0, output_tokens: 5, cost_usd: null };
  return outcome.kind === "reply" ? { ...outcome, reply: { ...outcome.reply, usage } } : outcome;
};

const countOn: Reply = (request, onDelta, signal) => {
  if (isSummaryRequest(request)) return say("It counts.")(request, onDelta, signal);
  const last = request.messages.findLast(({ role }) => role === "tool");
  const next = last === undefined ? 0 : Number(/^count (\d+)/.exec(String(last.content))?.[1] ?? 0) + 1;
  const play = next < STEPS ? call({ id: "call_0", name: "count", input: { at: next } }) : say("counted");
  return play(request, onDelta, signal);
};

function isSummaryRequest({ messages }: ModelRequest): boolean {
  return messages[0]?.content === summaryPrompt;
}

const count = defineTool({
  name: "count",
  description: "Counts.",
  schema: z.object({ at: z.number() }),
  kind: "work",
  read_only: false,
  recovery: "repeat",
  time_limit_ms: 10_000,
  execute: async ({ at }: { at: number }) => ({ content: `count ${at} ${"word ".repeat(1500)}`, is_error: false }),
});

function start(more: FakeThreadOptions = {}): FakeThread {
  return new FakeThread({ defaultReply: counter, tools: [count], context_tokens: 8000, ...more });
}

const rowsOf = (thread: FakeThread) => readMessages(thread.life.database.sql, thread.life.thread, 0, 1000);
const summariesOf = (thread: FakeThread) => rowsOf(thread).filter(({ type }) => type === "summary");

/** What holds whenever a life ends. */
function expectCounted(thread: FakeThread): void {
  const rows = rowsOf(thread);
  const results = rowsOfType(rows, "tool").map(({ content }) => content);
  const counted = results.map(({ content }) => content.slice(0, 8).trim());
  expect(counted).toEqual(Array.from({ length: STEPS }, (_, at) => `count ${at}`));
  const ids = results.map(({ tool_call_id }) => tool_call_id);
  expect(new Set(ids).size).toBe(STEPS);
  expect(rows.at(-1)).toMatchObject({ type: "assistant", content: { content: "counted" } });
  expect(thread.life.newestStarted?.run).toMatchObject({
    status: "completed",
    result: { text: "counted" },
    steps: STEPS + 1,
  });
}

describe("a thread that grows too long", () => {
  it("has summaries among its rows, and shows people only the conversation", async () => {
    const thread = start();
    const { events } = await thread.run(WISH, run);
    expectCounted(thread);
    const summaries = summariesOf(thread);
    expect(summaries.length).toBeGreaterThan(1);
    expect(summaries[0]).toMatchObject({
      is_llm_message: true,
      invocation_id: "inv_a",
      content: { role: "user", content: expect.stringContaining(`<person_message>\n${WISH}\n</person_message>`) },
      metadata: { keep_from: expect.any(Number), text: "It counts." },
    });
    const resynced = await thread.read({ ...run, resync: true }).untilClosed();
    const shown = JSON.stringify([events, messagesSnapshot(thread.life), resynced.events]);
    expect(shown).not.toContain("conversation_summary");
    await thread.life.outbox.sync();
    const synced = thread.batches.flatMap(({ messages }) => messages.map(({ type }) => type));
    expect(synced.filter((type) => type === "summary")).toHaveLength(summaries.length);
  });

  it("counts a summary's tokens, but no step", async () => {
    const thread = start();
    await thread.run(WISH, run);
    const calls = STEPS + 1 + summariesOf(thread).length;
    const input_tokens = thread.requests.reduce((sum, request) => sum + LongRun.size(request), 0);
    expect(thread.life.newestStarted?.run.usage).toMatchObject({ input_tokens, output_tokens: 5 * calls });
  });

  it("gives a later life only the summary and the rows that it does not cover", async () => {
    const thread = start();
    await thread.run(WISH, run);
    const { summary, history } = readHistory(thread.life.database.sql);
    const keep_from = Number(summariesOf(thread).at(-1)?.metadata.keep_from);
    const kept = rowsOf(thread).filter((row) => row.seq >= keep_from && row.type !== "summary");
    expect(history).toEqual(kept.map(({ content }) => content));
    expect(history.length).toBeLessThan(rowsOf(thread).length / 2);
    expect(history[0]?.role).toBe("assistant");
    const before = thread.requests.at(-1)?.messages ?? [];
    thread.crash();
    await thread.run("and now?", { invocation_id: "inv_b" });
    const after = thread.requests.findLast((each) => !isSummaryRequest(each))?.messages ?? [];
    expect(after[1]).toEqual(summary?.message);
    expect(JSON.stringify(after.slice(0, before.length))).toBe(JSON.stringify(before));
    expect(after.slice(before.length)).toEqual([history.at(-1), { role: "user", content: "and now?" }]);
  });

  it("keeps a person's reason for declining a call word for word", async () => {
    const thread = start({ agent: { approvals: { count: ['{"at":0}'] } } });
    await thread.run(WISH, run);
    const payload = { approved: false, reason: "zero is never counted" };
    const resume = [{ interrupt_id: "int_call_0", status: "resolved" as const, payload }];
    await thread.run("", { invocation_id: "inv_b", messages: [], resume });
    const said = summariesOf(thread).map(({ metadata }) => metadata.said);
    expect(said.at(-1)).toEqual([WISH, "zero is never counted"]);
  });

  for (const when of ["before", "after"] as const) {
    it(`comes to the same end if its life ends right ${when} any transaction`, async () => {
      let total = 0;
      const calm = start({
        dies: (moment) => {
          if (moment === "before") total += 1;
          return false;
        },
      });
      await calm.run(WISH, run);
      expect(total).toBeGreaterThan(20);
      for (let at = 2; at < total; at++) await expectSurvival(at, when);
    });
  }

  async function expectSurvival(at: number, when: "before" | "after"): Promise<void> {
    let seen = 0;
    let died = () => {};
    const death = new Promise<void>((resolve) => {
      died = resolve;
    });
    const thread = start({
      dies: (moment) => {
        if (moment === "before") seen += 1;
        const isLast = seen === at && moment === when;
        if (isLast) setImmediate(died);
        return isLast;
      },
    });
    await thread.accept(WISH, run).catch(() => {});
    await death;
    thread.crash();
    ensureRunning(thread.life);
    await thread.read(run).untilClosed();
    expectCounted(thread);
    expect(summariesOf(thread).length).toBeGreaterThan(0);
  }
});

describe("how a model counts", () => {
  async function counted(share: number): Promise<FakeThread> {
    const answer: Reply = async (request) => {
      const input_tokens = Math.round(LongRun.size(request) * share);
      return reply({ text: "hi", usage: { input_tokens, cached_input_tokens: 0, output_tokens: 1, cost_usd: null } });
    };
    const thread = new FakeThread({ replies: [answer] });
    await thread.run("a question of some length ".repeat(100));
    thread.crash();
    return thread;
  }

  it("is known to later lives for the same model, and for no other", async () => {
    const thread = await counted(0.6);
    expect(readTokenScale(thread.life, "test-model")).toBe(0.6);
    expect(readTokenScale(thread.life, "another-model")).toBe(1);
  });

  it("is not learned from a count that leaves out most of the request, such as one without cached tokens", async () => {
    const { life } = await counted(0.1);
    expect(readTokenScale(life, "test-model")).toBe(1);
  });
});

describe("a result that is too long for the prompt", () => {
  const LONG = Array.from({ length: 20_000 }, (_, at) => `line ${at} 茶\n`).join("");
  const dump: Tool = {
    ...count,
    name: "dump",
    schema: z.object({}),
    execute: async () => ({ content: LONG, is_error: false }),
  };

  function reads(id: string, input: Record<string, unknown>): FakeThread {
    return new FakeThread({
      tools: [dump, ...resultTools],
      replies: [
        call({ id, name: "dump", input: {} }),
        call({ id: "c_read", name: "read_result", input: { result_id: id, ...input } }),
        say("read"),
      ],
    });
  }

  const resultOf = (thread: FakeThread, id: string) =>
    rowsOfType(rowsOf(thread), "tool").find(({ content }) => content.tool_call_id === id)?.content.content ?? "";

  it("can be read on from where the shortened one ends, with nothing missing between", async () => {
    const thread = reads("c_dump", { offset: 0 });
    await thread.run("dump it");
    const shown = resultOf(thread, "c_dump");
    const [head = ""] = shown.split("\n[…");
    const offset = Number(/"result_id":"c_dump","offset":(\d+)/.exec(shown)?.[1]);
    expect(offset).toBe(head.length);
    expect(LONG.startsWith(head)).toBe(true);
    expect(readResult(thread.life.database.sql, "c_dump")).toBe(LONG);
    expect(resultOf(thread, "c_read").startsWith(LONG.slice(0, 19_000))).toBe(true);
  });

  it("is stored with its row or not at all, stays for later lives, and is deleted with the thread", async () => {
    const thread = reads("c_dump", { search: "line 19999 " });
    await thread.run("dump it");
    thread.crash();
    expect(readResult(thread.life.database.sql, "c_dump")).toBe(LONG);
    expect(resultOf(thread, "c_read")).toMatch(/^\d+: line 19999 茶\n\[1 lines/);
    expect(readResult(thread.life.database.sql, "c_other")).toBeNull();
    // The part that the model read is short, so it is stored only in its own row.
    const stored = thread.life.database.sql.exec<{ count: number }>("SELECT count(*) AS count FROM results").toArray();
    expect(stored).toEqual([{ count: 1 }]);
  });

  it("is stored in parts beyond a megabyte, and a result that was not shortened is found by its row", async () => {
    const huge = "0123456789".repeat(300_000);
    const big: Tool = { ...dump, execute: async () => ({ content: huge, is_error: false }) };
    const small: Tool = {
      ...dump,
      name: "small",
      execute: async () => ({ content: 'say "tool_call_id":"c_big"', is_error: false }),
    };
    const thread = new FakeThread({
      tools: [big, small],
      replies: [call({ id: "c_small", name: "small", input: {} }, { id: "c_big", name: "dump", input: {} }), say("ok")],
    });
    await thread.run("go");
    const { sql } = thread.life.database;
    expect(readResult(sql, "c_big")).toBe(huge);
    expect(readResult(sql, "c_small")).toBe('say "tool_call_id":"c_big"');
    sql.exec("DELETE FROM results");
    expect(readResult(sql, "c_big")).toMatch(/^0123[\s\S]*characters are left out here/);
  });

  it("is kept only for the newest calls", async () => {
    const thread = new FakeThread({ tools: [], replies: [async () => reply({ text: "hi" })] });
    await thread.run("hello");
    const { sql } = thread.life.database;
    const long = "x".repeat(1_100_000);
    keepResult(sql, 1000, "c_first", long);
    for (let at = 1; at <= 500; at++) keepResult(sql, 1000 + at, `c_${at}`, "y");
    expect(readResult(sql, "c_first")).toBeNull();
    expect(readResult(sql, "c_1")).toBe("y");
    expect(sql.exec("SELECT owner FROM overflow").toArray()).toEqual([]);
  });
});
