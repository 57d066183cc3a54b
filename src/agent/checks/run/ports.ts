// What the runner of checks needs, and what it gives.
import type { CheckInput, Receipt } from "../../../protocol/plan/check.ts";
import type { CheckPlace } from "../place.ts";

export type PublicAnswer =
  | { ok: true; status: number; body: string; body_bytes: number; body_hash: string }
  /** `refused`: the address must not be asked, or can't be from here, so nothing was seen. A complete sentence. */
  | { ok: false; refused: boolean; message: string };

/**
 * A GET to a public address, within the user's quota and a limit of time. Redirects are not followed, and at most 64 KiB
 * of the body are kept. Rejects only with the signal's reason.
 */
export type FetchPublic = (url: string, signal: AbortSignal) => Promise<PublicAnswer>;

export interface CheckRunPorts {
  /** Absent: the sandbox has no place for checks, or there is no sandbox. */
  place: CheckPlace | undefined;
  /** Identifies the run among all runs of the project, which share a sandbox. The same in each life of the run. */
  scope: string;
  /** Which life of the run this is, from 1. */
  attempt: number;
  /** The run that receipts name; null if a person runs checks again. */
  invocation_id: string | null;
  fetchPublic: FetchPublic;
  /** Whether another thread has worked in the same sandbox since then. Asked only if files changed during a check. */
  othersAtWork?: (since: number) => Promise<boolean>;
  /** Equal for checks that are the same. */
  keyOf: (spec: CheckInput) => string;
  newId: () => string;
  now: () => number;
  /** Rejects when the signal aborts. */
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** The run's. When it aborts, what was started is ended. */
  signal: AbortSignal;
  /** Called for each receipt as soon as it is known. */
  onReceipt?: (receipt: Receipt) => void;
}

/** Why the time for a look is over. */
export const TIME_OVER = new Error("The time is over.");

/** Does the work with a signal that aborts with the run, or with `TIME_OVER` after `ms`. */
export async function within<Value>(
  { sleep }: Pick<CheckRunPorts, "sleep">,
  ms: number,
  outer: AbortSignal | null,
  work: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  const end = new AbortController();
  const rest = new AbortController();
  const onAbort = () => end.abort(outer?.reason);
  if (outer?.aborted) onAbort();
  outer?.addEventListener("abort", onAbort, { once: true });
  const timer = sleep(Math.max(0, ms), rest.signal).then(
    () => end.abort(TIME_OVER),
    () => {},
  );
  try {
    return await work(end.signal);
  } finally {
    outer?.removeEventListener("abort", onAbort);
    rest.abort();
    await timer;
  }
}
