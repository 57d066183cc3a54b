// What people are told when the model or the sandbox fails, or a setting is missing: always an end, with a code and a
// sentence that helps; never silence, never a key.
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ThreadEvent } from "../../src/protocol/event.ts";
import type { MessageRow } from "../../src/protocol/message.ts";
import type { Run } from "../../src/protocol/run.ts";
import { startTaskloom, type Taskloom } from "./harness.ts";
import { type PuppetModel, startPuppetModel } from "./puppet-model.ts";
import { checkFrames, openReader, readConversation, retell } from "./stream-reader.ts";

let taskloom: Taskloom;
let puppet: PuppetModel;
let deadUrl: string;

beforeAll(async () => {
  puppet = await startPuppetModel();
  // A port that was free a moment ago: nobody answers there.
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  deadUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  server.close();
  taskloom = await startTaskloom({ DAYTONA_API_URL: `${deadUrl}/api` });
});
afterAll(async () => {
  await taskloom.close();
  await puppet.close();
});

/** Starts the Worker again with other settings; null takes one away. */
async function configure(settings: Record<string, string | null>): Promise<void> {
  await taskloom.server.update(({ workers, ...options }) => ({
    ...options,
    workers: workers.map((worker) => {
      const { secrets = {} } = worker as { secrets?: Record<string, string> };
      const merged = Object.entries({ ...secrets, ...settings }).filter(([, value]) => value !== null);
      return { ...worker, secrets: Object.fromEntries(merged) as Record<string, string> };
    }),
  }));
}

interface Ending {
  run: Run;
  events: ThreadEvent[];
}

let threads = 0;

/** A run that is watched to its end; what every end must have is checked here. */
async function runToEnd(message: string, body: Record<string, unknown> = {}): Promise<Ending> {
  const path = `/v1/threads/failing-${threads++}`;
  const reader = await openReader(taskloom, `${path}/runs`, { method: "POST", body: { message, ...body } });
  expect(await reader.ended).toBe("closed");
  checkFrames(reader.frames);
  const events = reader.frames.map(({ event }) => event);
  const { data } = await taskloom.json<{ data: Run[] }>("GET", `${path}/runs`);
  const [run] = data;
  if (run === undefined) throw new Error("the run is not in D1");
  const rows = await taskloom.json<{ data: MessageRow[] }>("GET", `${path}/messages?type=status`);
  if (run.status === "failed") {
    expect(events.at(-1)).toEqual({ type: "RUN_ERROR", code: run.error?.code, message: run.error?.message });
    expect(rows.data.map(({ content }) => content)).toMatchObject([{ status: "failed", error: run.error }]);
    expect(run.error?.message).toMatch(/^[A-Z].{20,}[.!]$/s);
  }
  expect(JSON.stringify([events, run, rows])).not.toMatch(/model-key|sandbox-key|first-key/);
  return { run, events };
}

function retries(events: ThreadEvent[]): number[] {
  return events.flatMap((event) =>
    event.type === "CUSTOM" && event.name === "model_retry" ? [event.value.after_ms] : [],
  );
}

describe("a model or a sandbox that fails", () => {
  it("ends the run as failed, after retries where they might help", async () => {
    const command = '[[tool execute_command {"command":"echo hi"}]]';
    const cases: [hooks: string, code: string, retries: number, message: RegExp][] = [
      ["[[status 500]]", "model_error", 4, /5 attempts.*\(500\)/],
      ["[[status 429 retry-after 1]]", "model_error", 4, /5 attempts.*how often.*\(429\)/],
      ["[[cut after 3]] [[say 20]]", "model_error", 4, /5 attempts.*cut|broke off/],
      ["[[bad json]]", "model_error", 4, /5 attempts.*not JSON/],
      ["[[status 401]]", "model_error", 0, /API key \(401\).*OPENAI_API_KEY/],
      ["[[status 404]]", "model_error", 0, /OPENAI_MODEL/],
      ["[[status 400]]", "model_error", 0, /longer than the model can read/],
      ["[[empty]]", "model_error", 0, /nothing, twice/],
      // The one of this server is at an address where nobody answers.
      [command, "sandbox_error", 0, /sandbox|Daytona/],
    ];
    await Promise.all(
      cases.map(async ([hooks, code, count, message]) => {
        const { run, events } = await runToEnd(hooks);
        expect([hooks, run.status, run.error?.code]).toEqual([hooks, "failed", code]);
        expect(run.error?.message).toMatch(message);
        const waits = retries(events);
        expect([hooks, waits.length]).toEqual([hooks, count]);
        if (hooks.includes("retry-after")) for (const wait of waits) expect(wait).toBeGreaterThanOrEqual(1000);
        if (hooks === command) expect(events.some(({ type }) => type === "TOOL_CALL_RESULT")).toBe(true);
      }),
    );
    // A sandbox that is away hinders no run that needs none.
    expect((await runToEnd("[[say 3]]")).run.status).toBe("completed");
  });
});

