// Bounds what the objects of an isolate keep of their threads' histories. Those of the objects that ran longest ago are
// dropped first, and read again if such a thread continues. It holds plain data, so it may be in module scope.
//
// The history of a live run is not here: the run holds it in any case (`agent/context/crowd.ts`).
import { isolateMemory } from "../../lib/memory/isolate.ts";
import type { KeptHistory } from "./thread-memory.ts";

/** As much as one may have (`MAX_CONVERSATION_BYTES`), and as many small ones in its place. */
const MAX_BYTES = 8 * 1024 * 1024;

export interface HistoryBudget {
  /** Notes a history that has so many bytes and that no run holds. One that is too long alone is not kept. */
  use(history: KeptHistory, bytes: number): void;
  /** A run takes it. */
  lend(history: KeptHistory): void;
  drop(history: KeptHistory): void;
  /** Drops some, for room elsewhere. */
  shrink(bytes: number): void;
}

/** `onChange` gets how many bytes more, or less, are kept. */
export function createHistoryBudget(max_bytes: number, onChange: (bytes: number) => void = () => {}): HistoryBudget {
  // Least recently used first.
  const sizes = new Map<KeptHistory, number>();
  let total = 0;
  const lend = (history: KeptHistory): void => {
    const bytes = sizes.get(history) ?? 0;
    if (!sizes.delete(history)) return;
    total -= bytes;
    onChange(-bytes);
  };
  const drop = (history: KeptHistory): void => {
    lend(history);
    history.conversation = null;
    history.answers = new Map();
    history.waiting = [];
    history.waiting_bytes = 0;
  };
  const shrinkTo = (bytes: number): void => {
    for (const oldest of sizes.keys()) {
      if (total <= bytes) return;
      drop(oldest);
    }
  };
  return {
    lend,
    drop,
    shrink: (bytes) => shrinkTo(total - bytes),
    use(history, bytes) {
      // Alone, so that it does not drop those of all others with it, at each of its steps.
      if (bytes > max_bytes) return drop(history);
      lend(history);
      sizes.set(history, bytes);
      total += bytes;
      shrinkTo(max_bytes);
      onChange(bytes);
    },
  };
}

const pool = isolateMemory.openPool("histories", MAX_BYTES, (bytes) => historyBudget.shrink(bytes));

/** The isolate's: its objects share it. */
export const historyBudget = createHistoryBudget(MAX_BYTES, pool.add);
