import { describe, expect, it } from "vitest";
import { call, type Reply, say } from "../../../test/fakes/replies.ts";
import { FakeThread } from "../../../test/fakes/thread.ts";
import { twoTaskTools } from "../../../test/fakes/two-task-model.ts";
import type { ChatMessage } from "../../protocol/message.ts";
import type { InterruptAnswer, RunInput } from "../../protocol/thread.ts";
import { peopleTools } from "../../tools/people.ts";
import { findRun } from "../life.ts";
import { readMessages } from "../rows/messages.ts";
import { cancelRun } from "../run/control.ts";
import { readHistory } from "../run/summaries.ts";
import { NOT_ANSWERED } from "./interrupts.ts";

const run = { invocation_id: "inv_a" };
const next = { invocation_id: "inv_b" };

const ask = (...ids: string[]): Reply =>
  call(...ids.map((id) => ({ id, name: "ask", input: { question: `which ${id}?`, choices: ["red", "blue"] } })));

async function askedThread(...ids: string[]): Promise<FakeThread> {
  const thread = new FakeThread({ replies: [ask(...ids), say("thanks")], tools: [...peopleTools, ...twoTaskTools()] });
  await thread.run("hi", run);
  return thread;
}

function resume(...resume: InterruptAnswer[]): Partial<RunInput> {
  return { ...next, messages: [], resume };
}

function answer(interrupt_id: string, payload: unknown = "blue"): InterruptAnswer {
  return { interrupt_id, status: "resolved", payload };
}

function resultsOf(thread: FakeThread): ChatMessage[] {
  return readHistory(thread.life.database.sql).history.filter(({ role }) => role === "tool");
}

describe("a question to the person", () => {
  it("ends the run as interrupted, with everything needed to answer", async () => {
    const thread = new FakeThread({ replies: [ask("c1")], tools: peopleTools });
    const { events } = await thread.run("hi", run);
    const response_schema = { type: "string", enum: ["red", "blue"] };
    const interrupt = { id: "int_c1", reason: "question", message: "which c1?" };
    expect(events.at(-1)).toMatchObject({
      type: "RUN_FINISHED",
      outcome: {
        type: "interrupt",
        interrupts: [{ ...interrupt, toolCallId: "c1", responseSchema: response_schema }],
      },
    });
    expect(findRun(thread.life, "inv_a")?.run).toMatchObject({
      status: "interrupted",
      interrupts: [{ ...interrupt, tool_call_id: "c1", response_schema, expires_at: null }],
    });
    expect(thread.life.live.size).toBe(0);
  });

  it("is answered by a resume: the new run sends the result and not the call again", async () => {
    const thread = await askedThread("c1");
    const { events } = await thread.run("", resume(answer("int_c1")));
    expect(events[0]).toMatchObject({ type: "RUN_STARTED", runId: "inv_b", parentRunId: "inv_a" });
    const types = events.map(({ type }) => type);
    expect(types.filter((type) => type.startsWith("TOOL_CALL"))).toEqual(["TOOL_CALL_RESULT"]);
    expect(events.find(({ type }) => type === "TOOL_CALL_RESULT")).toMatchObject({ toolCallId: "c1", content: "blue" });
    expect(findRun(thread.life, "inv_b")?.run).toMatchObject({ status: "completed", resumes: "inv_a" });
    expect(thread.requests[1]?.messages.at(-1)).toEqual({ role: "tool", tool_call_id: "c1", content: "blue" });
  });

  it("is answered by a plain text, which people see as a message and the model as the result", async () => {
    const thread = await askedThread("c1");
    await thread.run("the blue one", next);
    expect(resultsOf(thread)).toEqual([{ role: "tool", tool_call_id: "c1", content: "the blue one" }]);
    const users = readMessages(thread.life.database.sql, thread.life.thread, 0, 100).filter(
      ({ type }) => type === "user",
    );
    expect(users.map(({ is_llm_message }) => is_llm_message)).toEqual([true, false]);
    expect(thread.requests[1]?.messages.map(({ role }) => role)).toEqual(["system", "user", "assistant", "tool"]);
  });

  it("is answered by the first of several messages; the model gets the others, and an image, as messages", async () => {
    const thread = await askedThread("c1");
    const picture = [
      { type: "text" as const, text: "like this" },
      { type: "image_url" as const, image_url: { url: "https://example.com/a.png" } },
    ];
    await thread.run("", {
      ...next,
      messages: [
        { message_id: "m1", content: picture },
        { message_id: "m2", content: "and big" },
      ],
    });
    expect(resultsOf(thread)).toEqual([{ role: "tool", tool_call_id: "c1", content: "like this" }]);
    expect(thread.requests[1]?.messages.slice(-2)).toEqual([
      { role: "user", content: picture },
      { role: "user", content: "and big" },
    ]);
  });

  it("is cancelled by a plain message if another question is open too", async () => {
    const thread = await askedThread("c1", "c2");
    await thread.run("something else", next);
    const content = NOT_ANSWERED;
    expect(resultsOf(thread)).toEqual(["c1", "c2"].map((tool_call_id) => ({ role: "tool", tool_call_id, content })));
    expect(thread.requests[1]?.messages.at(-1)).toEqual({ role: "user", content: "something else" });
  });

  it("is not answered by a message that was sent before it was asked, whether that waited or was to steer", async () => {
    for (const on_busy of ["enqueue", "steer"] as const) {
      const thread: FakeThread = new FakeThread({ replies: [asked, say("thanks")], tools: peopleTools });
      let now = Date.now();
      thread.life.ports.clock = { ...thread.life.ports.clock, now: () => now++ };
      async function asked(...given: Parameters<Reply>): ReturnType<Reply> {
        await thread.accept("and a logo", { ...next, on_busy });
        return ask("c1")(...given);
      }
      await thread.run("hi", run);
      await thread.read(next).untilClosed();
      expect(resultsOf(thread)).toMatchObject([{ content: NOT_ANSWERED }]);
      expect(thread.requests[1]?.messages.at(-1)).toEqual({ role: "user", content: "and a logo" });
    }
  });

  it("is not answered by a trigger, since no person wrote its text", async () => {
    const thread = await askedThread("c1");
    await thread.run("blue", { ...next, answers_nothing: true });
    expect(resultsOf(thread)).toMatchObject([{ content: NOT_ANSWERED }]);
    expect(thread.requests[1]?.messages.at(-1)).toEqual({ role: "user", content: "blue" });
  });

  it("can be cancelled by its answer", async () => {
    const thread = await askedThread("c1", "c2");
    await thread.run("", resume({ interrupt_id: "int_c1", status: "cancelled" }, answer("int_c2")));
    expect(resultsOf(thread)).toMatchObject([{ content: NOT_ANSWERED }, { content: "blue" }]);
  });
});

