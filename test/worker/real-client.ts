// A client of the app with real objects of threads.
import { createExecutionContext, env, waitOnExecutionContext } from "cloudflare:test";
import { createApp } from "../../src/app.ts";
import type { Env } from "../../src/config.ts";
import type { Sender } from "./hook-client.ts";
import { ADMIN_KEY, type Answer } from "./http-client.ts";

export function realClient(settings: Partial<Env> = {}): Sender {
  const app = createApp();
  const withKey = (key: string | null): Sender => ({
    async send(method, path, body, headers = {}): Promise<Answer> {
      const execution = createExecutionContext();
      const authorization: Record<string, string> = key === null ? {} : { authorization: `Bearer ${key}` };
      const sent = typeof body === "string" || body === undefined ? body : JSON.stringify(body);
      const init = { method, headers: { ...authorization, ...headers }, ...(sent === undefined ? {} : { body: sent }) };
      const response = await app.request(path, init, { ...(env as Env), ...settings }, execution);
      const text = await response.text();
      await waitOnExecutionContext(execution);
      const isJson = text !== "" && response.headers.get("content-type")?.includes("json");
      return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : {}, text };
    },
    as: withKey,
  });
  return withKey(ADMIN_KEY);
}

/** A new user's client. */
export async function realUser(user_id: string, settings: Partial<Env> = {}): Promise<Sender> {
  const admin = realClient(settings);
  const made = await admin.send("POST", "/v1/users", { user_id });
  return admin.as(String(made.body.api_key));
}
