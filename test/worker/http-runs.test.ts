// Runs and streams: what the routes pass to a thread's object, and how they answer.
import { env } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { diagnostics } from "../../src/http/examples.ts";
import type { MessageBody } from "../../src/protocol/message.ts";
import { syncThread } from "../../src/store/sync.ts";
import { createClient } from "./http-client.ts";
import { at } from "./http-fake-threads.ts";

const RUNS = "/v1/threads/thread-001/runs";
const stream = { accept: "text/event-stream" };

describe("starting a run", () => {
  it("answers 202 with the run and its location, also to a repeat", async () => {
    const client = createClient();
    const body = { message: "hi", invocation_id: "inv-001" };
    const first = await client.send("POST", RUNS, body);
    const second = await client.send("POST", RUNS, body);
    expect(first).toMatchObject({ status: 202, body: { invocation_id: "inv-001", thread_id: "thread-001" } });
    expect(first.headers.get("location")).toBe(`${RUNS}/inv-001`);
    expect([second.status, second.body]).toEqual([202, first.body]);
  });

  it("passes every field on, and makes the ids that are absent", async () => {
    const client = createClient();
    const parts = [
      { type: "text", text: "look" },
      { type: "image_url", image_url: { url: "data:image/png;base64,AA==" } },
    ];
    await client.send("POST", RUNS, {
      message: parts,
      message_id: "msg-001",
      agent_id: "agent_default",
      background: true,
      on_busy: "steer",
      model: "m",
      max_steps: 5,
      metadata: { a: 1 },
    });
    expect(client.threads.asked.at(-1)?.input).toEqual({
      user_id: "user_first",
      thread_id: "thread-001",
      invocation_id: expect.stringMatching(/^inv_[0-9a-z]{26}$/),
      key_id: "admin_key",
      messages: [{ message_id: "msg-001", content: parts }],
      tool_results: [],
      resume: null,
      agent_id: "agent_default",
      model: "m",
      max_steps: 5,
      metadata: { a: 1 },
      background: true,
      on_busy: "steer",
      client_tools: [],
      context: [],
    });
  });

  it("passes a time zone on in its usual spelling, and refuses what is none", async () => {
    const client = createClient();
    await client.send("POST", RUNS, { message: "hi", time_zone: "europe/berlin" });
    expect(client.threads.asked.at(-1)?.input).toMatchObject({ time_zone: "Europe/Berlin" });
    for (const time_zone of ["Mars/Phobos", "+02:00", "", "Europe/Berlin</environment>", 7, "x".repeat(300)]) {
      const answer = await client.send("POST", RUNS, { message: "hi", time_zone });
      expect(answer).toMatchObject({ status: 400, body: { code: "invalid_field" } });
      expect(answer.body.detail).toContain("time_zone");
    }
  });

  it("takes its id from Idempotency-Key, and refuses two that differ", async () => {
    const client = createClient();
    const key = { "idempotency-key": "key-1" };
    expect((await client.send("POST", RUNS, { message: "hi" }, key)).body.invocation_id).toBe("key-1");
    expect((await client.send("POST", RUNS, { message: "hi", invocation_id: "key-1" }, key)).status).toBe(202);
    for (const body of [{ message: "hi", invocation_id: "key-2" }]) {
      expect(await client.send("POST", RUNS, body, key)).toMatchObject({
        status: 400,
        body: { code: "invalid_field" },
      });
    }
    const wrong = await client.send("POST", RUNS, { message: "hi" }, { "idempotency-key": "a b" });
    expect(wrong).toMatchObject({ status: 400, body: { code: "invalid_field" } });
  });

  it("waits for the end with ?wait=1, for five minutes at most", async () => {
    const client = createClient();
    const waited = await client.send("POST", `${RUNS}?wait=1`, { message: "hi" });
    expect(waited).toMatchObject({ status: 200, body: { status: "completed" } });
    expect(client.threads.asked.at(-1)).toMatchObject({ method: "waitForEnd", input: { timeout: 300_000 } });
    const atOnce = await client.send("POST", `${RUNS}?wait=0`, { message: "hi" });
    expect(atOnce.status).toBe(202);
  });

  it("streams the object's bytes unchanged if the client accepts a stream", async () => {
    const client = createClient();
    for (const accept of ["text/event-stream", "application/json;q=0.5, Text/Event-Stream ; q=0.9"]) {
      const answer = await client.send("POST", RUNS, { message: "hi" }, { accept });
      expect(answer.text).toBe('retry: 1000\nid: 1\ndata: {"type":"RUN_STARTED"}\n\n');
      expect(answer.headers.get("content-type")).toBe("text/event-stream");
      expect(answer.headers.get("cache-control")).toBe("no-cache, no-transform");
      expect(answer.headers.get("x-accel-buffering")).toBe("no");
      expect(answer.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
    }
    expect(client.threads.asked).toMatchObject([{ url: "https://thread/runs" }, { url: "https://thread/runs" }]);
    for (const accept of ["*/*", "application/json", "text/event-stream;q=0"]) {
      expect((await client.send("POST", RUNS, { message: "hi" }, { accept })).status).toBe(202);
    }
  });

  it("streams at a path of its own, whatever the client accepts, and waits for nothing there", async () => {
    const client = createClient();
    for (const accept of ["application/json", "*/*", ""]) {
      const answer = await client.send("POST", `${RUNS}/stream`, { message: "hi" }, { accept });
      expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
      expect(answer.text).toContain('"type":"RUN_STARTED"');
    }
    const refused = await client.send("POST", `${RUNS}/stream?wait=1`, { message: "hi" });
    expect(refused).toMatchObject({ status: 400, body: { code: "unknown_field" } });
  });

  it("answers with status and code of the object's refusals, streamed or not", async () => {
    const client = createClient();
    for (const headers of [{}, stream]) {
      client.threads.next = { failure: { code: "busy", detail: "A run is active." } };
      const answer = await client.send("POST", RUNS, { message: "hi", on_busy: "reject" }, headers);
      expect(answer).toMatchObject({ status: 409, body: { code: "busy", detail: "A run is active." } });
    }
  });

  it("calls an object again if it was reset during the call, and in no other case", async () => {
    const client = createClient();
    client.threads.next = { error: Object.assign(new Error("reset"), { retryable: true }) };
    expect((await client.send("POST", RUNS, { message: "hi" })).status).toBe(202);
    for (const marks of [{}, { retryable: true, overloaded: true }]) {
      client.threads.next = { error: Object.assign(new Error("failed"), marks) };
      expect((await client.send("POST", RUNS, { message: "hi" })).status).toBe(500);
    }
  });
});

describe("a run", () => {
  it("is read, listed and cancelled", async () => {
    const client = await createClient().addUser("user_of_runs");
    await client.send("POST", RUNS, { message: "hi", invocation_id: "inv-001" });
    expect((await client.send("GET", `${RUNS}/inv-001`)).body.invocation_id).toBe("inv-001");
    expect((await client.send("GET", RUNS)).body).toMatchObject({
      data: [{ invocation_id: "inv-001" }],
      next_cursor: null,
    });
    expect((await client.send("POST", `${RUNS}/inv-001/cancel`)).status).toBe(200);
    for (const path of [`${RUNS}/nothing`, "/v1/threads/nothing/runs"]) {
      expect((await client.send("GET", path)).status).toBe(404);
    }
  });

  it("that was interrupted is resumed by a new run", async () => {
    const client = createClient();
    await client.send("POST", RUNS, { message: "hi", invocation_id: "inv-001" });
    const answer = {
      resume: [{ interrupt_id: "int-1", status: "resolved", payload: "blue" }],
      invocation_id: "inv-002",
    };
    const early = await client.send("POST", `${RUNS}/inv-001/resume`, answer);
    expect(early).toMatchObject({ status: 422, body: { code: "invalid_operation" } });
    const question = { reason: "question", message: "which?", tool_call_id: "call-1" } as const;
    const interrupts = [{ id: "int-1", ...question, response_schema: {}, expires_at: null }];
    const asking = { status: "interrupted", interrupts } as const;
    await client.threads.end({ user_id: "user_first", thread_id: "thread-001" }, "inv-001", asking);
    const ofAnother = { resume: [{ ...answer.resume[0], interrupt_id: "int-2" }] };
    expect(await client.send("POST", `${RUNS}/inv-001/resume`, ofAnother)).toMatchObject({
      status: 409,
      body: { code: "interrupt_answered" },
    });
    const resumed = await client.send("POST", `${RUNS}/inv-001/resume`, answer);
    expect(resumed).toMatchObject({ status: 202, body: { invocation_id: "inv-002" } });
    expect(client.threads.asked.at(-1)?.input).toMatchObject({ messages: [], resume: answer.resume });
    expect((await client.send("POST", `${RUNS}/inv-001/resume`, { resume: [] })).status).toBe(400);
  });

  it("with as many interrupts as one message of a model can ask takes all answers at once", async () => {
    const client = createClient();
    await client.send("POST", RUNS, { message: "hi", invocation_id: "inv-001" });
    const question = { reason: "question", message: "which?", tool_call_id: "call-1" } as const;
    const ids = Array.from({ length: 256 }, (_, place) => `int-${place}`);
    const interrupts = ids.map((id) => ({ id, ...question, response_schema: {}, expires_at: null }));
    const asking = { status: "interrupted", interrupts } as const;
    await client.threads.end({ user_id: "user_first", thread_id: "thread-001" }, "inv-001", asking);
    const cancelled = ids.map((interrupt_id) => ({ interrupt_id, status: "cancelled" }));
    expect((await client.send("POST", `${RUNS}/inv-001/resume`, { resume: cancelled })).status).toBe(202);
  });
});

describe("events", () => {
  it("are requested after the header's number, else after the query's, else from the start", async () => {
    const client = createClient();
    const asked = async (path: string, headers: Record<string, string> = {}) => {
      await client.send("GET", path, undefined, headers);
      return new URL(client.threads.asked.at(-1)?.url ?? "").search;
    };
    const who = "?user_id=user_first&thread_id=thread-001&may_end=1";
    expect(await asked("/v1/threads/thread-001/events")).toBe(who);
    expect(await asked("/v1/threads/thread-001/events?after=7")).toBe(`${who}&after=7`);
    const both = await asked(`${RUNS}/inv-001/events?after=7`, { "last-event-id": "9" });
    expect(both).toBe(`${who}&invocation_id=inv-001&after=9`);
    const huge = await asked("/v1/threads/thread-001/events?after=99999999999999999999");
    expect(huge).toBe(`${who}&after=${Number.MAX_SAFE_INTEGER}`);
  });

  it("open no reader for a HEAD", async () => {
    const client = createClient();
    const answer = await client.send("HEAD", "/v1/threads/thread-001/events");
    expect([answer.status, answer.text, client.threads.asked]).toEqual([200, "", []]);
  });
});

describe("threads and projects", () => {
  it("are made, changed, listed and deleted", async () => {
    const client = await createClient().addUser("user_resources");
    const project = await client.send("POST", "/v1/projects", { name: "Shop", sandbox: { snapshot: "s" } });
    expect(project).toMatchObject({ status: 201, body: { name: "Shop", git: null, sandbox: { snapshot: "s" } } });
    const { project_id } = project.body;
    expect(project.headers.get("location")).toBe(`/v1/projects/${project_id}`);
    const changed = await client.send("PATCH", `/v1/projects/${project_id}`, { sandbox: null });
    expect(changed).toMatchObject({ status: 200, body: { name: "Shop", sandbox: null } });
    const thread = await client.send("POST", "/v1/threads", { project_id, metadata: { a: 1 } });
    expect(thread).toMatchObject({ status: 201, body: { project_id, metadata: { a: 1 }, agent_id: "agent_default" } });
    const path = `/v1/threads/${thread.body.thread_id}`;
    expect((await client.send("PATCH", path, { title: "New" })).body.title).toBe("New");
    expect((await client.send("GET", path)).body.title).toBe("New");
    expect((await client.send("GET", `${path}/messages`)).body).toEqual({ data: [], next_cursor: null });
    expect((await client.send("GET", `${path}/tasks`)).body).toMatchObject({ version: 0, next_task: null });
    expect((await client.send("GET", `${path}/diagnostics`)).body).toEqual(diagnostics);
    expect((await client.send("DELETE", path)).status).toBe(204);
    expect((await client.send("DELETE", path)).status).toBe(404);
    expect((await client.send("GET", path)).status).toBe(404);
  });

  it("list messages of the requested types, and refuse unknown types", async () => {
    const client = await createClient().addUser("user_types");
    const key = { user_id: "user_types", thread_id: "t" };
    await client.send("POST", "/v1/threads", { thread_id: "t" });
    const bodies: MessageBody[] = [
      { type: "user", content: { role: "user", content: "hi" } },
      { type: "assistant", content: { role: "assistant", content: "hello" } },
      { type: "task_list", content: { sections: [], tasks: [] } },
    ];
    const messages = bodies.map((body, index) => ({
      message_id: `msg_${index}`,
      ...key,
      project_id: "p",
      invocation_id: null,
      agent_id: null,
      is_llm_message: body.type !== "task_list",
      metadata: {},
      seq: index + 1,
      created_at: at,
      version: 1,
      ...body,
    }));
    await syncThread(env.DB, { key, project: null, thread: null, messages, runs: [] });
    const typesOf = async (query: string) =>
      (await client.send("GET", `/v1/threads/t/messages${query}`)).body.data?.map(({ type }) => type);
    expect(await typesOf("")).toEqual(["user", "assistant", "task_list"]);
    expect(await typesOf("?type=user,task_list")).toEqual(["user", "task_list"]);
    expect(await typesOf("?after=msg_0&limit=1")).toEqual(["assistant"]);
    for (const query of ["?type=user,nonsense", "?type="]) {
      const answer = await client.send("GET", `/v1/threads/t/messages${query}`);
      expect(answer).toMatchObject({ status: 400, body: { code: "invalid_field" } });
    }
  });

  it("that only D1 knows are deleted there", async () => {
    const client = await createClient().addUser("user_lost");
    const key = { user_id: "user_lost", thread_id: "lost" };
    const thread = {
      ...key,
      project_id: "p",
      title: null,
      agent_id: "a",
      metadata: {},
      created_at: at,
      updated_at: at,
    };
    await syncThread(env.DB, { key, project: null, thread: { ...thread, version: 1 }, messages: [], runs: [] });
    expect((await client.send("DELETE", "/v1/threads/lost")).status).toBe(204);
    expect((await client.send("GET", "/v1/threads")).body.data).toEqual([]);
  });

  it("are refused with an id that is taken", async () => {
    const client = await createClient().addUser("user_taken");
    for (const [path, body] of [
      ["projects", { project_id: "x", name: "X" }],
      ["threads", { thread_id: "x" }],
      ["agents", { agent_id: "x", name: "X" }],
    ] as const) {
      expect((await client.send("POST", `/v1/${path}`, body)).status).toBe(201);
      expect(await client.send("POST", `/v1/${path}`, body)).toMatchObject({
        status: 409,
        body: { code: "already_exists" },
      });
    }
  });

  it("refuse a git address that carries a password or is no web address", async () => {
    const client = createClient();
    for (const url of ["https://a:b@host/x", "file:///etc", "ssh://git@host/x", "nonsense"]) {
      const answer = await client.send("POST", "/v1/projects", { name: "P", git: { url } });
      expect(answer).toMatchObject({
        status: 400,
        body: { code: "invalid_field", detail: expect.stringMatching(/^git\.url: /) },
      });
    }
  });

  it("refuse a folder or branch of the repository that no clone can have", async () => {
    const client = createClient();
    for (const [field, value] of Object.entries({ path: "../elsewhere", branch: "--upload-pack=x" })) {
      const git = { url: "https://github.com/a/b", [field]: value };
      const body = { code: "invalid_field", detail: expect.stringMatching(`^git\\.${field}: `) };
      expect(await client.send("POST", "/v1/projects", { name: "P", git })).toMatchObject({ status: 400, body });
    }
  });

  it("are deleted together: a project takes its many threads along, each through its object", async () => {
    const client = await createClient().addUser("user_many");
    await client.send("POST", "/v1/projects", { project_id: "p", name: "P" });
    for (let index = 0; index < 45; index++) await client.send("POST", "/v1/threads", { project_id: "p" });
    await client.send("POST", "/v1/threads", { thread_id: "other" });
    expect((await client.send("DELETE", "/v1/projects/p")).status).toBe(204);
    const left = await client.send("GET", "/v1/threads");
    expect(left.body.data?.map(({ thread_id }) => thread_id)).toEqual(["other"]);
    expect(client.threads.asked.filter(({ method }) => method === "remove")).toHaveLength(45);
  });
});

describe("agents", () => {
  it("get a version for each change, and defaults only when they are made", async () => {
    const client = await createClient().addUser("user_agents_http");
    const made = await client.send("POST", "/v1/agents", { agent_id: "a", name: "A", max_steps: 9 });
    expect(made).toMatchObject({ status: 201, body: { version: 1, max_steps: 9, plan_order: "strict", model: null } });
    const changed = await client.send("PATCH", "/v1/agents/a", { plan_order: "free" });
    expect(changed.body).toMatchObject({ version: 2, max_steps: 9, plan_order: "free", name: "A" });
    const versions = await client.send("GET", "/v1/agents/a/versions");
    expect(versions.body.data?.map(({ version, plan_order }) => [version, plan_order])).toEqual([
      [2, "free"],
      [1, "strict"],
    ]);
    expect((await client.send("DELETE", "/v1/agents/a")).status).toBe(204);
    expect((await client.send("GET", "/v1/agents/a")).status).toBe(404);
    const forever = await client.send("DELETE", "/v1/agents/agent_default");
    expect(forever).toMatchObject({ status: 422, body: { code: "invalid_operation" } });
  });
});
