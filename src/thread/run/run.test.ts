import { verifyEvents } from "@ag-ui/client";
import { EventSchemas } from "@ag-ui/core/schemas";
import { from, lastValueFrom, toArray } from "rxjs";
import { describe, expect, it } from "vitest";
import { call, type Reply, say } from "../../../test/fakes/replies.ts";
import { FakeThread } from "../../../test/fakes/thread.ts";
import { Transcript } from "../../../test/fakes/transcript.ts";
import { twoTaskModel, twoTaskTools } from "../../../test/fakes/two-task-model.ts";
import { defaultAgent } from "../../protocol/agents/agent.ts";
import type { ThreadEvent } from "../../protocol/event.ts";
import { findRun } from "../life.ts";
import { readMessages } from "../rows/messages.ts";

/** Checks events by AG-UI's schemas and by the verifier of AG-UI's client. */
async function expectValid(events: ThreadEvent[]): Promise<void> {
  const parsed = events.map((event) => EventSchemas.parse(event));
  expect(parsed.length).toBe(events.length);
  const verified = await lastValueFrom(from(parsed as never[]).pipe(verifyEvents(false), toArray()));
  expect(verified.length).toBe(events.length);
}

function typesOf(events: ThreadEvent[]): string[] {
  return events.map(({ type }) => type);
}

function hasNull(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return value === null;
  return Object.values(value).some(hasNull);
}

describe("the events of a turn", () => {
  it("are valid for AG-UI's schemas and verifier, start with RUN_STARTED and STATE_SNAPSHOT, and leave nothing open", async () => {
    const thread = new FakeThread({ defaultReply: twoTaskModel, tools: twoTaskTools() });
    const { events } = await thread.run("build it");
    await expectValid(events);
    expect(typesOf(events).slice(0, 2)).toEqual(["RUN_STARTED", "STATE_SNAPSHOT"]);
    expect(events.at(-1)).toMatchObject({ type: "RUN_FINISHED", outcome: { type: "success" } });
    const held = new Transcript().applyAll(events);
    expect(held.outcome).toBe("success");
    expect(held.state).toEqual(thread.life.state.value);
    // The cost of a model without a price is null there as in the run.
    const isUsage = (event: ThreadEvent) => event.type === "CUSTOM" && event.name === "usage";
    expect(hasNull(events.filter((event) => !isUsage(event)))).toBe(false);
    expect(thread.failures).toEqual([]);
  });

  it("have one STATE_DELTA for each change, and STEP_* around the work for a task", async () => {
    const thread = new FakeThread({ defaultReply: twoTaskModel, tools: twoTaskTools() });
    const { events } = await thread.run("build it");
    const types = typesOf(events).filter((type) => /^STEP|STATE_DELTA|RESULT/.test(type));
    expect(types).toEqual([
      "TOOL_CALL_RESULT",
      "STATE_DELTA",
      "STATE_DELTA",
      "STEP_STARTED",
      "TOOL_CALL_RESULT",
      "STATE_DELTA",
      "TOOL_CALL_RESULT",
      "TOOL_CALL_RESULT",
      "STATE_DELTA",
      "STEP_FINISHED",
      "STEP_STARTED",
      "STEP_FINISHED",
    ]);
  });

  it("finish the step of a task that is still in progress, and start it again in the next run, in every life", async () => {
    const plan = call({ id: "c1", name: "create_tasks", input: { section_title: "A", task_contents: ["x"] } });
    const work = call({ id: "c2", name: "work", input: { what: "x" } });
    const thread = new FakeThread({ replies: [plan, work], tools: twoTaskTools() });
    const first = await thread.run("build it", { max_steps: 2 });
    await expectValid(first.events);
    expect(typesOf(first.events).slice(-2)).toEqual(["STEP_FINISHED", "RUN_ERROR"]);
    for (const crashes of [false, true]) {
      if (crashes) thread.crash();
      thread.replies.push(say("well"));
      const next = await thread.run("go on", { max_steps: 1 });
      await expectValid(next.events);
      expect(typesOf(next.events).slice(0, 3)).toEqual(["RUN_STARTED", "STATE_SNAPSHOT", "STEP_STARTED"]);
      expect(typesOf(next.events).slice(-2)).toEqual(["STEP_FINISHED", "RUN_ERROR"]);
    }
  });

  it("have only the run's new messages as input", async () => {
    const thread = new FakeThread({ replies: [say("one"), say("two")] });
    await thread.run("first", { invocation_id: "inv_a" });
    const { events } = await thread.run("second", { invocation_id: "inv_b" });
    const [started] = events;
    expect(started).toMatchObject({
      type: "RUN_STARTED",
      input: { messages: [{ id: "msg_of_inv_b", role: "user", content: "second" }] },
    });
  });
});

describe("a run that falls back", () => {
  it("sends model_retry, adds up the usage of both models, and names the other model on its messages", async () => {
    const refuse: Reply = async () => ({
      kind: "failure",
      failure: { code: "model_error", message: "no such model", retryable: false, retry_after_ms: null },
    });
    const work = call({ id: "c1", name: "work", input: { what: "x" } });
    const thread = new FakeThread({ replies: [work, refuse, say("done")], tools: twoTaskTools() });
    const config = { ...defaultAgent.config, fallback_models: ["spare"] };
    thread.life.ports.readAgent = async () => ({ ...defaultAgent, config });
    const { events } = await thread.run("build it", { invocation_id: "inv_a", model: "own" });
    await expectValid(events);
    expect(thread.requests.map(({ model }) => model)).toEqual(["own", "own", "spare"]);
    const retries = events.filter((event) => event.type === "CUSTOM" && event.name === "model_retry");
    expect(retries).toMatchObject([{ value: { attempt: 1, after_ms: 0, model: "spare" } }]);
    const rows = readMessages(thread.life.database.sql, thread.life.thread, 0, 100);
    const answers = rows.filter(({ type }) => type === "assistant");
    expect(answers.map(({ metadata }) => metadata.model)).toEqual([undefined, "spare"]);
    const ended = findRun(thread.life, "inv_a")?.run;
    expect(ended).toMatchObject({ model: "own", status: "completed" });
    const { input_tokens = 0, output_tokens = 0, estimated } = ended?.usage ?? {};
    // The call that failed stays charged: nobody knows what its server did.
    expect(input_tokens - (estimated?.input_tokens ?? 0)).toBe(20);
    expect(output_tokens - (estimated?.output_tokens ?? 0)).toBe(10);
  });
});
