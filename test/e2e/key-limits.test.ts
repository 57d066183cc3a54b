// A key with scopes and an expiry, over TCP and with all of `npm start`: what it may not do is refused, and what it has
// open ends within 15 s of its expiry.
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { json } from "node:stream/consumers";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { WebSocket } from "ws";
import { clientOf, type ServerClient } from "../setup/server-client.ts";
import { type PuppetModel, startPuppetModel } from "./puppet-model.ts";
import { type StartedTaskloom, startBeside } from "./started-taskloom.ts";
import { openReader } from "./stream-reader.ts";

const PROMISED_MS = 15_000;

interface Holder extends ServerClient {
  url: string;
  key: string;
  expires_at: string | null;
}

let model: PuppetModel;
let taskloom: StartedTaskloom;
let owner: Holder;

beforeAll(async () => {
  model = await startPuppetModel();
  taskloom = await startBeside(model.baseUrl);
  const { api_key } = await taskloom.json<{ api_key: string }>("POST", "/v1/users", { user_id: "user_ada" });
  owner = holderOf(api_key, null);
  await owner.json("POST", "/v1/projects", { project_id: "limits", name: "Limits" });
});

afterAll(async () => {
  await taskloom?.close();
  await model?.close();
});

function holderOf(key: string, expires_at: string | null): Holder {
  const { url } = taskloom;
  return { url, key, expires_at, ...clientOf({ url, key }) };
}

async function make(body: object): Promise<Holder> {
  const { key, expires_at } = await owner.json<{ key: string; expires_at: string | null }>(
    "POST",
    "/v1/api-keys",
    body,
  );
  return holderOf(key, expires_at);
}

async function startStalled(thread_id: string): Promise<void> {
  await owner.json("POST", `/v1/threads/${thread_id}/runs`, { message: "go" });
  (await model.next()).text("Half ");
}

it("a key that may only read watches a run, and can neither steer, answer nor cancel it", async () => {
  await startStalled("read");
  const reader = await make({ scopes: ["read"] });
  const stream = await openReader(reader, "/v1/threads/read/events", {});
  const { data } = await reader.json<{ data: { invocation_id: string }[] }>("GET", "/v1/threads/read/runs");
  const run = data[0]?.invocation_id;
  for (const [method, path, body] of [
    ["POST", "/v1/threads/read/runs", { message: "more", on_busy: "steer" }],
    ["POST", `/v1/threads/read/runs/${run}/cancel`, {}],
    ["POST", "/ag-ui", { threadId: "read", runId: "new", messages: [] }],
    ["PATCH", "/v1/threads/read/tasks", { operations: [] }],
    ["DELETE", "/v1/threads/read", undefined],
    ["POST", "/v1/projects/limits/sandbox/terminal", { session: "one" }],
  ] as const) {
    const answer = await reader.request(method, path, body);
    expect([method, path, answer.status]).toEqual([method, path, 403]);
    expect(await answer.json()).toMatchObject({ code: "forbidden", detail: expect.stringContaining("with the scope") });
  }
  const runner = await make({ scopes: ["run"] });
  expect((await runner.request("POST", `/v1/threads/read/runs/${run}/cancel`, {})).status).toBe(200);
  await stream.untilText((text) => /"type":"RUN_(FINISHED|ERROR)"/.test(text));
  stream.leave();
});

/** Such a key, as soon as it has a stream and a terminal. */
async function openBoth(expires_in_seconds: number) {
  const leaver = await make({ expires_in_seconds });
  const stream = await openReader(leaver, "/v1/threads/expiring/events", {});
  const { url } = await leaver.json<{ url: string }>("POST", "/v1/projects/limits/sandbox/terminal", {
    session: "two",
  });
  const socket = new WebSocket(url);
  const said: string[] = [];
  socket.on("message", (data, isBinary) => void (isBinary || said.push(String(data))));
  const closed = once(socket, "close").then(([code]) => ({ code: code as number, at: Date.now() }));
  await once(socket, "message");
  return { leaver, stream, socket, said, closed };
}

it("a key that expires loses its stream and its terminal within 15 s, and its owner loses none", async () => {
  await startStalled("expiring");
  const kept = await openReader(owner, "/v1/threads/expiring/events", {});
  // The sandbox is there from here on, and it is known how long this machine takes for the rest.
  const first = await openBoth(3_600);
  const began = Date.now();
  const second = await openBoth(3_600);
  for (const { stream, socket } of [first, second]) {
    stream.leave();
    socket.close();
  }
  const { leaver, stream, said, closed } = await openBoth(4 + Math.ceil((3 * (Date.now() - began)) / 1_000));
  const expired = Date.parse(leaver.expires_at ?? "");
  expect(Date.now()).toBeLessThan(expired);

  const cut = await stream.ended.then((how) => ({ how, at: Date.now() }));
  expect(cut.at).toBeGreaterThanOrEqual(expired);
  expect(cut.at - expired).toBeLessThan(PROMISED_MS);
  const { code, at } = await closed;
  expect([code, at - expired < PROMISED_MS, at >= expired]).toEqual([1008, true, true]);
  expect(said.at(-1)).toContain("The API key expired at");
  const refused = await leaver.request("GET", "/v1/threads");
  expect(refused.status).toBe(401);
  expect(await refused.json()).toMatchObject({ detail: `The API key expired at ${leaver.expires_at}.` });
  expect(await Promise.race([kept.ended, setTimeout(500, "open")])).toBe("open");
  kept.leave();
});

it("a key that expires during its upload leaves no file", async () => {
  const path = "/v1/projects/limits/sandbox/files";
  await owner.json("GET", `${path}?path=`);
  const leaver = await make({ expires_in_seconds: 4 });
  const expired = Date.parse(leaver.expires_at ?? "");
  const headers = { authorization: `Bearer ${leaver.key}` };
  const sent = request(`${leaver.url}${path}/content?path=late.txt`, { method: "PUT", headers });
  const answered = once(sent, "response") as Promise<[IncomingMessage]>;
  sent.write("first ");
  // Its last bytes come a second after the expiry, long before anybody would ask D1 for the key.
  await setTimeout(Math.max(0, expired + 1_000 - Date.now()));
  sent.end("last");
  const [answer] = await answered;
  expect(answer.statusCode).toBe(401);
  expect(await json(answer)).toMatchObject({ detail: `The API key expired at ${leaver.expires_at}.` });
  const { data } = await owner.json<{ data: { name: string }[] }>("GET", `${path}?path=`);
  expect(data.map(({ name }) => name)).not.toContain("late.txt");
});
