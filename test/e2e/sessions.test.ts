// What a session has open, over TCP: it continues when the token is replaced, and ends with the session.
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { setTimeout } from "node:timers/promises";
import { HttpAgent } from "@ag-ui/client";
import { afterAll, beforeAll, expect, it } from "vitest";
import { checkedFetch } from "../fakes/ag-ui-schemas.ts";
import { makeSession, ofPage, tokenIn } from "../fakes/session.ts";
import { type MortalTaskloom, startMortalTaskloom } from "./mortal-server.ts";
import { type PuppetModel, startPuppetModel } from "./puppet-model.ts";
import { openReader } from "./stream-reader.ts";

const PROMISED_MS = 15_000;
const user_id = "user_first";

let model: PuppetModel;
let taskloom: MortalTaskloom;

beforeAll(async () => {
  model = await startPuppetModel();
  taskloom = await startMortalTaskloom({ OPENAI_BASE_URL: model.baseUrl });
  await taskloom.json("POST", "/v1/projects", { project_id: "sessions", name: "Sessions" });
});
afterAll(async () => {
  await taskloom?.close();
  await model?.close();
});

const signIn = async (lasts_ms?: number) =>
  makeSession(await taskloom.runtime.database(), { user_id, ...(lasts_ms === undefined ? {} : { lasts_ms }) });

/** As the session of a page sends it: no key. */
const ask = (token: string, method: string, path: string, body?: unknown) =>
  fetch(taskloom.url + path, {
    method,
    headers: { ...ofPage(token), "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });

/** As if the token had been in use since then. */
async function setSeen(session_id: string, ago_ms: number): Promise<void> {
  const at = new Date(Date.now() - ago_ms).toISOString();
  const query = "UPDATE api_keys SET details = json_set(details, '$.seen_at', ?) WHERE key_id = ?";
  await (await taskloom.runtime.database()).prepare(query).bind(at, session_id).run();
}

function follow(token: string, threadId: string) {
  const agent = new HttpAgent({ url: `${taskloom.url}/ag-ui`, threadId, headers: ofPage(token), fetch: checkedFetch });
  agent.addMessage({ id: `msg-of-${threadId}`, role: "user", content: "go" });
  const seen: { types: string[]; error: unknown } = { types: [], error: null };
  const done = agent.runAgent(
    { runId: `run-of-${threadId}` },
    {
      onEvent: ({ event }) => void seen.types.push(event.type),
      onRunErrorEvent: ({ event }) => {
        seen.error = event.code;
      },
    },
  );
  done.catch(() => {});
  return { seen, done };
}

it("a stream that was opened with a token continues over a new life when that token was replaced long ago", async () => {
  const { session_id, token } = await signIn();
  const { seen, done } = follow(token, "over");
  const call = await model.next();
  call.text("Half ");
  await expect.poll(() => seen.types).toContain("TEXT_MESSAGE_CONTENT");
  await setSeen(session_id, 2 * 3_600_000);
  // Isolates remember a session for ten seconds.
  await setTimeout(10_500);
  const next = tokenIn(await ask(token, "GET", "/v1/users/me")) ?? "";
  expect((await ask(next, "GET", "/v1/users/me")).status).toBe(200);
  await setTimeout(200);
  await setSeen(session_id, 600_000);
  await taskloom.endLife("over");
  const again = await model.next();
  again.text("a whole.");
  again.finish();
  await done;
  expect(seen.types.at(-1)).toBe("RUN_FINISHED");
  // The stream's own token is an old one by now.
  expect((await ask(next, "GET", "/v1/users/me")).status).toBe(200);
  await setTimeout(10_500);
  expect((await ask(token, "GET", "/v1/users/me")).status).toBe(401);
  expect((await ask(next, "GET", "/v1/users/me")).status).toBe(401);
});

it("signing out everywhere ends streams, waits and uploads within 15 s, and none of a key", async () => {
  const { token } = await signIn();
  const { seen, done } = follow(token, "ends");
  (await model.next()).text("Half ");
  await expect.poll(() => seen.types).toContain("TEXT_MESSAGE_CONTENT");
  const stream = await ask(token, "GET", "/v1/threads/ends/events");
  const cut = stream.text().then(
    () => "closed",
    () => "broken",
  );
  const kept = await openReader(taskloom, "/v1/threads/ends/events", {});
  const waiting = ask(token, "POST", "/v1/threads/ends/runs?wait=1", { message: "more" });
  const sent = request(`${taskloom.url}/v1/projects/sessions/sandbox/files/content?path=late.txt`, {
    method: "PUT",
    headers: { ...ofPage(token), "content-length": String(1024 * 1024) },
  });
  const uploaded = Promise.race([
    once(sent, "response").then(([response]) => (response as IncomingMessage).statusCode),
    once(sent, "error").then(() => "cut"),
  ]);
  const trickle = setInterval(() => sent.write("some bytes"), 100);
  await setTimeout(1_000);
  expect((await taskloom.request("DELETE", "/v1/sessions")).status).toBe(204);
  const ended = Date.now();
  await done.catch(() => {});
  expect([seen.types.at(-1), seen.error]).toEqual(["RUN_ERROR", "unauthorized"]);
  expect((await waiting).status).toBe(401);
  expect([401, "cut"]).toContain(await uploaded);
  clearInterval(trickle);
  sent.destroy();
  expect(["closed", "broken"]).toContain(await cut);
  expect(Date.now() - ended).toBeLessThan(PROMISED_MS);
  expect(await Promise.race([kept.ended, setTimeout(500, "open")])).toBe("open");
  kept.leave();
  const { data } = await taskloom.json<{ data: { name: string }[] }>(
    "GET",
    "/v1/projects/sessions/sandbox/files?path=",
  );
  expect(data.map(({ name }) => name)).not.toContain("late.txt");
});

it("a session that expires loses its stream, and its upload leaves no file", async () => {
  // Several times as long as this machine takes to begin a run and to have its first text.
  const began = Date.now();
  const before = follow((await signIn()).token, "before-expiry");
  const call = await model.next();
  call.text("All.");
  call.finish();
  await before.done;
  const lasts_ms = 4_000 + 3 * (Date.now() - began);
  const { token } = await signIn(lasts_ms);
  const expired = Date.now() + lasts_ms;
  const { seen, done } = follow(token, "expires");
  (await model.next()).text("Half ");
  await expect.poll(() => seen.types).toContain("TEXT_MESSAGE_CONTENT");
  const path = "/v1/projects/sessions/sandbox/files/content?path=expired.txt";
  const sent = request(`${taskloom.url}${path}`, { method: "PUT", headers: ofPage(token) });
  const answered = once(sent, "response") as Promise<[IncomingMessage]>;
  sent.write("first ");
  await setTimeout(Math.max(0, expired + 1_000 - Date.now()));
  sent.end("last");
  const [answer] = await answered;
  expect(answer.statusCode).toBe(401);
  await done.catch(() => {});
  expect(seen.error).toBe("unauthorized");
  expect(Date.now() - expired).toBeLessThan(PROMISED_MS);
  const { data } = await taskloom.json<{ data: { name: string }[] }>(
    "GET",
    "/v1/projects/sessions/sandbox/files?path=",
  );
  expect(data.map(({ name }) => name)).not.toContain("expired.txt");
});
