// Bounds one request in time and closes it immediately when its caller aborts. A single timer is set again only when it
// fires too early or must fire earlier, so a token costs one reading of the clock and no timer.

export type StopReason = "cancelled" | "no_first_byte" | "silent" | "too_long";

/** Many servers send a chunk with the role immediately and then think: the reply has not begun then. */
export type Progress = "waiting" | "begun" | "finished";

export interface TimeLimits {
  /** From the request, or from bytes that are not part of the reply, to the next bytes: models think before they reply. */
  first_byte_ms: number;
  /** Between two reads once the reply has begun. */
  idle_ms: number;
  /** The whole reply, so that comments or spaces that trickle in can't hold a run for ever. */
  total_ms: number;
}

/** After the finish reason, only the token counts are still to come. */
const AFTER_FINISH_MS = 5000;

export interface RequestGuard {
  /** Aborts the request for any reason. */
  signal: AbortSignal;
  readonly reason: StopReason | null;
  /** Call this when bytes arrive, also those that only keep the connection alive: the server that sends them works. */
  touch(progress: Progress): void;
  /** What else to close when the request is stopped. */
  onStop(close: () => void): void;
  /** Ends the guard and removes its timer and listener. */
  release(): void;
}

export function guardRequest({ first_byte_ms, idle_ms, total_ms }: TimeLimits, caller: AbortSignal): RequestGuard {
  const controller = new AbortController();
  const finished = Math.min(idle_ms, AFTER_FINISH_MS);
  const silences: Record<Progress, number> = { waiting: first_byte_ms, begun: idle_ms, finished };
  const last = Date.now() + total_ms;
  let reason: StopReason | null = null;
  let closeBody = () => {};
  let late: StopReason = "no_first_byte";
  let deadline = Math.min(last, Date.now() + first_byte_ms);
  let timer: ReturnType<typeof setTimeout>;
  let due = 0;

  function stop(why: StopReason): void {
    if (reason) return;
    reason = why;
    clearTimeout(timer);
    controller.abort();
    closeBody();
  }

  function wait(until: number): void {
    due = until;
    timer = setTimeout(() => (Date.now() < deadline ? wait(deadline) : stop(late)), until - Date.now());
  }

  // No later than a reply that has begun may fall silent: most calls need no other timer then.
  wait(Math.min(deadline, Date.now() + idle_ms));
  const cancel = () => stop("cancelled");
  if (caller.aborted) cancel();
  else caller.addEventListener("abort", cancel, { once: true });

  return {
    signal: controller.signal,
    get reason() {
      return reason;
    },
    touch(progress) {
      if (reason) return;
      const next = Date.now() + silences[progress];
      late = next > last ? "too_long" : progress === "waiting" ? "no_first_byte" : "silent";
      deadline = Math.min(next, last);
      if (deadline >= due) return;
      clearTimeout(timer);
      wait(deadline);
    },
    onStop(close) {
      closeBody = close;
      if (reason) close();
    },
    release() {
      clearTimeout(timer);
      caller.removeEventListener("abort", cancel);
    },
  };
}
