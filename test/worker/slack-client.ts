// Slack as the routes see it: requests that it signs, and a Web API whose answers a test sets. Threads are the real
// objects, or stand-ins if a test provides them.
import { env } from "cloudflare:test";
import { vi } from "vitest";
import { createApp } from "../../src/app.ts";
import type { Env } from "../../src/config.ts";
import { toHex } from "../../src/lib/hash.ts";
import { ADMIN_KEY, type Answer } from "./http-client.ts";

export const SIGNING_SECRET = "canary-signing-secret";
export const CLIENT_SECRET = "canary-client-secret";
export const TOKEN = "xoxb-canary-token";

export interface Call {
  method: string;
  fields: Record<string, string>;
  authorization: string | null;
}

type Respond = (fields: Record<string, string>) => unknown;

export interface SlackClient {
  /** The settings and bindings of its app, for jobs. */
  bindings: Env;
  calls: Call[];
  callsTo(method: string): Record<string, string>[];
  /** What the Web API answers to a method; `{ok: true}` for all others. A `Response` is returned as it is. */
  answers: Map<string, Respond>;
  send(method: string, path: string, body?: string, headers?: Record<string, string>): Promise<Answer>;
  /** The same with an API key and a JSON body. */
  ask(method: string, path: string, body?: unknown, key?: string): Promise<Answer>;
  /** Sends a request with Slack's signature, which is `age` seconds old. */
  sendSigned(
    route: string,
    body: string,
    sign?: { secret?: string; age?: number; headers?: Record<string, string> },
  ): Promise<Answer>;
  event(event: Record<string, unknown>, envelope?: Record<string, unknown>): Promise<Answer>;
  press(payload: Record<string, unknown>): Promise<Answer>;
  command(fields: Record<string, string>): Promise<Answer>;
  /** Resolves when all background work is done. */
  settled(): Promise<void>;
}

/** Slack's id of the app that the settings describe. */
export const APP_ID = "A1";

const usual: Partial<Env> = {
  ENCRYPTION_KEY: "a key of the tests",
  SLACK_APP_ID: APP_ID,
  SLACK_SIGNING_SECRET: SIGNING_SECRET,
  SLACK_CLIENT_ID: "111.222",
  SLACK_CLIENT_SECRET: CLIENT_SECRET,
  SLACK_AUTHORIZE_URL: "https://slack.test/oauth/v2/authorize",
};

let clients = 0;

/** Replaces `fetch` by a Web API for Slack's address. Restore the mocks after each test. */
export function createSlackClient(settings: Partial<Env> = {}, within: (env: Env) => Env = (own) => own): SlackClient {
  const app = createApp();
  clients += 1;
  // Each client has its own address, so that it gets only its own calls.
  const api = `https://slack-${clients}.test/api/`;
  const bindings = within({ ...env, ...usual, SLACK_API_URL: api, ...settings });
  const behind: Promise<unknown>[] = [];
  const context = {
    waitUntil: (promise: Promise<unknown>) => void behind.push(promise),
    passThroughOnException: () => {},
    props: {},
  };
  const calls: Call[] = [];
  const answers = new Map<string, Respond>();
  serveApi(api, calls, answers);

  const client: SlackClient = {
    bindings,
    calls,
    answers,
    callsTo: (method) => calls.filter((call) => call.method === method).map(({ fields }) => fields),
    async send(method, path, body, headers = {}) {
      const init = { method, headers, ...(body === undefined ? {} : { body }) };
      const response = await app.request(`https://taskloom.test${path}`, init, bindings, context as ExecutionContext);
      const text = await response.text();
      const isJson = text !== "" && response.headers.get("content-type")?.includes("json");
      return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : {}, text };
    },
    ask: (method, path, body, key = ADMIN_KEY) =>
      client.send(method, path, body === undefined ? undefined : JSON.stringify(body), {
        authorization: `Bearer ${key}`,
      }),
    async sendSigned(route, body, { secret = SIGNING_SECRET, age = 0, headers = {} } = {}) {
      const time = String(Math.floor(Date.now() / 1000) - age);
      const signature = await sign(secret, `v0:${time}:${body}`);
      const own = { "x-slack-request-timestamp": time, "x-slack-signature": `v0=${signature}` };
      return await client.send("POST", `/integrations/slack/${route}`, body, { ...own, ...headers });
    },
    event: (event, envelope = {}) => client.sendSigned("events", JSON.stringify(wrap(event, envelope))),
    press: (payload) =>
      client.sendSigned("interactivity", new URLSearchParams({ payload: JSON.stringify(payload) }).toString()),
    command: (fields) => client.sendSigned("commands", new URLSearchParams(fields).toString()),
    async settled() {
      while (behind.length > 0) await behind.shift();
    },
  };
  return client;
}

function wrap(event: Record<string, unknown>, envelope: Record<string, unknown>): Record<string, unknown> {
  return { type: "event_callback", team_id: "T1", api_app_id: "A1", event_id: "Ev1", event, ...envelope };
}

const apis = new Map<string, { calls: Call[]; answers: Map<string, Respond> }>();
const usualFetch = globalThis.fetch;

function serveApi(api: string, calls: Call[], answers: Map<string, Respond>): void {
  apis.set(api, { calls, answers });
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const request = new Request(input as RequestInfo, init);
    const [, address = "", method = ""] = /^(.*\/api\/)([\w.]+)$/.exec(request.url) ?? [];
    const served = apis.get(address);
    if (served === undefined) return await usualFetch(request);
    const fields = Object.fromEntries(new URLSearchParams(new TextDecoder().decode(await request.bytes())));
    served.calls.push({ method, fields, authorization: request.headers.get("authorization") });
    const answer = (await served.answers.get(method)?.(fields)) ?? { ok: true };
    return answer instanceof Response ? answer : Response.json(answer);
  });
}

async function sign(secret: string, text: string): Promise<string> {
  const encoder = new TextEncoder();
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", encoder.encode(secret), algorithm, false, ["sign"]);
  return toHex(new Uint8Array(await crypto.subtle.sign("HMAC", key, encoder.encode(text))));
}

/** What `auth.test` answers for a bot in a workspace. */
export function identityOf(team_id: string, bot_user_id = "UBOT"): Record<string, unknown> {
  return { ok: true, team: "Acme", team_id, user_id: bot_user_id, bot_id: "B1" };
}

/** What `bots.info` answers for a bot of an app. */
export function botOf(app_id: string | undefined, bot_user_id = "UBOT"): Record<string, unknown> {
  return { ok: true, bot: { id: "B1", deleted: false, name: "taskloom", app_id, user_id: bot_user_id } };
}

/** Connects a workspace by its bot's token to the user of the key. */
export async function connect(
  client: SlackClient,
  team_id: string,
  choice: Record<string, string> = {},
  key = ADMIN_KEY,
): Promise<void> {
  client.answers.set("auth.test", () => identityOf(team_id));
  client.answers.set("bots.info", () => botOf(APP_ID));
  const made = await client.ask("POST", "/v1/slack/workspaces", { bot_token: TOKEN, ...choice }, key);
  if (made.status !== 201) throw new Error(made.text);
  client.calls.length = 0;
}
