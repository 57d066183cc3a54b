// A key is deleted while everything that it can open is open: all of it ends within 15 s, over TCP, and what another
// key of the same user opened continues. Uses the whole of `npm start`, because the harness can't make a WebSocket.
import { once } from "node:events";
import { type ClientRequest, type IncomingMessage, request } from "node:http";
import { setTimeout } from "node:timers/promises";
import { HttpAgent } from "@ag-ui/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { checkedFetch } from "../fakes/ag-ui-schemas.ts";
import { clientOf, type ServerClient } from "../setup/server-client.ts";
import { type PuppetModel, startPuppetModel } from "./puppet-model.ts";
import { type StartedTaskloom, startBeside } from "./started-taskloom.ts";
import { openReader, type StreamReader } from "./stream-reader.ts";

const PROMISED_MS = 15_000;
const FILE_BYTES = 96 * 1024 * 1024;
const sandbox = "/v1/projects/keys/sandbox";
const messages = { message: "go" };

interface Holder extends ServerClient {
  url: string;
  key: string;
}

let model: PuppetModel;
let taskloom: StartedTaskloom;
let leaver: Holder;
let stayer: Holder;
let key_id: string;

beforeAll(async () => {
  model = await startPuppetModel();
  taskloom = await startBeside(model.baseUrl);
  const { url } = taskloom;
  const { api_key } = await taskloom.json<{ api_key: string }>("POST", "/v1/users", { user_id: "user_ada" });
  stayer = { url, key: api_key, ...clientOf({ url, key: api_key }) };
  const made = await stayer.json<{ key: string; key_id: string }>("POST", "/v1/api-keys", { name: "another" });
  leaver = { url, key: made.key, ...clientOf({ url, key: made.key }) };
  key_id = made.key_id;
  await stayer.json("POST", "/v1/projects", { project_id: "keys", name: "Keys" });
});

afterAll(async () => {
  await taskloom?.close();
  await model?.close();
});

/** A shell like a browser's: what it said last, and how it was closed. */
async function openShell(holder: Holder, session: string) {
  const { url } = await holder.json<{ url: string }>("POST", `${sandbox}/terminal`, { session });
  const socket = new WebSocket(url);
  const said: Record<string, unknown>[] = [];
  let output = "";
  socket.on("message", (data, isBinary) => {
    if (isBinary) output += String(data);
    else said.push(JSON.parse(String(data)) as Record<string, unknown>);
  });
  const closed = once(socket, "close").then(([code]) => ({ code: code as number, last: said.at(-1) }));
  await once(socket, "message");
  const run = async (command: string, result: string): Promise<void> => {
    socket.send(Buffer.from(`${command}\r`));
    while (!output.includes(result)) await Promise.race([once(socket, "message"), closed.then(fail)]);
  };
  return { socket, closed, run };
}

function fail(how: unknown): never {
  throw new Error(`it has ended: ${JSON.stringify(how)}`);
}

async function listFiles(): Promise<string[]> {
  const { data } = await stayer.json<{ data: { name: string }[] }>("GET", `${sandbox}/files`);
  return data.map(({ name }) => name);
}

/** Starts a run whose model has said something and never says more. */
async function startStalled(thread_id: string): Promise<string> {
  const { invocation_id } = await stayer.json<{ invocation_id: string }>(
    "POST",
    `/v1/threads/${thread_id}/runs`,
    messages,
  );
  (await model.next()).text("Half ");
  return invocation_id;
}

/** An upload that sends a few bytes now and then; resolves with its answer's status, or null if it was cut. */
function trickle(holder: Holder, path: string): Promise<number | null> {
  const headers = { authorization: `Bearer ${holder.key}`, "content-length": String(1024 * 1024) };
  const sent: ClientRequest = request(`${holder.url}${path}`, { method: "PUT", headers });
  const timer = setInterval(() => sent.write("some bytes"), 100);
  return new Promise<number | null>((resolve) => {
    sent.on("response", (response) => resolve(response.statusCode ?? null));
    sent.on("error", () => resolve(null));
  }).finally(() => {
    clearInterval(timer);
    sent.destroy();
  });
}

/** A request whose body comes only with `finish`, which resolves with the answer's status. */
function begin(holder: Holder, path: string) {
  const headers = { authorization: `Bearer ${holder.key}`, "content-type": "application/json" };
  const sent = request(`${holder.url}${path}`, { method: "POST", headers });
  sent.write(" ");
  return {
    finish: async (body: string) => {
      sent.end(body);
      const [response] = (await once(sent, "response")) as [IncomingMessage];
      response.resume();
      return response.statusCode;
    },
  };
}

/** A download whose client takes nothing until `drain`, which resolves with the number of bytes and how it ended. */
async function openDownload(url: string, headers: Record<string, string> = {}) {
  const sent = request(url, { headers });
  sent.end();
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  const drain = async (): Promise<{ bytes: number; isWhole: boolean }> => {
    let bytes = 0;
    try {
      for await (const chunk of response as AsyncIterable<Buffer>) bytes += chunk.length;
    } catch {
      // It was cut.
    }
    return { bytes, isWhole: response.complete };
  };
  return { status: response.statusCode, drain };
}

const download = async (holder: Holder) =>
  openDownload(`${holder.url}${sandbox}/files/content?path=large`, { authorization: `Bearer ${holder.key}` });

