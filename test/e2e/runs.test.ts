// Runs over HTTP: how they are accepted, wait, repeat, interact and end.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunsClient, startRunsClient, userTexts, useTool } from "./runs-client.ts";
import { openReader } from "./stream-reader.ts";

let client: RunsClient;

beforeAll(async () => {
  client = await startRunsClient();
});
afterAll(() => client.close());

describe("a run", () => {
  it("is accepted with 202 and its place, and can be read there until its end", async () => {
    const accepted = await client.post("run-plain/runs", { message: "hello", metadata: { a: [1, "二"] } });
    expect([accepted.status, accepted.headers.get("location")]).toEqual([
      202,
      `/v1/threads/run-plain/runs/${accepted.body.invocation_id}`,
    ]);
    await client.say("hi there");
    await client.eventsOf("run-plain", accepted.body.invocation_id);
    expect(await client.taskloom.json("GET", accepted.headers.get("location") ?? "")).toMatchObject({
      status: "completed",
      steps: 1,
      attempt: 1,
      metadata: { a: [1, "二"] },
      result: { text: "hi there", unfinished_tasks: 0 },
      error: null,
    });
  });

  it("asks the model under the name of OpenAI's client, though the bundle keeps no names", async () => {
    await client.post("run-client/runs", { message: "hello", invocation_id: "inv-client" });
    const { headers } = await client.say("hi");
    expect(headers["user-agent"]).toMatch(/^OpenAI\/JS \d/);
    await client.eventsOf("run-client", "inv-client");
  });

  it("is answered with 200 once it has ended, for a caller that waits", async () => {
    const waiting = client.post("run-wait/runs?wait=1", { message: "hello" });
    await client.say("hi");
    expect(await waiting).toMatchObject({ status: 200, body: { status: "completed", result: { text: "hi" } } });
  });

  it("is one, with one message, however often and fast it is requested", async () => {
    const body = { message: "count me once", agent_id: "agent_default", metadata: { k: 1 } };
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => client.post("run-equal/runs", body, { "idempotency-key": "inv-equal" })),
    );
    await client.say("once");
    await client.eventsOf("run-equal", "inv-equal");
    const late = await client.post("run-equal/runs", { ...body, invocation_id: "inv-equal" });
    expect(late.body.status).toBe("completed");
    for (const { status, headers, body } of [...answers, late]) {
      expect([status, body.invocation_id]).toEqual([202, "inv-equal"]);
      expect(headers.get("location")).toBe("/v1/threads/run-equal/runs/inv-equal");
    }
    expect((await client.listRuns("run-equal")).length).toBe(1);
    expect((await client.listMessages("run-equal")).map(({ type }) => type)).toEqual(["user", "assistant"]);
    for (const other of [
      { ...body, message: "count me twice" },
      { ...body, max_steps: 3 },
      { ...body, metadata: { k: 2 } },
    ]) {
      const refused = await client.post("run-equal/runs", other, { "idempotency-key": "inv-equal" });
      expect(refused).toMatchObject({ status: 409, body: { code: "idempotency_conflict" } });
    }
    const twoIds = await client.post("run-equal/runs", { ...body, invocation_id: "a" }, { "idempotency-key": "b" });
    expect(twoIds).toMatchObject({ status: 400, body: { code: "invalid_field" } });
  });

  it("follows those before it in the order of their answers, and sees no later message", async () => {
    const runs: string[] = [];
    for (let index = 0; index < 5; index++) {
      runs.push((await client.post("run-order/runs", { message: `number ${index}` })).body.invocation_id);
    }
    for (let index = 0; index < 5; index++) {
      const call = await client.say(`answer ${index}`);
      expect(userTexts(call)).toEqual(Array.from({ length: index + 1 }, (_, at) => `number ${at}`));
    }
    await client.eventsOf("run-order", runs.at(-1) ?? "");
    expect((await client.listRuns("run-order")).map(({ invocation_id }) => invocation_id)).toEqual(runs.toReversed());
    const rows = await client.listMessages("run-order");
    expect(rows.map(({ invocation_id }) => invocation_id)).toEqual(runs.flatMap((run) => [run, run]));
  });

  it("has all of its rows in D1 for whoever has seen its end", async () => {
    const DB = await client.taskloom.runtime.database();
    for (let index = 0; index < 5; index++) {
      const run = `inv-${index}`;
      await client.post("run-rows/runs", { message: "work", invocation_id: run });
      const reader = await openReader(client.taskloom, "/v1/threads/run-rows/events");
      useTool(await client.model.next(), `call-${index}`, "create_tasks", {
        section_title: "S",
        task_contents: [`task of ${run}`],
      });
      const second = await client.model.next();
      second.text("now ");
      useTool(second, `call-end-${index}`, "complete", { summary: `all of ${run}` });
      await reader.until(({ event }) => event.type === "RUN_FINISHED" && event.runId === run);
      const { results } = await DB.prepare(
        "SELECT type FROM messages WHERE user_id = 'user_first' AND thread_id = 'run-rows' AND invocation_id = ? ORDER BY seq",
      )
        .bind(run)
        .all<{ type: string }>();
      const row = await DB.prepare("SELECT status, run FROM runs WHERE thread_id = 'run-rows' AND invocation_id = ?")
        .bind(run)
        .first<{ status: string; run: string }>();
      reader.leave();
      // The plan is one row per thread, which stays with the run that made it.
      const types = results.map(({ type }) => type).filter((type) => type !== "task_list");
      expect(types).toEqual(["user", "assistant", "tool", "assistant", "tool"]);
      expect([row?.status, JSON.parse(row?.run ?? "{}").result.text]).toEqual(["completed", `all of ${run}`]);
      const plan = await DB.prepare(
        "SELECT content FROM messages WHERE thread_id = 'run-rows' AND type = 'task_list'",
      ).all<{ content: string }>();
      expect([plan.results.length, plan.results[0]?.content.includes(`task of ${run}`)]).toEqual([1, true]);
    }
  });

  it("ends as failed at its step limit, and says so", async () => {
    await client.post("run-steps/runs", { message: "go on", max_steps: 2, invocation_id: "inv-steps" });
    useTool(await client.model.next(), "call-1", "view_tasks", {});
    useTool(await client.model.next(), "call-2", "list_files", {});
    const events = await client.eventsOf("run-steps", "inv-steps");
    expect(events.at(-1)).toMatchObject({ type: "RUN_ERROR", code: "max_steps" });
    const run = await client.readRun("run-steps", "inv-steps");
    expect(run).toMatchObject({ status: "failed", steps: 2, error: { code: "max_steps" } });
    expect(run.error?.message).toMatch(/2 steps.*max_steps/);
    expect((await client.listMessages("run-steps", "status")).length).toBe(1);
  });

  it("of an agent with XML calls is sent no tools, streams no markup, and keeps native calls beside the text", async () => {
    await client.taskloom.json("POST", "/v1/agents", { agent_id: "xml", name: "XML", tool_format: "xml" });
    const { body } = await client.post("run-xml/runs", { message: "plan it", agent_id: "xml" });
    const sections = [{ title: "店", tasks: ["开店"] }];
    const written = `<invoke name="create_tasks"><parameter name="sections">${JSON.stringify(sections)}</parameter></invoke>`;
    const first = await client.model.next();
    expect(String(first.messages[0]?.content)).toContain('<function>{"name":"create_tasks"');
    for (const piece of ["好的 <func", "tion_calls>", written, "</function_calls>"]) first.text(piece);
    first.finish();
    const next = await client.model.next();
    expect(next.messages.slice(2, 4)).toEqual([
      { role: "assistant", content: expect.stringContaining('<invoke name="create_tasks">') },
      {
        role: "user",
        content: expect.stringMatching(/^<function_results>\n<result call="[^"]+" name="create_tasks">/),
      },
    ]);
    next.text('<invoke name="complete"><parameter name="summary">');
    next.text("完成</parameter></invoke>");
    next.finish();
    const events = await client.eventsOf("run-xml", body.invocation_id);
    const texts = events.flatMap((event) => (event.type === "TEXT_MESSAGE_CONTENT" ? [event.delta] : []));
    expect(texts.join("")).toBe("好的 ");
    const [row] = await client.listMessages("run-xml", "assistant");
    expect(row).toMatchObject({
      content: { tool_calls: [{ function: { name: "create_tasks", arguments: JSON.stringify({ sections }) } }] },
      metadata: { xml: `好的 <function_calls>${written}</function_calls>` },
    });
    expect(await client.readRun("run-xml", body.invocation_id)).toMatchObject({ status: "completed" });
  });

  it("of an unknown agent is refused, and no thread is created", async () => {
    const refused = await client.post("run-agent/runs", { message: "hi", agent_id: "agent-nobody" });
    expect(refused).toMatchObject({ status: 404, body: { code: "not_found" } });
    expect(refused.body.detail).toContain("agent-nobody");
    expect((await client.taskloom.request("GET", "/v1/threads/run-agent")).status).toBe(404);
  });

  it("in the background goes through the queue, and is awaited and streamed like any other", async () => {
    const accepted = await client.post("run-background/runs", {
      message: "later",
      background: true,
      invocation_id: "inv-b",
    });
    expect(accepted).toMatchObject({ status: 202, body: { background: true, status: "queued" } });
    await client.say("done later");
    const events = await client.eventsOf("run-background", "inv-b");
    expect(events.at(-1)).toMatchObject({ type: "RUN_FINISHED", result: { text: "done later" } });
    expect(await client.readRun("run-background", "inv-b")).toMatchObject({ status: "completed", attempt: 1 });
    const streamed = await openReader(client.taskloom, "/v1/threads/run-background/runs", {
      method: "POST",
      body: { message: "again", background: true },
    });
    await client.say("and again");
    expect(await streamed.ended).toBe("closed");
    expect(streamed.frames.at(-1)?.event).toMatchObject({ type: "RUN_FINISHED", result: { text: "and again" } });
  });
});