describe("an answer", () => {
  it("is refused if it leaves a question open, names an unknown one or is no text", async () => {
    const thread = await askedThread("c1", "c2");
    const codes = async (...answers: InterruptAnswer[]) => {
      const accepted = await thread.accept("", resume(...answers));
      return accepted.ok ? "ok" : accepted.error.code;
    };
    expect(await codes(answer("int_c1"))).toBe("interrupts_uncovered");
    expect(await codes()).toBe("interrupts_uncovered");
    expect(await codes(answer("int_c1"), answer("int_x"))).toBe("interrupt_answered");
    expect(await codes(answer("int_c1"), answer("int_c2", { deep: 1 }))).toBe("invalid_field");
    expect(thread.life.live.size).toBe(0);
  });

  it("is accepted once, however many arrive at once and whether or not its run has started", async () => {
    const thread = await askedThread("c1");
    const posts = Array.from({ length: 10 }, (_, index) =>
      thread.accept("", { ...resume(answer("int_c1")), invocation_id: `inv_${index}` }),
    );
    const codes = (await Promise.all(posts)).map((each) => (each.ok ? "ok" : each.error.code));
    expect(codes.filter((code) => code === "ok").length).toBe(1);
    expect(codes.filter((code) => code === "interrupt_answered").length).toBe(9);
    await thread.read({ invocation_id: `inv_${codes.indexOf("ok")}` }).untilClosed();
    expect(await thread.accept("", { ...resume(answer("int_c1")), invocation_id: "inv_x" })).toMatchObject({
      error: { code: "interrupt_answered" },
    });
    expect(resultsOf(thread).length).toBe(1);
  });

  it("is accepted while its run waits to start, too", async () => {
    const thread = await askedThread("c1");
    await thread.accept("", { ...resume(answer("int_c1")), background: true });
    const second = await thread.accept("", { ...resume(answer("int_c1")), invocation_id: "inv_c" });
    expect(second).toMatchObject({ error: { code: "interrupt_answered" } });
  });

  it("leaves the question open if its run was cancelled before it started", async () => {
    const thread = await askedThread("c1");
    await thread.accept("", { ...resume(answer("int_c1")), background: true });
    await cancelRun(thread.life, "inv_b");
    await thread.run("", { ...resume(answer("int_c1", "red")), invocation_id: "inv_c" });
    expect(resultsOf(thread)).toMatchObject([{ content: "red" }]);
  });

  it("is refused and leaves the question open if it has a message twice or one that exists", async () => {
    const thread = await askedThread("c1");
    const says = (...ids: string[]) => ids.map((message_id) => ({ message_id, content: "and quickly" }));
    for (const messages of [says("m1", "m1"), says("msg_of_inv_a")]) {
      const accepted = await thread.accept("", { ...resume(answer("int_c1")), messages });
      expect(accepted).toMatchObject({ error: { code: "already_exists" } });
    }
    await thread.run("", { ...resume(answer("int_c1")), messages: says("m1") });
    expect(thread.aborts).toEqual([]);
    expect(resultsOf(thread)).toMatchObject([{ content: "blue" }]);
  });

  it("is refused by a thread that asked nothing", async () => {
    const thread = new FakeThread({ replies: [say("hello")] });
    await thread.run("hi", run);
    expect(await thread.accept("", resume(answer("int_c1")))).toMatchObject({ error: { code: "interrupt_answered" } });
  });

  it("is accepted by the life after the one that asked", async () => {
    const thread = await askedThread("c1");
    thread.crash();
    await thread.run("", resume(answer("int_c1")));
    expect(resultsOf(thread)).toMatchObject([{ content: "blue" }]);
  });
});

