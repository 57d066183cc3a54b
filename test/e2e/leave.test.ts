// Runs that are cancelled when their client has left, over TCP and through every route that streams: nothing is written
// while the client is away, so that only the server's own pings can tell.
import { HttpAgent } from "@ag-ui/client";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { ModelCall } from "./puppet-model.ts";
import { type RunsClient, startRunsClient } from "./runs-client.ts";
import { openReader } from "./stream-reader.ts";

let client: RunsClient;
let sorted: Promise<void>;

beforeAll(async () => {
  client = await startRunsClient();
  sorted = sortCalls(6);
});
afterAll(async () => {
  await sorted;
  await client.close();
});

const isText = ({ event }: { event: { type: string } }) => event.type === "TEXT_MESSAGE_CONTENT";

/** Tests run at the same time: each has its own model call, named by its message. */
const calls = new Map<string, PromiseWithResolvers<ModelCall>>();

function callOf(message: string): Promise<ModelCall> {
  const found = calls.get(message) ?? Promise.withResolvers<ModelCall>();
  calls.set(message, found);
  return found.promise;
}

async function sortCalls(count: number): Promise<void> {
  for (let taken = 0; taken < count; taken++) {
    const call = await client.model.next();
    const message = String(call.messages.at(-1)?.content);
    void callOf(message);
    calls.get(message)?.resolve(call);
  }
}

async function untilStatus(thread: string, run: string, status: string): Promise<void> {
  const look = async () => (await client.readRun(thread, run)).status === status;
  await vi.waitUntil(look, { timeout: 60_000, interval: 100 });
}

describe.concurrent("a run with on_disconnect: cancel", () => {
  it("ends after an AG-UI client has aborted its request, with the text so far", async ({ expect }) => {
    const headers = { authorization: `Bearer ${client.taskloom.key}` };
    const agent = new HttpAgent({ url: `${client.taskloom.url}/ag-ui`, threadId: "left-ag-ui", headers });
    agent.messages = [{ id: "left-m", role: "user", content: "of ag-ui" }];
    const heard = new Promise<void>((resolve) => {
      const subscriber = { onTextMessageContentEvent: () => resolve() };
      const forwardedProps = { on_disconnect: "cancel" };
      agent.runAgent({ runId: "inv-1", forwardedProps }, subscriber).catch(() => {});
    });
    (await callOf("of ag-ui")).text("so far");
    await heard;
    agent.abortRun();
    await untilStatus("left-ag-ui", "inv-1", "cancelled");
    const texts = (await client.listMessages("left-ag-ui")).map(({ content }) => JSON.stringify(content));
    expect(texts.some((text) => text.includes("so far"))).toBe(true);
  });

  it("ends after its last reader has left, and continues while another reads the thread", async ({ expect }) => {
    const path = "/v1/threads/left-run/runs?on_disconnect=cancel";
    const body = { message: "of run", invocation_id: "inv-1" };
    const [first, second] = [
      await openReader(client.taskloom, path, { method: "POST", body }),
      await openReader(client.taskloom, "/v1/threads/left-run/events"),
    ];
    (await callOf("of run")).text("so far");
    await Promise.all([first.until(isText), second.until(isText)]);
    first.leave();
    // Longer than an absent reader is waited for.
    await second.untilText((text) => text.split(": ping\n").length > 8);
    expect(await client.readRun("left-run", "inv-1")).toMatchObject({ status: "running" });
    second.leave();
    await untilStatus("left-run", "inv-1", "cancelled");
  });

  it("is known to have lost a reader with the first write that does not arrive, and not with the third", async ({
    expect,
  }) => {
    const watch = async (thread: string, leave: () => void) => {
      const other = await openReader(client.taskloom, `/v1/threads/${thread}/events`);
      const readers = async () =>
        (await client.taskloom.json<{ readers: number }>("GET", `/v1/threads/${thread}/diagnostics`)).readers;
      expect(await readers()).toBe(2);
      const pings = () => other.text.split(": ping\n").length - 1;
      const before = pings();
      leave();
      await vi.waitUntil(async () => (await readers()) === 1, { timeout: 60_000, interval: 50 });
      const taken = pings() - before;
      other.leave();
      return taken;
    };
    const start = async (thread: string, method: string, path: string, body: object) => {
      const reader = await openReader(client.taskloom, path, { method, body });
      (await callOf(thread)).text("so far");
      await reader.until(isText);
      return await watch(thread, () => reader.leave());
    };
    const cancels = "on_disconnect=cancel";
    const ofAgUi = {
      threadId: "known-ag-ui",
      runId: "inv-1",
      messages: [{ id: "m", role: "user", content: "known-ag-ui" }],
    };
    const rest = { state: {}, tools: [], context: [], forwardedProps: {} };
    const counts = await Promise.all([
      start("known-run", "POST", `/v1/threads/known-run/runs?${cancels}`, {
        message: "known-run",
        invocation_id: "inv-1",
      }),
      start("known-ag-ui", "POST", `/ag-ui?${cancels}`, { ...ofAgUi, ...rest }),
    ]);
    for (const count of counts) expect(count).toBeLessThan(3);
    await Promise.all(["known-run", "known-ag-ui"].map((thread) => untilStatus(thread, "inv-1", "cancelled")));
  });

  it("takes the agent's setting, and a request that says otherwise continues", async ({ expect }) => {
    await client.taskloom.json("POST", "/v1/agents", { agent_id: "leaver", name: "x", on_disconnect: "cancel" });
    const start = async (thread: string, more: object) => {
      await client.post(`${thread}/runs`, { message: thread, invocation_id: "inv-1", agent_id: "leaver", ...more });
      const reader = await openReader(client.taskloom, `/v1/threads/${thread}/runs/inv-1/events`);
      (await callOf(thread)).text("so far");
      await reader.until(isText);
      reader.leave();
    };
    await Promise.all([start("left-agent", {}), start("left-stays", { on_disconnect: "continue" })]);
    await untilStatus("left-agent", "inv-1", "cancelled");
    expect(await client.readRun("left-stays", "inv-1")).toMatchObject({ status: "running" });
    (await callOf("left-stays")).finish();
    await untilStatus("left-stays", "inv-1", "completed");
  });
});

it("refuses two different wishes, and an unknown one", async () => {
  const twice = await client.post("left-twice/runs?on_disconnect=cancel", { message: "x", on_disconnect: "continue" });
  expect([twice.status, twice.body.code]).toEqual([400, "invalid_field"]);
  const unknown = await client.post("left-twice/runs", { message: "x", on_disconnect: "pause" });
  expect([unknown.status, unknown.body.code]).toEqual([400, "invalid_field"]);
});