async function downloadByTicket(holder: Holder) {
  const { url } = await holder.json<{ url: string }>("POST", `${sandbox}/files/ticket`, { path: "large" });
  return openDownload(url);
}

const watch = (holder: Holder, path: string, body?: unknown): Promise<StreamReader> =>
  openReader(holder, path, body === undefined ? {} : { method: "POST", body });

async function listenByAgUi(holder: Holder, threadId: string) {
  const headers = { authorization: `Bearer ${holder.key}` };
  const agent = new HttpAgent({ url: `${holder.url}/ag-ui`, threadId, headers, fetch: checkedFetch });
  agent.addMessage({ id: "msg-ag-ui", role: "user", content: "go" });
  let begun = (): void => {};
  const isBegun = new Promise<void>((resolve) => {
    begun = resolve;
  });
  let last: Record<string, unknown> = {};
  const onEvent = ({ event }: { event: object }): void => {
    last = { ...event };
    begun();
  };
  const run = agent.runAgent({ runId: "inv-ag-ui" }, { onEvent });
  const ended = run.then(
    () => last,
    () => last,
  );
  await isBegun;
  return { ended };
}

describe("a key that is deleted", () => {
  it("loses every stream, terminal, transfer and wait within 15 s, and another key of the user loses none", async () => {
    const keeps = await openShell(stayer, "stayer");
    await keeps.run(`head -c ${FILE_BYTES} /dev/zero > large; echo made''it`, "madeit");
    const run = await startStalled("watched");
    const kept = await watch(stayer, "/v1/threads/watched/events");
    const streams = [
      await watch(leaver, "/v1/threads/watched/events"),
      await watch(leaver, `/v1/threads/watched/runs/${run}/events`),
      await watch(leaver, "/v1/threads/own/runs", { ...messages, invocation_id: "inv-own" }),
    ];
    (await model.next()).text("Half ");
    const agUi = await listenByAgUi(leaver, "by-ag-ui");
    (await model.next()).text("Half ");
    const waited = leaver.request("POST", "/v1/threads/waited/runs?wait=1", messages);
    await model.next();
    const shell = await openShell(leaver, "leaver");
    const downloads = await Promise.all([download(leaver), downloadByTicket(leaver)]);
    const wholeDownload = await download(stayer);
    const upload = trickle(leaver, `${sandbox}/files/content?path=uploaded`);
    // Lists don't have it until it is whole.
    await keeps.run("until ls -A | grep -q taskloom-upload; do sleep 0.1; done; echo under''way", "underway");
    const slow = begin(leaver, "/v1/threads/slow/runs");
    const tickets = await Promise.all([
      leaver.json<{ url: string }>("POST", `${sandbox}/files/ticket`, { path: "large" }),
      leaver.json<{ url: string }>("POST", `${sandbox}/terminal`, { session: "late" }),
    ]);

    expect((await stayer.request("DELETE", `/v1/api-keys/${key_id}`)).status).toBe(204);
    const deletedAt = Date.now();
    const since = async (end: Promise<unknown>): Promise<[unknown, boolean]> => {
      const how = await Promise.race([end, setTimeout(PROMISED_MS + 5_000, "still open")]);
      return [how, Date.now() - deletedAt <= PROMISED_MS];
    };
    const ends = await Promise.all([
      ...streams.map(({ ended }) => since(ended)),
      since(agUi.ended),
      since(waited.then(({ status }) => status)),
      since(shell.closed),
      since(upload.then((status) => status === null || status === 401)),
    ]);
    expect(ends).toEqual([
      ["broken", true],
      ["broken", true],
      ["broken", true],
      [{ type: "RUN_ERROR", message: expect.any(String), code: "unauthorized" }, true],
      [401, true],
      [{ code: 1008, last: { type: "error", message: "The API key is no longer valid." } }, true],
      [true, true],
    ]);

    for (const each of downloads) {
      expect(each.status).toBe(200);
      const { bytes, isWhole } = await each.drain();
      expect([bytes < FILE_BYTES, isWhole]).toEqual([true, false]);
    }
    expect(await wholeDownload.drain()).toEqual({ bytes: FILE_BYTES, isWhole: true });
    expect(await slow.finish(JSON.stringify(messages))).toBe(401);
    for (const { url } of tickets) expect(await statusOf(url)).toBe(401);
    for (const path of ["/v1/threads/watched/events", "/v1/threads/own/runs/inv-own/events"]) {
      expect((await leaver.request("GET", path)).status).toBe(401);
    }
    await keeps.run("echo still''here", "stillhere");
    keeps.socket.close();
    await stayer.json("POST", `/v1/threads/watched/runs/${run}/cancel`);
    await kept.until(({ event }) => event.type === "RUN_FINISHED");
    kept.leave();
    // The run that the key started is the user's, and continues.
    expect(await stayer.json("GET", "/v1/threads/own/runs/inv-own")).toMatchObject({ status: "running" });
    expect(await listFiles()).toEqual(["large"]);
  });
});

/** Also of an address that is for a WebSocket. */
async function statusOf(url: string): Promise<number | undefined> {
  const headers = url.startsWith("ws") ? { connection: "upgrade", upgrade: "websocket" } : {};
  const key = { "sec-websocket-version": "13", "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==" };
  const sent = request(url.replace(/^ws/, "http"), { headers: { ...headers, ...(url.startsWith("ws") ? key : {}) } });
  sent.end();
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  response.resume();
  return response.statusCode;
}
