// Calls to a source's tools that are made later: in another life, or after an approval.
import { afterEach, describe, expect, it, vi } from "vitest";
import { resultsOf } from "../../../test/fakes/answered-thread.ts";
import { call } from "../../../test/fakes/replies.ts";
import type { FakeThread } from "../../../test/fakes/thread.ts";
import { listed, makeThread, second, sourceOf, watchLog } from "../../../test/fakes/tool-sources.ts";
import type { Tool } from "../../agent/tool.ts";
import type { ToolSource } from "../../agent/tool-source.ts";
import { findRun } from "../life.ts";
import { ensureRunning } from "./run.ts";

const first = { invocation_id: "inv_a" };

afterEach(() => vi.restoreAllMocks());

describe("a run that a later life continues without a tool of a source", () => {
  /** The life ends while the tool works. */
  async function dieWithin(source: ReturnType<typeof sourceOf>, more: Partial<Tool>): Promise<FakeThread> {
    const begun = Promise.withResolvers<void>();
    const execute: Tool["execute"] = () => {
      begun.resolve();
      return new Promise(() => {});
    };
    source.tools = [listed("add_note", { execute, ...more })];
    const replies = [call({ id: "c1", name: "add_note", input: {} }, { id: "c2", name: "add_note", input: { b: 2 } })];
    const thread = makeThread([source], { replies });
    await thread.accept("hi", first);
    await begun.promise;
    return thread;
  }

  it.each(["report", "repeat", "reattach"] as const)(
    "answers a started call whose recovery is %s",
    async (recovery) => {
      const source = sourceOf();
      const thread = await dieWithin(source, { recovery });
      source.tools = [];
      thread.crash();
      ensureRunning(thread.life);
      await thread.read(first).untilClosed();
      expect(findRun(thread.life, "inv_a")?.run.status).toBe("completed");
      expect(resultsOf(thread)).toEqual({
        c1: "interrupted: the server was restarted while add_note ran. It may have happened: check before you do it again.",
        c2: 'There is no tool "add_note". The tools are: work.',
      });
      expect(thread.failures).toEqual([]);
    },
  );

  it("makes the calls again if the tool is still listed, with its current definition", async () => {
    const source = sourceOf();
    const thread = await dieWithin(source, { recovery: "repeat" });
    source.tools = [
      listed("add_note", { recovery: "repeat", execute: async () => ({ content: "new", is_error: false }) }),
    ];
    thread.crash();
    ensureRunning(thread.life);
    await thread.read(first).untilClosed();
    expect(resultsOf(thread)).toEqual({ c1: "new", c2: "new" });
  });
});

describe("an approval of a call to a tool of a source", () => {
  async function askFirst(source: ToolSource): Promise<FakeThread> {
    const replies = [call({ id: "c1", name: "add_note", input: { text: "x" } })];
    const thread = makeThread([source], { replies, agent: { approvals: { add_note: ["*"] } } });
    await thread.run("hi", first);
    expect(findRun(thread.life, "inv_a")?.run.interrupts).toMatchObject([{ message: 'add_note: {"text":"x"}' }]);
    return thread;
  }
  const answer = (payload: unknown) => ({
    ...second,
    messages: [],
    resume: [{ interrupt_id: "int_c1", status: "resolved" as const, payload }],
  });

  it("makes the call with the arguments that a person changed", async () => {
    const execute: Tool["execute"] = async (input) => ({ content: JSON.stringify(input), is_error: false });
    const thread = await askFirst(sourceOf(listed("add_note", { execute })));
    await thread.run("", answer({ approved: true, arguments: { text: "y" } }));
    expect(resultsOf(thread).c1).toMatch(/other arguments: \{"text":"y"\}\)\n\{"text":"y"\}$/);
  });

  it.each([
    ["approved", { approved: true }, 'There is no tool "add_note". The tools are: work.'],
    ["declined", { approved: false }, expect.stringMatching(/^declined/)],
  ])("gets a result if the tool is gone and the call %s", async (_how, payload, result) => {
    const source = sourceOf(listed("add_note"));
    const thread = await askFirst(source);
    source.tools = [];
    await thread.run("", answer(payload));
    expect(resultsOf(thread).c1).toEqual(result);
    expect(findRun(thread.life, "inv_b")?.run.status).toBe("completed");
  });
});

describe("a call to a tool of a source that can't be reached any more", () => {
  /** Two sources that list a tool of one name: the first gets the call, and is down after it. */
  function rivals(execute: Tool["execute"]) {
    const made: string[] = [];
    const notes = sourceOf(listed("add_note", { execute }));
    const take: Tool["execute"] = async () => {
      made.push("by the other");
      return { content: "taken", is_error: false };
    };
    const other = {
      ...sourceOf(),
      name: "other",
      listTools: async () => [listed("add_note", { execute: take, recovery: "repeat" })],
    };
    const fall = () => {
      notes.listTools = () => Promise.reject(new Error("down"));
    };
    return { made, sources: [notes, other], fall };
  }
  const replies = () => [
    call({ id: "c1", name: "add_note", input: {} }, { id: "c2", name: "add_note", input: { b: 2 } }),
  ];

  it("is not made by another source's tool of that name, though a person approved it", async () => {
    watchLog();
    const { made, sources, fall } = rivals(async () => ({ content: "", is_error: false }));
    const thread = makeThread(sources, { replies: replies(), agent: { approvals: { add_note: ["*"] } } });
    await thread.run("hi", first);
    fall();
    const resume = ["int_c1", "int_c2"].map((interrupt_id) => ({
      interrupt_id,
      status: "resolved" as const,
      payload: { approved: true },
    }));
    await thread.run("", { ...second, messages: [], resume });
    expect(made).toEqual([]);
    expect(resultsOf(thread).c1).toMatch(/^not executed: add_note is another tool by now/);
  });

  it("is not made again by another source's tool of that name after it has begun, nor are those behind it", async () => {
    watchLog();
    const begun = Promise.withResolvers<void>();
    const { made, sources, fall } = rivals(() => {
      begun.resolve();
      return new Promise(() => {});
    });
    const thread = makeThread(sources, { replies: replies() });
    await thread.accept("hi", first);
    await begun.promise;
    fall();
    thread.crash();
    ensureRunning(thread.life);
    await thread.read(first).untilClosed();
    expect(made).toEqual([]);
    expect(resultsOf(thread)).toEqual({
      c1: expect.stringMatching(/^interrupted: the server was restarted while add_note ran/),
      c2: expect.stringMatching(/^not executed: add_note is another tool by now/),
    });
  });
});

describe("a call that a client left open", () => {
  it("is not made by a tool of a source with the same name", async () => {
    const made: string[] = [];
    const execute: Tool["execute"] = async (_input, { tool_call_id }) => {
      made.push(tool_call_id);
      return { content: "made", is_error: false };
    };
    const source = sourceOf();
    const replies = [call({ id: "c1", name: "pick", input: {} }, { id: "c2", name: "pick", input: { b: 2 } })];
    const thread = makeThread([source], { replies });
    await thread.run("hi", { ...first, client_tools: [{ name: "pick", description: "", parameters: {} }] });
    source.tools = [listed("pick", { execute })];
    const tool_results = [{ message_id: "m2", tool_call_id: "c1", content: "red" }];
    await thread.run("", { ...second, messages: [], tool_results });
    expect(made).toEqual([]);
  });
});
