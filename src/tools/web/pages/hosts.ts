// One request at a time to a host, for all threads of an isolate: a site that is asked politely keeps answering. A turn
// is a time in memory and no promise, because objects of one isolate can't wait for each other's. It belongs to the life
// that renews it: a life that ends takes its timers along, and its turn ends soon after.
import { sleep } from "../sleep.ts";

/** The host had other requests for too long. */
export const BUSY = "busy";

export interface HostTurns {
  /** Rejects as `work` does, and when the signal aborts while it waits. All ports of a host are one host. */
  use<T>(url: URL, signal: AbortSignal, work: () => Promise<T>): Promise<T | typeof BUSY>;
}

export interface TurnLimits {
  /** A turn that is renewed ends by itself after this: longer than any request takes. */
  turn_ms: number;
  /** A turn that is not renewed ends after this: longer than a page of the largest size keeps the isolate busy. */
  hold_ms: number;
  renew_ms: number;
  /** How long a call waits for its turn. */
  wait_ms: number;
  /** At first. Those who wait for long ask less often: hundreds may wait. */
  poll_ms: number;
}

const usual: TurnLimits = { turn_ms: 30_000, hold_ms: 4_000, renew_ms: 1_000, wait_ms: 40_000, poll_ms: 50 };

export function createHostTurns(own: Partial<TurnLimits> = {}): HostTurns {
  const limits = { ...usual, ...own };
  const turns = new Map<string, { until: number }>();
  const isBusy = (host: string) => (turns.get(host)?.until ?? 0) > Date.now();
  return {
    async use({ hostname }, signal, work) {
      const host = hostname.replace(/\.$/, "");
      const latest = Date.now() + limits.wait_ms;
      for (let poll_ms = limits.poll_ms; isBusy(host); poll_ms = Math.min(poll_ms * 2, limits.poll_ms * 4)) {
        if (Date.now() > latest) return BUSY;
        await sleep(poll_ms, signal);
      }
      const end = Date.now() + limits.turn_ms;
      const turn = { until: 0 };
      const renew = () => {
        turn.until = Math.min(Date.now() + limits.hold_ms, end);
      };
      renew();
      turns.set(host, turn);
      const renewing = setInterval(renew, limits.renew_ms);
      try {
        return await work();
      } finally {
        clearInterval(renewing);
        // It may have run out, and be another's now.
        if (turns.get(host) === turn) turns.delete(host);
      }
    },
  };
}
