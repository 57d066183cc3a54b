// An installation of the app, step by step as a browser makes it.
import { expect } from "vitest";
import { type SlackClient, TOKEN } from "./slack-client.ts";

/** Path and query of an address, as a browser requests it here. */
export function pathOf(address: unknown): string {
  const { pathname, search } = new URL(String(address));
  return pathname + search;
}

export async function begin(slack: SlackClient, headers: Record<string, string> = {}, body = {}) {
  const made = await slack.ask("POST", "/v1/slack/install", body);
  expect(made.status).toBe(200);
  const left = await slack.send("GET", pathOf(made.body.url), undefined, headers);
  return { made, left };
}

export function stateOf(location: string | null): string {
  return new URL(location ?? "").searchParams.get("state") ?? "";
}

export function cookieOf(headers: Headers): string {
  return (headers.get("set-cookie") ?? "").split(";")[0] ?? "";
}

export function back(slack: SlackClient, query: Record<string, string>, cookie?: string) {
  const path = `/integrations/slack/callback?${new URLSearchParams(query)}`;
  return slack.send("GET", path, undefined, cookie === undefined ? {} : { cookie });
}

export const access = {
  ok: true,
  access_token: TOKEN,
  token_type: "bot",
  bot_user_id: "UBOT",
  app_id: "A1",
  team: { id: "TIN1", name: "Acme <b>" },
  is_enterprise_install: false,
};
