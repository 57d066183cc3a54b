// Bounds what the objects of an isolate keep of their threads' histories. Those of the objects that ran longest ago are
// dropped first, and read again if such a thread goes on. It holds plain data, so it may be in module scope.
import type { KeptHistory } from "./thread-memory.ts";

/** Of the 128 MB of an isolate, at most 16 MiB: a character has one byte, or two beside any that is not Latin. */
const MAX_CHARACTERS = 8 * 1024 * 1024;

export interface HistoryBudget {
  /** Notes the use of a history that has so many characters. One that is too long alone is not kept. */
  use(history: KeptHistory, characters: number): void;
  drop(history: KeptHistory): void;
}

export function createHistoryBudget(max_characters: number): HistoryBudget {
  // Least recently used first.
  const sizes = new Map<KeptHistory, number>();
  let total = 0;
  const drop = (history: KeptHistory): void => {
    total -= sizes.get(history) ?? 0;
    sizes.delete(history);
    history.conversation = null;
    history.answers = new Map();
    history.waiting = [];
  };
  return {
    drop,
    use(history, characters) {
      // Alone, so that it does not drop those of all others with it, at each of its steps.
      if (characters > max_characters) return drop(history);
      total += characters - (sizes.get(history) ?? 0);
      sizes.delete(history);
      sizes.set(history, characters);
      for (const oldest of sizes.keys()) {
        if (total <= max_characters) return;
        drop(oldest);
      }
    },
  };
}

/** The isolate's: its objects share it. */
export const historyBudget = createHistoryBudget(MAX_CHARACTERS);