describe("a message to a busy thread", () => {
  it("waits by default, is refused, replaces or steers", async () => {
    await client.post("busy/runs", { message: "first", invocation_id: "inv-1" });
    const first = await client.model.next();
    const watcher = await openReader(client.taskloom, "/v1/threads/busy/runs/inv-1/events");
    expect((await client.post("busy/runs", { message: "second", invocation_id: "inv-2" })).body.status).toBe("queued");
    const refused = await client.post("busy/runs", { message: "third", on_busy: "reject", invocation_id: "inv-3" });
    expect(refused).toMatchObject({ status: 409, body: { code: "busy" } });
    expect((await client.taskloom.request("GET", "/v1/threads/busy/runs/inv-3")).status).toBe(404);

    const steered = await client.post("busy/runs", {
      message: "rather blue",
      on_busy: "steer",
      invocation_id: "inv-4",
    });
    expect([steered.status, steered.body.invocation_id]).toEqual([202, "inv-1"]);
    const repeated = await client.post("busy/runs", {
      message: "rather blue",
      on_busy: "steer",
      invocation_id: "inv-4",
    });
    expect([repeated.status, repeated.body.invocation_id]).toEqual([202, "inv-1"]);
    useTool(first, "call-1", "view_tasks", {});
    const next = await client.model.next();
    expect(userTexts(next)).toEqual(["first", "rather blue"]);
    const start = await watcher.until(({ event }) => event.type === "TEXT_MESSAGE_START" && event.role === "user");
    expect(start.event).toMatchObject({ role: "user" });

    next.text("I was ");
    await watcher.until(({ event }) => "delta" in event && event.delta === "I was ");
    await client.post("busy/runs", { message: "start over", on_busy: "replace", invocation_id: "inv-5" });
    expect(userTexts(await client.say("over"))).toEqual(["first", "rather blue", "start over"]);
    await client.eventsOf("busy", "inv-5");
    const statuses = (await client.listRuns("busy")).map(({ invocation_id, status }) => [invocation_id, status]);
    expect(Object.fromEntries(statuses)).toEqual({ "inv-1": "cancelled", "inv-2": "cancelled", "inv-5": "completed" });
    expect((await watcher.ended) === "closed" && watcher.frames.at(-1)?.event).toMatchObject({
      type: "RUN_FINISHED",
      outcome: { type: "cancelled" },
    });
  });

  it("that would steer becomes a run of its own where the run has no step left", async () => {
    await client.post("late/runs", { message: "first", invocation_id: "inv-1", max_steps: 1 });
    const first = await client.model.next();
    await client.post("late/runs", { message: "too late", on_busy: "steer", invocation_id: "inv-2" });
    useTool(first, "call-1", "view_tasks", {});
    expect(userTexts(await client.say("not lost"))).toEqual(["first", "too late"]);
    await client.eventsOf("late", "inv-2");
    expect((await client.readRun("late", "inv-1")).status).toBe("failed");
    expect(await client.readRun("late", "inv-2")).toMatchObject({ status: "completed", result: { text: "not lost" } });
  });

  for (const on_busy of ["reject", "replace", "steer"]) {
    it(`is a plain run with ${on_busy} where nothing runs`, async () => {
      const waiting = client.post(`idle-${on_busy}/runs?wait=1`, { message: "hello", on_busy });
      await client.say("hi");
      expect(await waiting).toMatchObject({ status: 200, body: { status: "completed" } });
    });
  }
});
