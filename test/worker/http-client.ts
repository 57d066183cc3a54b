// A client of the app under test: real D1, thread objects in memory.
import { createExecutionContext, env, waitOnExecutionContext } from "cloudflare:test";
import { createApp } from "../../src/app.ts";
import type { Env } from "../../src/config.ts";
import { FIRST_USER_ID } from "../../src/protocol/ids.ts";
import { FakeThreads } from "./http-fake-threads.ts";

export const ADMIN_KEY = "admin-key-of-the-tests";

export interface Answer {
  status: number;
  headers: Headers;
  // Tests read fields of many shapes.
  body: Record<string, unknown> & { data?: Record<string, unknown>[] };
  text: string;
}

export interface Client {
  threads: FakeThreads;
  send(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** The same app and objects with another key; null for none. */
  as(key: string | null): Client;
  /** A new user's client. */
  addUser(user_id: string): Promise<Client>;
}

/** With a key of its own that a test made, the admin key would only administer in the next one. */
export async function dropKeysOfFirstUser(): Promise<void> {
  await env.DB.prepare("DELETE FROM api_keys WHERE user_id = ?").bind(FIRST_USER_ID).run();
}

export function createClient(settings: Partial<Env> = {}): Client {
  const threads = new FakeThreads(env.DB);
  const app = createApp();
  const bindings = threads.within(env, settings);

  function withKey(key: string | null): Client {
    return {
      threads,
      async send(method, path, body, headers = {}) {
        const authorization = key === null ? {} : { authorization: `Bearer ${key}` };
        const sent =
          body === undefined ||
          typeof body === "string" ||
          body instanceof Uint8Array ||
          body instanceof ReadableStream;
        const init = { method, headers: { ...authorization, ...headers }, body: sent ? body : JSON.stringify(body) };
        const execution = createExecutionContext();
        const response = await app.request(path, init as RequestInit, bindings, execution);
        const text = await response.text();
        await waitOnExecutionContext(execution);
        const isJson = text !== "" && response.headers.get("content-type")?.includes("json");
        return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : {}, text };
      },
      as: withKey,
      async addUser(user_id) {
        const made = await withKey(ADMIN_KEY).send("POST", "/v1/users", { user_id });
        return withKey(String(made.body.api_key));
      },
    };
  }
  return withKey(ADMIN_KEY);
}
