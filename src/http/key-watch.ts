// Watches the caller's key while a request is open for long: a terminal, a transfer, a wait for a run. Streams of
// events are watched by the thread's object, which asks for all its readers at once.
import { findEndedKeys } from "../store/api-keys.ts";
import { clock } from "../thread/ports.ts";
import { checkKeys, checkWithin, isExpired } from "../thread/stream/ended-keys.ts";
import { expired } from "./auth.ts";
import type { AppContext, Caller } from "./context.ts";
import { Problem } from "./errors.ts";

const KEY_ENDED = "The API key is no longer valid.";
const SESSION_ENDED = "The session has ended.";
const UNKNOWN = "The server could not find out for too long whether the API key is still valid.";

export interface KeyWatch {
  /** Aborted once the key no longer holds. The reason is the problem to answer. */
  signal: AbortSignal;
  /** Call this when the request is over. */
  stop(): void;
}

/** A timer takes no longer time. A request that lasts longer is asked about every ten seconds all the same. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Asks D1 every ten seconds, and aborts at the key's expiry without asking. */
export function watchKey(context: AppContext): KeyWatch {
  const caller = context.get("caller");
  const over = new AbortController();
  let isStopped = false;
  let cancel = (): void => {};
  const end = (reason: Problem): void => {
    stop();
    over.abort(reason);
  };
  const watch = (): void => {
    if (!isStopped) cancel = clock.setTimer(() => void look(), checkWithin(caller, [], clock.now()));
  };
  const look = async (): Promise<void> => {
    const find = (key_ids: string[]) => findEndedKeys(context.env.DB, caller.user_id, key_ids, clock.now());
    const { ended, failure } = await checkKeys(clock, [caller], find);
    if (isStopped) return;
    if (!ended.has(caller.key_id)) return watch();
    if (isExpired(caller, clock.now())) return end(expired(caller));
    const gone = caller.kind === "session" ? SESSION_ENDED : KEY_ENDED;
    end(failure === null ? new Problem("unauthorized", gone) : new Problem("internal", UNKNOWN));
  };
  watch();
  const cancelExpiry = atExpiry(caller, () => end(expired(caller)));
  function stop(): void {
    isStopped = true;
    cancel();
    cancelExpiry();
  }
  return { signal: over.signal, stop };
}

/** Returns a function that cancels it. */
function atExpiry({ expires_at }: Pick<Caller, "expires_at">, act: () => void): () => void {
  const left = expires_at === null ? Number.POSITIVE_INFINITY : expires_at - clock.now();
  return left > MAX_TIMER_MS ? () => {} : clock.setTimer(act, Math.max(0, left));
}

/** Settles as `work` does, or rejects once the key no longer holds. The work itself continues. */
export async function whileKeyHolds<T>(context: AppContext, work: () => Promise<T>): Promise<T> {
  const watch = watchKey(context);
  const ended = new Promise<never>((_resolve, reject) => {
    watch.signal.addEventListener("abort", () => reject(watch.signal.reason), { once: true });
  });
  try {
    return await Promise.race([work(), ended]);
  } finally {
    watch.stop();
  }
}
