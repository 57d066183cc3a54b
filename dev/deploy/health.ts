// Asks a new deployment whether all that it needs answers. A new address takes a while until it is known everywhere.
import { setTimeout as wait } from "node:timers/promises";
import { Failure } from "./failure.ts";

export interface HealthTimes {
  /** How long it is asked until it answers at all. */
  patience_ms: number;
  pause_ms: number;
  answer_ms: number;
}

/** Cloudflare says that a new subdomain takes up to some minutes. */
export const usualTimes: HealthTimes = { patience_ms: 180_000, pause_ms: 2_000, answer_ms: 15_000 };

export interface Health {
  /** One for each check, for people. Empty where the server knows no checks. */
  lines: string[];
}

export async function askHealth(url: string, adminKey: string | null, times = usualTimes): Promise<Health> {
  const until = Date.now() + times.patience_ms;
  for (;;) {
    const answer = await ask(url, adminKey, times.answer_ms);
    if (answer.body !== null && answer.status !== 404) return judge(answer.status, answer.body, url);
    if (Date.now() >= until) {
      throw new Failure(
        `${url}/healthz does not answer as Taskloom does (${answer.said})`,
        "A new address may take some minutes. Run the same command again; it continues from here.",
      );
    }
    await wait(times.pause_ms);
  }
}

interface Answer {
  status: number;
  /** Null if it is not an object in JSON, as from something in front of the Worker. */
  body: Record<string, unknown> | null;
  said: string;
}

async function ask(url: string, adminKey: string | null, answer_ms: number): Promise<Answer> {
  try {
    const headers: Record<string, string> = adminKey === null ? {} : { authorization: `Bearer ${adminKey}` };
    const signal = AbortSignal.timeout(answer_ms);
    const response = await fetch(`${url}/healthz${adminKey === null ? "" : "?deep=1"}`, { headers, signal });
    const text = (await response.text()).slice(0, 100_000);
    return { status: response.status, body: parseObject(text), said: `status ${response.status}` };
  } catch (error) {
    const { message, cause } = error as Error & { cause?: { code?: string } };
    return { status: 0, body: null, said: cause?.code ?? message };
  }
}

function judge(status: number, body: Record<string, unknown>, url: string): Health {
  if (status === 401 || status === 403) {
    throw new Failure(
      "the deployment has another ADMIN_API_KEY than secrets.json",
      "Put the right one into secrets.json, or replace it: `npx wrangler secret put ADMIN_API_KEY`.",
    );
  }
  const checks = readChecks(body.checks);
  const lines = checks.map(({ name, ok, text }) => `${name}: ${ok ? "" : "FAILED, "}${text}`);
  if (status === 200) return { lines };
  const failed = checks.filter(({ ok }) => !ok).map(({ name, text }) => `${name}: ${text}`);
  throw new Failure(
    [`the deployment answers, but not all of it works (status ${status})`, ...failed].join("\n"),
    `Fix it: settings by setup, then deploy again. ${url}/healthz?deep=1 with the admin key shows all checks.`,
  );
}

interface Check {
  name: string;
  ok: boolean;
  text: string;
}

function readChecks(given: unknown): Check[] {
  const list = Array.isArray(given)
    ? given
    : Object.entries((given as Record<string, object> | null | undefined) ?? {}).map(([name, of]) => ({ name, ...of }));
  return list.slice(0, 50).map((each: Record<string, unknown>) => {
    const { name, ok, status, ms, message, detail, problem } = each;
    const isOk = typeof ok === "boolean" ? ok : status === "ok" || status === "skipped";
    const said = [problem, message, detail].find((text) => typeof text === "string") as string | undefined;
    return {
      name: String(name),
      ok: isOk,
      text: said ?? `${isOk ? "ok" : "failed"}${ms === undefined ? "" : `, ${ms} ms`}`,
    };
  });
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
