// A user is deleted while threads work, and the whole runtime is killed in the middle of it: its queue forgets the job.
import { afterAll, beforeAll, expect, it } from "vitest";
import { sandboxName } from "../../src/projects/sandbox.ts";
import { clientOf, type ServerClient } from "../setup/server-client.ts";
import { eventually } from "./daytona-fixture.ts";
import { SANDBOX_KEY, startTaskloom, type Taskloom } from "./harness.ts";

const file = `[[tool create_file ${JSON.stringify({ path: "app.js", content: "1" })}]]`;
const quarterHour = new Date("2026-11-28T10:15:00Z");
/** More than are removed together. */
const IDLE_THREADS = 60;
const byUser = [
  ...[
    "api_keys",
    "projects",
    "runs",
    "messages",
    "message_parts",
    "receipts",
    "secrets",
    "previews",
    "ssh_accesses",
    "tickets",
  ],
  ...["triggers", "trigger_deliveries", "webhooks", "deliveries", "slack_workspaces", "agents", "agent_versions"],
];

let taskloom: Taskloom;
let database: D1Database;

beforeAll(async () => {
  taskloom = await startTaskloom({ ENCRYPTION_KEY: "a key of the tests" });
  database = await taskloom.runtime.database();
});
afterAll(() => taskloom?.close());

async function addUser(user_id: string): Promise<ServerClient> {
  const { api_key } = await taskloom.json<{ api_key: string }>("POST", "/v1/users", { user_id });
  const client = clientOf({ url: taskloom.url, key: api_key });
  await client.json("POST", "/v1/projects", { project_id: "shop", name: "Shop" });
  await client.json("POST", "/v1/threads", { thread_id: "made", project_id: "shop" });
  const run = await client.json<{ status: string }>("POST", "/v1/threads/made/runs?wait=1", { message: file });
  expect(run.status).toBe("completed");
  await client.json("POST", "/v1/triggers", { type: "webhook", prompt: "Look.", verify: { scheme: "standard" } });
  await client.json("POST", "/v1/agents", { name: "Ada" });
  return client;
}

/** A run that works until somebody ends it. */
async function work(client: ServerClient, thread_id: string): Promise<void> {
  await client.json("POST", `/v1/threads/${thread_id}/runs`, { message: "[[pace 20]] [[say 100000]]" });
}

async function count(user_id: string, table: string, more = ""): Promise<number> {
  const row = await database
    .prepare(`SELECT count(*) AS rows FROM ${table} WHERE user_id = ?1 ${more}`)
    .bind(user_id)
    .first<{ rows: number }>();
  return row?.rows ?? 0;
}

const countAll = async (user_id: string) =>
  Object.fromEntries(await Promise.all(byUser.map(async (table) => [table, await count(user_id, table)] as const)));

async function hasSandbox(user_id: string): Promise<boolean> {
  const name = await sandboxName(user_id, "shop");
  const headers = { authorization: `Bearer ${SANDBOX_KEY}` };
  const answer = await fetch(`${taskloom.daytona.apiUrl}/sandbox/${name}`, { headers });
  await answer.body?.cancel();
  return answer.status === 200;
}

it("a deleted user's account is emptied over a kill of the runtime, and nobody else's", async () => {
  const [doomed, other] = [await addUser("doomed"), await addUser("other")];
  for (let index = 0; index < IDLE_THREADS; index++)
    await doomed.json("POST", "/v1/threads", { thread_id: `t${index}` });
  await Promise.all(["w1", "w2", "w3"].map((thread_id) => work(doomed, thread_id)));
  await work(other, "w1");
  await eventually(async () => (await count("doomed", "runs", "AND status = 'running'")) === 3);
  await eventually(async () => (await count("other", "runs", "AND status = 'running'")) === 1);
  const before = await countAll("other");
  expect([await hasSandbox("doomed"), await hasSandbox("other")]).toEqual([true, true]);

  await database
    .prepare("UPDATE users SET deleted_at = ?1 WHERE user_id = 'doomed'")
    .bind(new Date().toISOString())
    .run();
  await taskloom.runtime.fireCron(quarterHour);
  await eventually(async () => (await count("doomed", "threads", "AND deleted_at IS NOT NULL")) > 0);
  await taskloom.runtime.restart();
  database = await taskloom.runtime.database();
  expect(await count("doomed", "users", "AND purged_at IS NULL")).toBe(1);

  await taskloom.runtime.fireCron(quarterHour);
  await eventually(async () => (await count("doomed", "users", "AND purged_at IS NOT NULL")) === 1);
  expect(Object.values(await countAll("doomed")).every((rows) => rows === 0)).toBe(true);
  expect(await count("doomed", "threads", "AND deleted_at IS NULL")).toBe(0);
  expect(await hasSandbox("doomed")).toBe(false);
  for (const thread_id of ["made", "w1", "t0", `t${IDLE_THREADS - 1}`]) {
    const [removed] = await taskloom.runtime.queryObject(`doomed/${thread_id}`, "SELECT key, value FROM meta");
    expect(JSON.parse(String((removed as { value: string }).value))).toMatchObject({ user_id: "doomed", done: true });
  }
  expect((await doomed.request("GET", "/v1/threads")).status).toBe(401);

  expect(await countAll("other")).toEqual({ ...before, messages: expect.any(Number) });
  expect(await hasSandbox("other")).toBe(true);
  const { data } = await other.json<{ data: { invocation_id: string }[] }>("GET", "/v1/threads/w1/runs");
  const path = `/v1/threads/w1/runs/${data[0]?.invocation_id}`;
  expect(await other.json("GET", path)).toMatchObject({ status: "running" });
  expect(await other.json("POST", `${path}/cancel`)).toMatchObject({ status: "cancelled" });
});
