// What people receive when the model or the sandbox fails, or a setting is missing: always an end, with a code and a
// helpful sentence; never silence, never a key. Every model fault is in the model-faults files.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Run } from "../../src/protocol/run.ts";
import { findFreePort } from "../setup/started-server.ts";
import { startTaskloom, type Taskloom } from "./harness.ts";
import { type PuppetModel, startPuppetModel } from "./puppet-model.ts";
import { checkFrames, openReader, readAsClient, readConversation } from "./stream-reader.ts";
import { retries, runToEnd } from "./watched-run.ts";

let taskloom: Taskloom;
let configured: Record<string, string>;
let puppet: PuppetModel;
let deadUrl: string;

beforeAll(async () => {
  puppet = await startPuppetModel();
  // Nobody listens there, nor gets this port from the system.
  deadUrl = `http://127.0.0.1:${await findFreePort()}`;
  taskloom = await startTaskloom({ DAYTONA_API_URL: `${deadUrl}/api` });
  configured = { ...taskloom.settings };
});
afterAll(async () => {
  await taskloom.close();
  await puppet.close();
});

/** Starts the Worker again with other settings, which stay for later tests; null removes one. */
async function configure(settings: Record<string, string | null>): Promise<void> {
  for (const [name, value] of Object.entries(settings)) {
    if (value === null) delete configured[name];
    else configured[name] = value;
  }
  await taskloom.runtime.restart(configured);
}

describe("a sandbox that fails", () => {
  it("ends the run that needs it as failed, and hinders none that does not", async () => {
    // This server's sandbox is at an address where nobody listens.
    const { run, events } = await runToEnd(taskloom, '[[tool execute_command {"command":"echo hi"}]]');
    expect([run.status, run.error?.code]).toEqual(["failed", "sandbox_error"]);
    expect(run.error?.message).toMatch(/sandbox|Daytona/);
    expect(retries(events)).toEqual([]);
    expect(events.some(({ type }) => type === "TOOL_CALL_RESULT")).toBe(true);
    expect((await runToEnd(taskloom, "[[say 3]]")).run.status).toBe("completed");
  });
});

describe("a model that fails", () => {
  it("and recovers is called again: void text is taken back, and the thread continues", async () => {
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
    const { messages } = await readAsClient(events);
    expect(messages).toEqual(await readConversation(taskloom, "recovers"));
    expect(JSON.stringify(messages)).not.toContain("void words");
    expect(events.at(-1)).toMatchObject({ type: "RUN_FINISHED", result: { text: "words that stay" } });
  });

  it("in one run does not hinder the next", async () => {
    const first = runToEnd(taskloom, "hello");
    (await puppet.next()).refuse(403);
    const { run, thread } = await first;
    expect(run).toMatchObject({ status: "failed", error: { code: "model_error" } });
    const next = taskloom.json<Run>("POST", `/v1/threads/${thread}/runs?wait=1`, { message: "again" });
    const call = await puppet.next();
    call.text("fine");
    call.finish();
    expect(await next).toMatchObject({ status: "completed", result: { text: "fine" } });
  });

  it("and quotes keys exposes none of them", async () => {
    const failing = runToEnd(taskloom, "hello");
    const message = "Incorrect API key provided: model-key. Bearer model-key; sk-abcdefghijklmnop";
    (await puppet.next()).refuse(401, {}, message);
    const { run } = await failing;
    expect(run.error?.message).not.toMatch(/sk-abc|Bearer model/);
  });
});

describe("a setting that is missing", () => {
  it("of the model is named by the run that fails", async () => {
    await configure({ OPENAI_BASE_URL: taskloom.model.baseUrl, OPENAI_API_KEY: null });
    const { run } = await runToEnd(taskloom, "hello");
    expect(run).toMatchObject({ status: "failed", error: { code: "model_error" } });
    expect(run.error?.message).toContain("OPENAI_API_KEY");
  });

  it("of the sandbox is named to the model and the person", async () => {
    await configure({ OPENAI_API_KEY: "model-key", DAYTONA_API_KEY: null });
    const { run, events } = await runToEnd(taskloom, '[[tool execute_command {"command":"echo hi"}]]');
    expect(run).toMatchObject({ status: "failed", error: { code: "sandbox_error" } });
    expect(run.error?.message).toContain("DAYTONA_API_KEY");
    expect(events.find(({ type }) => type === "TOOL_CALL_RESULT")).toMatchObject({
      content: expect.stringContaining("DAYTONA_API_KEY"),
    });
  });

  it("of the first key closes the server except for public routes, and the server says why", async () => {
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
