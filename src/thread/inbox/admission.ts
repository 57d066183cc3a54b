// How much may wait on a thread.
import { fail, type Result } from "../../protocol/error.ts";
import type { RunInput } from "../../protocol/thread.ts";

// A thread is one conversation; who queues more than this is a loop, not a person.
const LONGEST_QUEUE = 100;
// A life holds all that waits in memory, so a hundred of the longest messages would leave it none, and the next one neither.
const MOST_WAITING_CHARS = 8 * 1024 * 1024;

/**
 * Null where there is room for one more beside those that wait. Alone, any input that a door lets in has it, and what
 * replaces those that wait is alone.
 */
export function checkRoom(waiting: (RunInput | null)[], input: RunInput): Result<never> | null {
  if (input.on_busy === "replace") return null;
  if (waiting.length >= LONGEST_QUEUE) {
    return fail("rate_limited", `${LONGEST_QUEUE} runs and messages are waiting on this thread.`);
  }
  if (waiting.length === 0) return null;
  const chars = [...waiting, input].reduce((sum, each) => sum + (each === null ? 0 : sizeOf(each)), 0);
  if (chars <= MOST_WAITING_CHARS) return null;
  return fail("rate_limited", `${waiting.length} long runs and messages are waiting on this thread.`);
}

// Measured once: each input is counted with every one that comes after it.
const sizes = new WeakMap<RunInput, number>();

function sizeOf(input: RunInput): number {
  const size = sizes.get(input) ?? JSON.stringify(input).length;
  sizes.set(input, size);
  return size;
}
