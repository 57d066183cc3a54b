// A deployment whose JURISDICTION was removed after its first thread. Its requests then lead to other objects, which are
// empty; workerd, which has no jurisdictions, leads to the same as ever, so the thread here is one that nobody has made.
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, expect, it } from "vitest";
import { buildTestWorker } from "../setup/build.ts";
import { clientOf, type ServerClient } from "../setup/server-client.ts";
import { findTables } from "../setup/tables.ts";
import { startRuntime, type TestRuntime } from "../setup/test-runtime.ts";

const key = "first-key-of-the-tests";
/** Retention, too, must delete nothing. */
const settings = { ADMIN_API_KEY: key, ENCRYPTION_KEY: `e${key}`, RETENTION_DAYS: "1" };
const words = 'JURISDICTION is not set, and this deployment\'s threads began with "eu".';

let data: string;
let runtime: TestRuntime;
let server: ServerClient;

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), "taskloom-place-"));
  await cp(await findTables(), data, { recursive: true });
  runtime = await startRuntime(await buildTestWorker(), data, settings);
  server = clientOf({ url: runtime.url, key });
  const db = await runtime.database();
  const at = new Date(Date.now() - 72 * 3_600_000).toISOString();
  await db.batch([
    db.prepare("INSERT INTO deployment VALUES ('jurisdiction', 'eu')"),
    db
      .prepare(
        "INSERT INTO threads (user_id, thread_id, project_id, agent_id, version, created_at, updated_at, metadata) VALUES ('user_first', 'old', 'p', 'a', 1, ?1, ?1, '{}')",
      )
      .bind(at),
    db
      .prepare(
        "INSERT INTO runs (user_id, thread_id, invocation_id, status, version, created_at, updated_at, run) VALUES ('user_first', 'old', 'r', 'running', 1, ?1, ?1, '{}')",
      )
      .bind(at),
  ]);
});
afterAll(async () => {
  await runtime.close();
  await rm(data, { recursive: true, force: true });
});

it("refuses in words whatever needs a thread, makes none, and the clock ends no run", async () => {
  const refused: [string, string, object?][] = [
    ["GET", "/v1/threads/old"],
    ["GET", "/v1/threads/old/events"],
    ["DELETE", "/v1/threads/old"],
    ["POST", "/v1/threads/old/runs", { message: "hi" }],
    ["POST", "/v1/threads/old/runs/stream", { message: "hi" }],
    ["POST", "/v1/threads", { thread_id: "new" }],
    ["POST", "/v1/threads/new/runs", { message: "hi" }],
  ];
  for (const [method, path, body] of refused) {
    const answer = await server.request(method, path, body);
    const text = await answer.text();
    expect([method, path, answer.status, text]).toEqual([method, path, 503, expect.stringContaining("began with")]);
    expect(JSON.parse(text)).toMatchObject({ code: "not_configured", detail: expect.stringContaining(words) });
  }
  await runtime.fireCron(new Date(Date.now() + 600_000));
  const db = await runtime.database();
  expect((await db.prepare("SELECT status FROM runs").all()).results).toEqual([{ status: "running" }]);
  expect((await db.prepare("SELECT thread_id FROM threads WHERE deleted_at IS NULL").all()).results).toEqual([
    { thread_id: "old" },
  ]);
  const { warnings } = await server.json<{ warnings: string[] }>("GET", "/v1/server");
  expect(warnings).toEqual(expect.arrayContaining([expect.stringContaining(words)]));
  // A sender of webhooks repeats what is answered so.
  const trigger = { type: "webhook", prompt: "Look.", verify: { scheme: "standard" } };
  const { trigger_id, secret } = await server.json<{ trigger_id: string; secret: string }>(
    "POST",
    "/v1/triggers",
    trigger,
  );
  const at = new Date();
  const delivered = await fetch(`${runtime.url}/hooks/${trigger_id}`, {
    method: "POST",
    body: "{}",
    headers: {
      "content-type": "application/json",
      "webhook-id": "msg_1",
      "webhook-timestamp": String(Math.floor(at.getTime() / 1_000)),
      "webhook-signature": new Webhook(secret).sign("msg_1", at, "{}"),
    },
  });
  expect([delivered.status, await delivered.text()]).toEqual([503, expect.stringContaining("not_configured")]);
  // A deploy asks this, too.
  expect(await (await server.request("GET", "/healthz?deep=1")).json()).toMatchObject({
    checks: expect.arrayContaining([
      expect.objectContaining({ name: "settings", ok: false, problem: expect.stringContaining("JURISDICTION is not") }),
    ]),
  });
  // What D1 has is shown.
  expect(await server.json("GET", "/v1/threads")).toMatchObject({ data: [{ thread_id: "old" }] });
  // The way back: the next isolates' settings are those of the beginning.
  await db.prepare("UPDATE deployment SET value = ''").run();
  await runtime.restart();
  expect((await server.request("POST", "/v1/threads", { thread_id: "new" })).status).toBe(201);
});
