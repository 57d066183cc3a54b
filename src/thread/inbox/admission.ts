// Limits how much may wait on a thread.
import { isCrowded } from "../../agent/context/crowd.ts";
import { Room, Share } from "../../lib/memory/room.ts";
import { isWide } from "../../lib/memory/text-bytes.ts";
import { fail, type Result } from "../../protocol/error.ts";
import { textOf } from "../../protocol/message.ts";
import type { RunInput } from "../../protocol/thread.ts";
import type { Life } from "../life.ts";

// A thread is one conversation: only a program in a loop queues more than this.
const MAX_QUEUE_LENGTH = 100;
// A life holds all that waits in memory: a hundred of the longest messages would exhaust it, and the next life too.
const MAX_WAITING_CHARS = 8 * 1024 * 1024;

/** Of all threads of the isolate. One alone may have half of it, or all in a script that takes two bytes a character. */
const MAX_INPUTS_BYTES = 16 * 1024 * 1024;
const inputs = new Room("inputs", MAX_INPUTS_BYTES);
/** A life whose inputs are short is not counted. */
const shares = new WeakMap<Life, Share>();

/** Call this when a run has come or begun: what waits behind it is in memory. */
export function noteInputs(life: Life): void {
  const known = shares.get(life);
  if (known === undefined && life.live.size < 2) return;
  const bytes = [...life.live.values()].reduce((sum, { input }) => sum + (input === null ? 0 : bytesIn(input)), 0);
  if (known === undefined && bytes < SHORT_CHARS) return;
  const share = known ?? new Share(inputs);
  shares.set(life, share);
  share.set(bytes);
}

/** One that is shorter is let in however crowded the isolate is: it adds little to its conversation. */
const SHORT_CHARS = 128 * 1024;
const RETRY_SECONDS = 10;

/**
 * Null unless the input is long and the isolate's runs, or what waits behind them, hold all that they may. Each long one
 * would hold its conversation to its end, and together they would end with their isolate.
 */
export function checkCrowd(input: RunInput): Result<never> | null {
  const isFull = isCrowded() || inputs.held >= MAX_INPUTS_BYTES;
  if (!isFull || sizeOf(input) < SHORT_CHARS) return null;
  const detail = "The server works on as many long conversations as it can hold. Send it again in a few seconds.";
  return { ok: false, error: { code: "rate_limited", detail, retry_after_s: RETRY_SECONDS } };
}

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

/** Most of it is text, so a message tells how wide all is. */
function bytesIn(input: RunInput): number {
  return sizeOf(input) * (input.messages.some(({ content }) => isWide(textOf(content))) ? 2 : 1);
}