describe("a model that fails", () => {
  it("and recovers is asked again: void text is taken back, and the thread goes on", async () => {
    await configure({ OPENAI_BASE_URL: puppet.baseUrl });
    const path = "/v1/threads/recovers/runs";
    const reader = await openReader(taskloom, path, {
      method: "POST",
      body: { message: "hello", invocation_id: "inv-1" },
    });
    (await puppet.next()).refuse(429, { "retry-after-ms": "20" });
    const cut = await puppet.next();
    cut.text("void words");
    await reader.until(({ event }) => event.type === "TEXT_MESSAGE_CONTENT");
    cut.cut();
    const last = await puppet.next();
    last.text("words that stay");
    last.finish();
    expect(await reader.ended).toBe("closed");
    checkFrames(reader.frames);
    const events = reader.frames.map(({ event }) => event);
    expect(retries(events)).toHaveLength(2);
    const { messages } = await retell(events);
    expect(messages).toEqual(await readConversation(taskloom, "recovers"));
    expect(JSON.stringify(messages)).not.toContain("void words");
    expect(events.at(-1)).toMatchObject({ type: "RUN_FINISHED", result: { text: "words that stay" } });
  });

  it("in one run is no hindrance to the next", async () => {
    const first = runToEnd("hello");
    (await puppet.next()).refuse(403);
    expect((await first).run).toMatchObject({ status: "failed", error: { code: "model_error" } });
    const next = taskloom.json<Run>("POST", `/v1/threads/failing-${threads - 1}/runs?wait=1`, { message: "again" });
    const call = await puppet.next();
    call.text("fine");
    call.finish();
    expect(await next).toMatchObject({ status: "completed", result: { text: "fine" } });
  });

  it("and quotes keys gives none of them away", async () => {
    const failing = runToEnd("hello");
    const message = "Incorrect API key provided: model-key. Bearer model-key; sk-abcdefghijklmnop";
    (await puppet.next()).refuse(401, {}, message);
    const { run } = await failing;
    expect(run.error?.message).not.toMatch(/sk-abc|Bearer model/);
  });
});

describe("a setting that is missing", () => {
  it("of the model is named by the run that fails", async () => {
    await configure({ OPENAI_BASE_URL: taskloom.model.baseUrl, OPENAI_API_KEY: null });
    const { run } = await runToEnd("hello");
    expect(run).toMatchObject({ status: "failed", error: { code: "model_error" } });
    expect(run.error?.message).toContain("OPENAI_API_KEY");
  });

  it("of the sandbox is named to the model and the person", async () => {
    await configure({ OPENAI_API_KEY: "model-key", DAYTONA_API_KEY: null });
    const { run, events } = await runToEnd('[[tool execute_command {"command":"echo hi"}]]');
    expect(run).toMatchObject({ status: "failed", error: { code: "sandbox_error" } });
    expect(run.error?.message).toContain("DAYTONA_API_KEY");
    expect(events.find(({ type }) => type === "TOOL_CALL_RESULT")).toMatchObject({
      content: expect.stringContaining("DAYTONA_API_KEY"),
    });
  });

  it("of the first key closes the server, which says why, but for what is open", async () => {
    await configure({ ADMIN_API_KEY: null });
    for (const [method, path] of [
      ["GET", "/v1/threads"],
      ["POST", "/v1/users"],
      ["POST", "/ag-ui"],
      ["POST", "/v1/threads/t/runs"],
    ] as const) {
      const answer = await taskloom.request(method, path, method === "POST" ? { message: "hi" } : undefined);
      const body = (await answer.json()) as { code: string; detail: string };
      expect([path, answer.status, body.code]).toEqual([path, 503, "not_configured"]);
      expect(body.detail).toContain("ADMIN_API_KEY");
    }
    expect((await taskloom.request("GET", "/healthz")).status).toBe(200);
    expect((await taskloom.request("GET", "/openapi.json")).status).toBe(200);
  });
});
