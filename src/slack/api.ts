// Slack's Web API: one call, and what came of it as a value. Arguments go as a form, nested ones as JSON, which is what every
// method takes. The token is in a header and nowhere else.
import { readBoundedText } from "../lib/bounded-body.ts";
import { readRetryAfter } from "../lib/retry.ts";

export interface SlackAccess {
  /** With a slash at its end. */
  api_url: string;
  /** Of the bot; null for the methods that need none. */
  token: string | null;
}

export type SlackAnswer =
  | { kind: "done"; body: Record<string, unknown> }
  /** Nothing was done; `error` is Slack's word for why. */
  | { kind: "refused"; error: string }
  /** Nothing was done: too many calls. */
  | { kind: "later"; after_ms: number }
  /** No answer came, or none that can be read: whether it was done is not known. */
  | { kind: "unknown"; reason: string };

/** Never rejects. */
export type CallSlack = (method: string, fields: Record<string, unknown>) => Promise<SlackAnswer>;

// Slack answers within a second or two; what takes longer is asked about again later.
const CALL_MS = 10_000;
// A page of a thread's messages is the longest that is read.
const ANSWER_BYTES = 4 * 1024 * 1024;
const USUAL_WAIT_MS = 30_000;
// Nothing is shown any more by then; timers hold no number of any size.
const LONGEST_WAIT_MS = 24 * 60 * 60_000;

export function createSlackCaller({ api_url, token }: SlackAccess, send: typeof fetch = fetch): CallSlack {
  return async (method, fields) => {
    try {
      const response = await send(api_url + method, {
        method: "POST",
        redirect: "manual",
        headers: token === null ? {} : { authorization: `Bearer ${token}` },
        body: toForm(fields),
        signal: AbortSignal.timeout(CALL_MS),
      });
      if (response.status === 429) {
        await response.body?.cancel();
        const asked = readRetryAfter(response.headers) ?? USUAL_WAIT_MS;
        return { kind: "later", after_ms: Math.min(LONGEST_WAIT_MS, Math.max(1_000, asked)) };
      }
      if (response.status >= 300) {
        await response.body?.cancel();
        return { kind: "unknown", reason: `${method} was answered with ${response.status}` };
      }
      return readAnswer(method, await readBoundedText(response, ANSWER_BYTES));
    } catch (error) {
      return { kind: "unknown", reason: `${method}: ${error instanceof Error ? error.name : "failed"}` };
    }
  };
}

function toForm(fields: Record<string, unknown>): URLSearchParams {
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined && value !== null)
      form.set(name, typeof value === "string" ? value : JSON.stringify(value));
  }
  return form;
}

function readAnswer(method: string, text: string): SlackAnswer {
  const body: unknown = JSON.parse(text);
  if (typeof body !== "object" || body === null) return { kind: "unknown", reason: `${method} was answered oddly` };
  const { ok, error } = body as Record<string, unknown>;
  if (ok === true) return { kind: "done", body: body as Record<string, unknown> };
  // Some refusals for too many calls come with a status of 200.
  if (error === "ratelimited" || error === "rate_limited") return { kind: "later", after_ms: USUAL_WAIT_MS };
  // Slack's own failures, in whose midst it may have been done.
  if (error === "internal_error" || error === "fatal_error" || error === "service_unavailable") {
    return { kind: "unknown", reason: `${method}: ${error}` };
  }
  return { kind: "refused", error: typeof error === "string" ? error.slice(0, 100) : "unknown" };
}
