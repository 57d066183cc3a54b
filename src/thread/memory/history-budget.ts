// Bounds what the objects of an isolate keep of their threads' histories. Those of the objects that ran longest ago are
// dropped first, and read again if such a thread continues. It holds plain data, so it may be in module scope.
//
// The history of a live run is not here: the run holds it in any case (`agent/context/crowd.ts`).
import { Room } from "../../lib/memory/room.ts";
import type { KeptHistory } from "./thread-memory.ts";

/** As much as one may have (`MAX_CONVERSATION_BYTES`), and as many small ones in its place. */
const MAX_BYTES = 8 * 1024 * 1024;

export interface HistoryBudget {
  /** Notes a history that has so many bytes and that no run holds. One that is too long alone is not kept. */
  use(history: KeptHistory, bytes: number): void;
  /** A run takes it. */
  lend(history: KeptHistory): void;
  drop(history: KeptHistory): void;
}

export function createHistoryBudget(room: Room): HistoryBudget {
  // Least recently used first.
  const sizes = new Map<KeptHistory, number>();
  const lend = (history: KeptHistory): void => {
    const bytes = sizes.get(history) ?? 0;
    if (!sizes.delete(history)) return;
    room.add(-bytes);
  };
  const drop = (history: KeptHistory): void => {
    lend(history);
    history.conversation = null;
    history.answers = new Map();
    history.waiting = [];
    history.waiting_bytes = 0;
  };
  return {
    lend,
    drop,
    use(history, bytes) {
      // Alone, so that it does not drop those of all others with it, at each of its steps.
      if (bytes > room.limit) return drop(history);
      lend(history);
      sizes.set(history, bytes);
      room.add(bytes);
      for (const oldest of sizes.keys()) {
        if (room.fits(0)) return;
        drop(oldest);
      }
    },
  };
}

/** The isolate's: its objects share it. */
export const historyBudget = createHistoryBudget(new Room("histories", MAX_BYTES));
