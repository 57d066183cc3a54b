// Calls Slack's Web API and returns the outcome as a value. Arguments are sent as a form, nested ones as JSON, because
// every method accepts that. The token is in a header and nowhere else.
import { readBoundedText } from "../lib/network/bounded-body.ts";
import { readRetryAfter } from "../lib/retry.ts";

export interface SlackAccess {
  /** Ends with a slash. */
  api_url: string;
  /** The bot's token; null for methods that need none. */
  token: string | null;
}

export type SlackAnswer =
  | { kind: "done"; body: Record<string, unknown> }
  /** Nothing was done; `error` is Slack's error code. */
  | { kind: "refused"; error: string }
  /** Nothing was done, because of a rate limit. */
  | { kind: "later"; after_ms: number }
  /** No answer came, or none that can be parsed: it is not known whether the call was carried out. */
  | { kind: "unknown"; reason: string };

/** Never rejects. */
export type CallSlack = (method: string, fields: Record<string, unknown>) => Promise<SlackAnswer>;

// Slack answers within a second or two. After this the outcome counts as unknown.
const CALL_MS = 10_000;
// The longest answer that is read is a page of a thread's messages.
const ANSWER_BYTES = 4 * 1024 * 1024;
const DEFAULT_WAIT_MS = 30_000;
// After a day a run is no longer shown. The limit also keeps a wait within what timers accept.
const MAX_WAIT_MS = 24 * 60 * 60_000;

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
        const asked = readRetryAfter(response.headers) ?? DEFAULT_WAIT_MS;
        return { kind: "later", after_ms: Math.min(MAX_WAIT_MS, Math.max(1_000, asked)) };
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
  // Some rate limits come with status 200.
  if (error === "ratelimited" || error === "rate_limited") return { kind: "later", after_ms: DEFAULT_WAIT_MS };
  // Slack's own failures, which do not say whether the call was carried out.
  if (error === "internal_error" || error === "fatal_error" || error === "service_unavailable") {
    return { kind: "unknown", reason: `${method}: ${error}` };
  }
  return { kind: "refused", error: typeof error === "string" ? error.slice(0, 100) : "unknown" };
}