describe("a client's tool", () => {
  const client_tools = [{ name: "pick_colour", description: "Picks.", parameters: { type: "object" } }];
  const pick = (...ids: string[]): Reply => call(...ids.map((id) => ({ id, name: "pick_colour", input: {} })));
  const result = (tool_call_id: string, message_id = `r_${tool_call_id}`) => ({
    message_id,
    tool_call_id,
    content: `result of ${tool_call_id}`,
  });

  it("ends the run with its calls pending when it is called, and its results start the next run", async () => {
    const thread = new FakeThread({ replies: [pick("p1", "p2"), say("nice")] });
    const { events } = await thread.run("hi", { ...run, client_tools });
    expect(events.at(-1)).toMatchObject({ outcome: { type: "success", pendingToolCallIds: ["p1", "p2"] } });
    const messages = [{ message_id: "msg_of_inv_a", content: "hi" }];
    const answered = await thread.run("", {
      ...next,
      client_tools,
      from_history: true,
      messages,
      tool_results: [result("p0"), result("p1"), result("p1", "again"), result("p2")],
    });
    const results = answered.events.flatMap((event) => (event.type === "TOOL_CALL_RESULT" ? [event.toolCallId] : []));
    expect(results).toEqual(["p1", "p2"]);
    expect(resultsOf(thread)).toMatchObject([{ tool_call_id: "p1" }, { tool_call_id: "p2" }]);
    expect(thread.requests[1]?.messages.map(({ role }) => role)).toEqual([
      "system",
      "user",
      "assistant",
      "tool",
      "tool",
    ]);
  });

  it("gets one result when two requests bring it", async () => {
    const thread = new FakeThread({ replies: [pick("p1"), say("nice")] });
    await thread.run("hi", { ...run, client_tools });
    const more = { from_history: true, messages: [], tool_results: [result("p1")] };
    const both = await Promise.all([
      thread.accept("", { ...more, invocation_id: "inv_b" }),
      thread.accept("", { ...more, invocation_id: "inv_c" }),
    ]);
    expect(both.map((each) => (each.ok ? "ok" : each.error.code)).sort()).toEqual(["empty_message", "ok"]);
    await thread.read({ invocation_id: both[0].ok ? "inv_b" : "inv_c" }).untilClosed();
    expect(resultsOf(thread).length).toBe(1);
  });

  it("can't answer a question to the person", async () => {
    const thread = await askedThread("c1");
    const forged = { from_history: true, messages: [], tool_results: [result("c1")] };
    expect(await thread.accept("", { ...next, ...forged })).toMatchObject({ error: { code: "empty_message" } });
  });
});
