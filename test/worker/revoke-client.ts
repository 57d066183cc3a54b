// An owner, whose key made another key, whose holder is the attacker: what they do, and what is still open.
import { createExecutionContext, createMessageBatch, env, getQueueResult } from "cloudflare:test";
import { Daytona } from "@daytonaio/sdk";
import { afterAll, afterEach, beforeEach, expect, vi } from "vitest";
import type { Env } from "../../src/config.ts";
import { consumeJobs } from "../../src/jobs.ts";
import { servePreview } from "../../src/projects/previews/routes/host.ts";
import type { Job } from "../../src/protocol/job.ts";
import { signStandard } from "./hook-client.ts";
import { type Client, createClient } from "./http-client.ts";

const BODY = '{"issue":{"title":"It is slow"}}';
/** Daytona refuses this key at once; an unreachable server would be retried for ten seconds. */
export const away = { DAYTONA_API_KEY: "a key that is wrong" };

export const jobs: Job[] = [];
const JOBS = { send: async (job: Job) => void jobs.push(job) } as unknown as Queue<unknown>;
export const settings = { ENCRYPTION_KEY: "key of the tests", PREVIEW_DOMAIN: "previews.example", JOBS };
export const admin = createClient(settings);

let count = 0;

export interface Scene {
  user_id: string;
  owner: Client;
  attacker: Client;
  /** The attacker's. */
  key_id: string;
  project: string;
}

/** Filled anew for each test of a file that calls this. `name` distinguishes the files' users. */
export function setScene(name: string): Scene {
  const scene = {} as Scene;
  beforeEach(async () => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
    jobs.length = 0;
    count += 1;
    const user_id = `user_${name}_${count}`;
    const project = `${name}-${count}`;
    const owner = await admin.addUser(user_id);
    const { client: attacker, key_id } = await makeKey(owner);
    Object.assign(scene, { user_id, project, owner, attacker, key_id });
    await owner.send("POST", "/v1/projects", { project_id: project, name: "Shop" });
  });
  afterEach(() => vi.restoreAllMocks());
  afterAll(async () => {
    const { DAYTONA_API_KEY: apiKey = "", DAYTONA_API_URL: apiUrl = "" } = env as Env;
    const daytona = new Daytona({ apiKey, apiUrl, useDeprecatedPolling: true });
    for await (const sandbox of daytona.list({ labels: { app: "taskloom" } })) {
      if (sandbox.labels?.project_id?.startsWith(`${name}-`)) await sandbox.delete();
    }
  });
  return scene;
}

export async function makeKey(from: Client): Promise<{ client: Client; key_id: string }> {
  const { body } = await from.send("POST", "/v1/api-keys", {});
  return { client: from.as(String(body.key)), key_id: String(body.key_id) };
}

export async function makeHook(from: Client, part: object = {}): Promise<{ trigger_id: string; secret: string }> {
  const body = { type: "webhook", prompt: "Triage {{$.issue.title}}.", verify: { scheme: "standard" }, ...part };
  const made = await from.send("POST", "/v1/triggers", body);
  expect(made.status).toBe(201);
  return made.body as { trigger_id: string; secret: string };
}

/** A delivery without a key, as senders send it. */
export function deliver(trigger_id: string, secret: string) {
  return admin.as(null).send("POST", `/hooks/${trigger_id}`, BODY, signStandard(secret, BODY));
}

export const revoke = ({ owner, key_id }: Scene, id = key_id, from = owner) =>
  from.send("DELETE", `/v1/api-keys/${id}?made=revoke`);
export const listOf = async ({ owner, key_id }: Scene, id = key_id, from = owner) =>
  (await from.send("GET", `/v1/api-keys/${id}/made`)).body.data;
export const sandboxPath = ({ project }: Scene, path: string) => `/v1/projects/${project}/sandbox/${path}`;

export async function openSsh(scene: Scene, from: Client): Promise<string> {
  const { status, body } = await from.send("POST", sandboxPath(scene, "ssh"), {});
  expect(status).toBe(201);
  return /(\w+)@/.exec(String(body.command))?.[1] ?? "";
}

/** Asks as Daytona's SSH gateway does. */
export async function opensSsh(token: string): Promise<boolean> {
  const path = `${env.DAYTONA_API_URL}/sandbox/ssh-access/validate?token=${token}`;
  const answer = await fetch(path, { headers: { authorization: "Bearer gateway-key-of-the-tests" } });
  return ((await answer.json()) as { valid: boolean }).valid;
}

export async function makeLink(scene: Scene, from: Client, port = 3000): Promise<string> {
  const { status, body } = await from.send("POST", sandboxPath(scene, "previews"), { port });
  expect(status).toBe(201);
  return String(body.url);
}

/** What a visitor's browser gets for a link under our domain: there is no sandbox, so an open link is asleep. */
export async function visit(url: string): Promise<string> {
  const request = new Request(url, { headers: { accept: "application/json" } });
  const answer = await servePreview(request, { ...(env as Env), ...settings });
  return ((await (answer as Response).json()) as { reason: string }).reason;
}

/** Delivers a job as the queue does, and expects it to be acknowledged. */
export async function consume(job: Job | undefined, own: object = {}): Promise<void> {
  const batch = createMessageBatch("taskloom-jobs", [{ id: "m", timestamp: new Date(), attempts: 1, body: job }]);
  await consumeJobs(batch, { ...env, ...settings, ...own });
  expect((await getQueueResult(batch, createExecutionContext())).explicitAcks).toEqual(["m"]);
}
