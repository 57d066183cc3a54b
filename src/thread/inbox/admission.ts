// Limits how much may wait on a thread.
import { fail, type Result } from "../../protocol/error.ts";
import type { RunInput } from "../../protocol/thread.ts";

// A thread is one conversation: only a program in a loop queues more than this.
const MAX_QUEUE_LENGTH = 100;
// A life holds all that waits in memory: a hundred of the longest messages would exhaust it, and the next life too.
const MAX_WAITING_CHARS = 8 * 1024 * 1024;

/**
 * Null if the input has room beside those that wait. If none waits, any input that a route accepts has room; an input
 * that replaces the others waits alone.
 */
export function checkRoom(waiting: (RunInput | null)[], input: RunInput): Result<never> | null {
  if (input.on_busy === "replace") return null;
  if (waiting.length >= MAX_QUEUE_LENGTH) {
    return fail("rate_limited", `${MAX_QUEUE_LENGTH} runs and messages are waiting on this thread.`);
  }
  if (waiting.length === 0) return null;
  const chars = [...waiting, input].reduce((sum, each) => sum + (each === null ? 0 : sizeOf(each)), 0);
  if (chars <= MAX_WAITING_CHARS) return null;
  return fail("rate_limited", `${waiting.length} long runs and messages are waiting on this thread.`);
}

// Each input is measured once, since it is counted again with every later one.
const sizes = new WeakMap<RunInput, number>();

function sizeOf(input: RunInput): number {
  const size = sizes.get(input) ?? JSON.stringify(input).length;
  sizes.set(input, size);
  return size;
}
