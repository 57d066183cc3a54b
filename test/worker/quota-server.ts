// A server with quotas and a user of it, for tests of what is refused.
import { env } from "cloudflare:test";
import { expect } from "vitest";
import type { Env } from "../../src/config.ts";
import { isQuotaName } from "../../src/protocol/money/quotas.ts";
import { countedDatabase } from "./counted-database.ts";
import { MANY_OF_ALL, setLimits } from "./fixed-limits.ts";
import { type Answer, type Client, createClient } from "./http-client.ts";

let users = 0;

/** A server with some quotas or fixed limits, and a user of it. No other quota is met. */
export async function serverWith(quotas: Record<string, number>, settings: Partial<Env> = {}) {
  const { db, written } = countedDatabase();
  const [named, fixed] = [true, false].map((isNamed) =>
    Object.entries(quotas).filter(([name]) => isQuotaName(name) === isNamed),
  ) as [[string, number][], [string, number][]];
  setLimits(Object.fromEntries(fixed));
  const QUOTAS = [MANY_OF_ALL, ...named.map(([name, number]) => `${name}=${number}`)].join();
  const client = createClient({ DB: db, ENCRYPTION_KEY: "key of the tests", QUOTAS, ...settings });
  users += 1;
  const user_id = `user_quota_${users}`;
  const user = await client.addUser(user_id);
  return { client, user, user_id, written, QUOTAS };
}

export async function giveQuotas(user_id: string, quotas: Record<string, number>): Promise<void> {
  await env.DB.prepare("UPDATE users SET quotas = ?2 WHERE user_id = ?1").bind(user_id, JSON.stringify(quotas)).run();
}

export const run = (user: Client, thread = "thread-q") =>
  user.send("POST", `/v1/threads/${thread}/runs`, { message: "hi" });
export const agUi = { threadId: "thread-q", runId: "run-1", messages: [{ id: "u1", role: "user", content: "hi" }] };

export function expectRefused(answer: Answer, name: string): void {
  expect([answer.status, answer.body.status, answer.body.code]).toEqual([429, 429, "quota_exceeded"]);
  expect(answer.body.detail).toContain(`(${name})`);
  expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
}
