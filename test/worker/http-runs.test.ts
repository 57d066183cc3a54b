// Runs and streams: what the routes pass to a thread's object, and how they answer.
import { describe, expect, it } from "vitest";
import { createClient } from "./http-client.ts";

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
