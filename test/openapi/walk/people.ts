// Users, keys, sessions and the audit; a sign-in at a real issuer.

import { approve } from "../../e2e/sign-in-steps.ts";
import { openCookieClient } from "../../setup/cookie-client.ts";
import type { Stage } from "./stage.ts";
import type { Walker } from "./walker.ts";

const ADA = "user_ada";

export async function walkPeople({ ask }: Walker, { taskloom, issuer, relay }: Stage): Promise<void> {
  const admin = { key: taskloom.key };
  const params = { user_id: ADA };
  const made = await ask("POST /v1/users", { ...admin, body: { user_id: ADA, name: "Ada", email: "ada@example.com" } });
  const key = String(made.body.api_key);
  await ask("GET /v1/users", { ...admin, query: { state: "active", limit: "5" } });
  await ask("GET /v1/users/{user_id}", { ...admin, params });
  await ask("PATCH /v1/users/{user_id}", { ...admin, params, body: { caps: { day: { max_cost_usd: 5 } } } });
  await ask("GET /v1/users/me", { key });
  const second = await ask("POST /v1/api-keys", { key, body: { name: "laptop", scopes: ["read"] } });
  const third = await ask("POST /v1/api-keys", { key, body: { name: "phone" } });
  await ask("GET /v1/api-keys", { key, query: { limit: "1" } });
  await ask("GET /v1/api-keys/{key_id}/made", { key, params: { key_id: "unknown" } });
  await ask("DELETE /v1/api-keys/{key_id}", {
    key,
    params: { key_id: String(second.body.key_id) },
    query: { made: "revoke" },
  });
  await ask("GET /v1/users/{user_id}/api-keys", { ...admin, params });
  await ask("DELETE /v1/users/{user_id}/api-keys/{key_id}", {
    ...admin,
    params: { ...params, key_id: String(third.body.key_id) },
  });

  const run = { thread_id: "thread-of-ada", invocation_id: "run-of-ada" };
  const body = { message: "[[stall]] stalled", invocation_id: run.invocation_id };
  await ask("POST /v1/threads/{thread_id}/runs", { key, params: { thread_id: run.thread_id }, body });
  const cancel = "POST /v1/users/{user_id}/threads/{thread_id}/runs/{invocation_id}/cancel";
  await ask(cancel, { ...admin, params: { ...params, ...run } });

  issuer.accounts.set("ada", { email: "ada@example.com", email_verified: true, name: "Ada" });
  for (const end of ["one", "all", "admin", "page"] as const) {
    const cookie = await signIn({ ask }, relay.url);
    const { body } = await ask("GET /v1/sessions", { key });
    const session_id = String(body.data[0]?.session_id);
    if (end === "one") await ask("DELETE /v1/sessions/{session_id}", { key, params: { session_id } });
    if (end === "all") await ask("DELETE /v1/sessions", { key });
    if (end === "admin") await ask("DELETE /v1/users/{user_id}/sessions", { ...admin, params });
    const headers = { cookie, "sec-fetch-site": "same-origin", origin: relay.url };
    if (end === "page") await ask("POST /auth/sign-out", { key: null, headers });
  }
  await ask("GET /v1/audit", { key, query: { action: "api_key.create" } });
  await ask("DELETE /v1/users/{user_id}", { ...admin, params });
}

/** Returns the cookie of the session. */
async function signIn({ ask }: Pick<Walker, "ask">, url: string): Promise<string> {
  const begun = await ask("GET /auth/sign-in", { key: null, query: { return_to: "/" } });
  const callback = new URL(await approve(openCookieClient(), begun.location, "ada", `${url}/auth/callback`));
  const back = { query: Object.fromEntries(callback.searchParams), headers: { cookie: cookieOf(begun.cookies) } };
  const { cookies } = await ask("GET /auth/callback", { key: null, ...back });
  return cookieOf(cookies.filter((line) => !/max-age=0/i.test(line)));
}

export function cookieOf(lines: string[]): string {
  return lines.map((line) => line.split(";", 1)[0]).join("; ");
}
