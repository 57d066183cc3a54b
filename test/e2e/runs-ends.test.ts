// Runs that people end or that ask people: cancelled in every state, deleted, interrupted and answered.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, findProcesses, marker } from "./daytona-fixture.ts";
import { type RunsClient, startRunsClient, userTexts, useTool } from "./runs-client.ts";
import { openReader } from "./stream-reader.ts";

let client: RunsClient;

beforeAll(async () => {
  client = await startRunsClient();
});
afterAll(() => client.close());

describe("a cancel", () => {
  it("within text keeps the text and ends the run, and can be repeated", async () => {
    await client.post("cancel-text/runs", { message: "tell", invocation_id: "inv-t" });
    const call = await client.model.next();
    call.text("Once upon a ");
    const watcher = await openReader(client.taskloom, "/v1/threads/cancel-text/runs/inv-t/events");
    await watcher.until(({ event }) => event.type === "TEXT_MESSAGE_CONTENT");
    expect(await client.post("cancel-text/runs/inv-t/cancel")).toMatchObject({
      status: 200,
      body: { status: "cancelled" },
    });
    expect(await watcher.ended).toBe("closed");
    expect(watcher.frames.slice(-2).map(({ event }) => event)).toMatchObject([
      { type: "TEXT_MESSAGE_END" },
      { type: "RUN_FINISHED", outcome: { type: "cancelled" } },
    ]);
    const rows = await client.listMessages("cancel-text");
    expect(rows.map(({ type }) => type)).toEqual(["user", "assistant", "status"]);
    expect(rows[1]).toMatchObject({ content: { content: "Once upon a " }, metadata: { partial: true } });
    expect(await client.post("cancel-text/runs/inv-t/cancel")).toMatchObject({
      status: 200,
      body: { status: "cancelled" },
    });
    expect((await client.post("cancel-text/runs/inv-unknown/cancel")).status).toBe(404);
  });

  it("within a command ends the command in the sandbox", async () => {
    const mark = marker();
    await client.post("cancel-command/runs", { message: "work", invocation_id: "inv-c" });
    useTool(await client.model.next(), "call-1", "execute_command", { command: `sleep ${mark} & sleep ${mark}` });
    await eventually(async () => (await findProcesses(mark)).length >= 2);
    expect((await client.post("cancel-command/runs/inv-c/cancel")).body.status).toBe("cancelled");
    await eventually(async () => (await findProcesses(mark)).length === 0);
    const rows = await client.listMessages("cancel-command");
    expect(rows.map(({ type }) => type)).toEqual(["user", "assistant", "tool", "status"]);
  });

  it("of a waiting run lets those behind it continue", async () => {
    await client.post("cancel-queued/runs", { message: "first", invocation_id: "inv-1" });
    const first = await client.model.next();
    await client.post("cancel-queued/runs", { message: "second", invocation_id: "inv-2" });
    await client.post("cancel-queued/runs", { message: "third", invocation_id: "inv-3" });
    expect((await client.post("cancel-queued/runs/inv-2/cancel")).body).toMatchObject({
      status: "cancelled",
      steps: 0,
    });
    first.text("one");
    first.finish();
    expect(userTexts(await client.say("three"))).toEqual(["first", "third"]);
    await client.eventsOf("cancel-queued", "inv-3");
    expect((await client.readRun("cancel-queued", "inv-2")).status).toBe("cancelled");
  });

  it("by deletion of the thread ends everything, and the id is never used again", async () => {
    await client.post("deleted/runs", { message: "work", invocation_id: "inv-1" });
    await client.model.next();
    const watcher = await openReader(client.taskloom, "/v1/threads/deleted/events");
    await watcher.until(({ event }) => event.type === "STATE_SNAPSHOT");
    expect((await client.taskloom.request("DELETE", "/v1/threads/deleted")).status).toBe(204);
    await watcher.ended;
    for (const path of ["", "/messages", "/tasks", "/runs", "/runs/inv-1", "/events", "/diagnostics"]) {
      expect([path, (await client.taskloom.request("GET", `/v1/threads/deleted${path}`)).status]).toEqual([path, 404]);
    }
    expect((await client.post("deleted/runs", { message: "again" })).status).toBe(404);
    const { data } = await client.taskloom.json<{ data: { thread_id: string }[] }>("GET", "/v1/threads?limit=200");
    expect(data.map(({ thread_id }) => thread_id)).not.toContain("deleted");
  });
});

describe("a run that asks", () => {
  async function ask(thread: string, run: string): Promise<string> {
    await client.post(`${thread}/runs`, { message: "choose", invocation_id: run });
    useTool(await client.model.next(), `call-${run}`, "ask", { question: "Which colour?", choices: ["red", "blue"] });
    const events = await client.eventsOf(thread, run);
    expect(events.at(-1)).toMatchObject({ outcome: { type: "interrupt" } });
    const asked = await client.readRun(thread, run);
    expect([asked.status, asked.interrupts.map(({ message }) => message)]).toEqual(["interrupted", ["Which colour?"]]);
    return asked.interrupts[0]?.id ?? "";
  }

  it("is answered by a new run that resumes it, once", async () => {
    const interrupt_id = await ask("ask-resume", "inv-1");
    const resume = [{ interrupt_id, status: "resolved", payload: "blue" }];
    const path = "ask-resume/runs/inv-1/resume";
    expect(await client.post(path, { resume: [{ ...resume[0], payload: 5 }] })).toMatchObject({ status: 400 });
    expect(await client.post(path, { resume: [{ interrupt_id: "other", status: "cancelled" }] })).toMatchObject({
      status: 409,
      body: { code: "interrupt_answered" },
    });
    const answers = await Promise.all([1, 2, 3].map(() => client.post(path, { resume, invocation_id: "inv-2" })));
    for (const answer of answers) {
      expect([answer.status, answer.body.invocation_id]).toEqual([202, "inv-2"]);
    }
    const call = await client.say("blue it is");
    expect(call.messages.at(-1)).toMatchObject({ role: "tool", content: "blue" });
    const events = await client.eventsOf("ask-resume", "inv-2");
    expect(events.filter(({ type }) => type === "TOOL_CALL_START")).toEqual([]);
    expect(events.find(({ type }) => type === "TOOL_CALL_RESULT")).toMatchObject({
      toolCallId: "call-inv-1",
      content: "blue",
    });
    expect(await client.readRun("ask-resume", "inv-2")).toMatchObject({ status: "completed", resumes: "inv-1" });
    expect(await client.post(path, { resume, invocation_id: "inv-3" })).toMatchObject({
      status: 409,
      body: { code: "interrupt_answered" },
    });
    expect(await client.post("ask-resume/runs/inv-2/resume", { resume })).toMatchObject({
      status: 422,
      body: { code: "invalid_operation" },
    });
  });

  it("is answered by a plain message", async () => {
    await ask("ask-plain", "inv-1");
    const waiting = client.post("ask-plain/runs?wait=1", { message: "green, please", invocation_id: "inv-2" });
    const call = await client.say("green");
    expect(call.messages.at(-1)).toMatchObject({ role: "tool", content: "green, please" });
    expect((await waiting).body).toMatchObject({ status: "completed", resumes: "inv-1" });
    expect((await client.listMessages("ask-plain", "user")).map(({ message_id }) => message_id)).toHaveLength(2);
  });
});
