// One request at a time to a host, for all threads of an isolate: a site that is asked politely keeps answering. A turn
// is a time in memory and no promise, because objects of one isolate can't wait for each other's, and because the one
// that holds it may die.
import { sleep } from "../sleep.ts";

/** The host had other requests for too long. */
export const BUSY = "busy";

export interface HostTurns {
  /** Rejects as `work` does, and when the signal aborts while it waits. */
  use<T>(host: string, signal: AbortSignal, work: () => Promise<T>): Promise<T | typeof BUSY>;
}

export interface TurnLimits {
  /** A turn ends by itself after this: longer than any request takes. */
  turn_ms: number;
  /** How long a call waits for its turn. */
  wait_ms: number;
  poll_ms: number;
}

const usual: TurnLimits = { turn_ms: 30_000, wait_ms: 40_000, poll_ms: 50 };

export function createHostTurns(limits: TurnLimits = usual): HostTurns {
  const turns = new Map<string, { until: number }>();
  const isBusy = (host: string) => (turns.get(host)?.until ?? 0) > Date.now();
  return {
    async use(host, signal, work) {
      const latest = Date.now() + limits.wait_ms;
      while (isBusy(host)) {
        if (Date.now() > latest) return BUSY;
        await sleep(limits.poll_ms, signal);
      }
      const turn = { until: Date.now() + limits.turn_ms };
      turns.set(host, turn);
      try {
        return await work();
      } finally {
        // It may have run out, and be another's now.
        if (turns.get(host) === turn) turns.delete(host);
      }
    },
  };
}
