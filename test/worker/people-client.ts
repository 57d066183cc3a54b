// Users, an admin, and two isolates: "elsewhere" is another one, which has its own memory of keys.
import { env } from "cloudflare:test";
import { afterEach, beforeEach, expect, vi } from "vitest";
import { mintApiKey } from "../../src/http/api-key.ts";
import { newId } from "../../src/protocol/ids.ts";
import type { Job } from "../../src/protocol/job.ts";
import { createApiKey } from "../../src/store/api-keys.ts";
import { type Client, createClient, dropKeysOfFirstUser } from "./http-client.ts";

export let jobs: Job[] = [];
const JOBS = { send: async (job: Job) => void jobs.push(job) } as unknown as Queue<unknown>;
export const settings = { JOBS, ENCRYPTION_KEY: "key of the tests", ALLOW_PRIVATE_URLS: "1" };

export let admin: Client;
export let elsewhere: Client;
let count = 0;

/** An isolate takes its clock when it starts. */
export function startIsolates(): void {
  [admin, elsewhere] = [createClient(settings), createClient(settings)];
}

/** Call this in each file. */
export function setAccounts(): void {
  beforeEach(() => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
    jobs = [];
    startIsolates();
  });
  afterEach(async () => {
    vi.useRealTimers();
    vi.restoreAllMocks();
    await dropKeysOfFirstUser();
    await env.DB.prepare("DELETE FROM users WHERE user_id = 'user_first'").run();
  });
}

export async function addUser(more: object = {}): Promise<{ user_id: string; key: string; client: Client }> {
  count += 1;
  const user_id = `user_account_${count}`;
  const made = await admin.send("POST", "/v1/users", { user_id, ...more });
  expect(made.status).toBe(201);
  const key = String(made.body.api_key);
  return { user_id, key, client: admin.as(key) };
}

/** Of the kinds that a sign-in makes, too. */
export async function addKey(user_id: string, kind: "key" | "session", scopes: ("write" | "admin")[] | null = null) {
  const { key, stored } = await mintApiKey({ name: null, made_by: null, scopes }, Date.now());
  const key_id = kind === "key" ? stored.key_id : newId("sess");
  await createApiKey(env.DB, user_id, { ...stored, key_id, kind });
  return { key, key_id };
}

/** An admin who has no data of its own. */
export async function addAdmin(): Promise<{ user_id: string; client: Client }> {
  const { user_id } = await addUser();
  const { key } = await addKey(user_id, "key", ["admin"]);
  return { user_id, client: admin.as(key) };
}

export const patch = (user_id: string, body: object, from = admin) => from.send("PATCH", `/v1/users/${user_id}`, body);
export const remove = (user_id: string, from = admin) => from.send("DELETE", `/v1/users/${user_id}`);
export const statusOf = async (client: Client) => (await client.send("GET", "/v1/threads")).status;

/** A key with the scope `admin` alone. */
export const addKeyOf = (user_id: string) => addKey(user_id, "key", ["admin"]);
