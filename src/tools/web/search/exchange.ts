// One request to a search service and its answer in JSON: bounded in time and size, without following redirects, and
// without words of the network in what failed.
import { readBoundedText } from "../../../lib/network/bounded-body.ts";
import { readRetryAfter } from "../../../lib/retry.ts";
import type { SearchFailureReason } from "./search-service.ts";

/** Ten results with long passages have 100 KB; a SearXNG with many engines, also for pictures, a few times as much. */
const MAX_BODY_BYTES = 2 * 1024 * 1024;

/** Services ask for an hour at most. A longer time is a mistake, or an empty account. */
const MAX_RETRY_AFTER_MS = 60 * 60_000;

export interface Refusal {
  status: number;
  headers: Headers;
  /** Parsed JSON; null if it is none. */
  body: unknown;
  retry_after_ms: number | null;
}

export type Exchanged =
  | { kind: "answered"; status: number; body: unknown }
  | { kind: "refused"; refusal: Refusal }
  | { kind: "failed"; reason: SearchFailureReason; status: number | null };

/** Throws only the reason of `signal`. */
export async function exchange(
  url: string,
  init: RequestInit,
  limit_ms: number,
  signal: AbortSignal,
): Promise<Exchanged> {
  signal.throwIfAborted();
  const stop = new AbortController();
  const onAbort = () => stop.abort(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  const timer = setTimeout(() => stop.abort(), limit_ms);
  let status: number | null = null;
  try {
    const response = await fetch(url, { ...init, redirect: "manual", signal: stop.signal });
    status = response.status;
    return await readAnswer(response);
  } catch (error) {
    signal.throwIfAborted();
    if (stop.signal.aborted) return { kind: "failed", reason: "timeout", status };
    return { kind: "failed", reason: error instanceof RangeError ? "unreadable" : "unreachable", status };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}

async function readAnswer(response: Response): Promise<Exchanged> {
  const { status, headers } = response;
  if (status >= 300 && status < 400) {
    await response.body?.cancel();
    return { kind: "failed", reason: "moved", status };
  }
  const text = await readBoundedText(response, MAX_BODY_BYTES);
  const body = parseJson(text);
  if (response.ok) {
    return body === undefined ? { kind: "failed", reason: "unreadable", status } : { kind: "answered", status, body };
  }
  const wait = readRetryAfter(headers);
  const retry_after_ms = wait === null ? null : Math.min(wait, MAX_RETRY_AFTER_MS);
  return { kind: "refused", refusal: { status, headers, body: body ?? null, retry_after_ms } };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function reasonOfStatus(status: number): SearchFailureReason {
  if (status === 401 || status === 403) return "key_refused";
  if (status === 402) return "account_empty";
  if (status === 404 || status === 405) return "setup_refused";
  if (status === 429) return "rate_limited";
  return status >= 500 || status === 408 ? "unavailable" : "bad_request";
}
