// The byte limiters of this isolate, and how a request waits for room. The limits are bytes as they come and go; while
// a body is parsed and passed on, it is in memory some five times: bytes, text, values, what is stored, what is sent.
import { type ByteLimiter, createByteLimiter, type Entry } from "./byte-limiter.ts";
import { isolateMemory, type Leave } from "./isolate.ts";

const MIB = 1024 * 1024;

/** A body may take a minute to arrive, and what is done with it seconds. */
const STAY_MS = 90_000;
const POLL_MS = 20;
/** Those who wait for long ask less often: hundreds may wait. */
const MAX_POLL_MS = 200;
/** A client itself often waits for half a minute. It gets a refusal before that ends. */
const MAX_WAIT_MS = 10_000;

const limits = { spare: 2 * MIB, small: 64 * 1024, stay_ms: STAY_MS };

function openLimiter(name: string, all: number): ByteLimiter {
  const pool = isolateMemory.openPool(name, all, () => {});
  return createByteLimiter({ ...limits, all, owner: all / 2 }, pool.add);
}

/** Bodies of requests: six of the longest. */
export const bodyLimiter = openLimiter("bodies", 6 * MIB);

/** Pages of long messages: one at its limit of 4 MB. Each is read, parsed, and written again. */
export const answerLimiter = openLimiter("answers", 6 * MIB);

/** Addresses that checks ask. Each has 64 KiB, as bytes and as text, and what comes before it is read. */
export const LOOK_BYTES = 256 * 1024;
/** So 16 at once, and eight of one user: each may last 20 seconds. */
export const lookLimiter = openLimiter("looks", 16 * LOOK_BYTES);

/** A request that is cancelled gives nothing back. */
const abandoned = new FinalizationRegistry<() => void>((leave) => leave());

/** Resolves with how to give the room back; null if there was none in time. `owner`: whose share it is. */
export async function waitForRoom(limiter: ByteLimiter, bytes: number, owner: string): Promise<Leave | null> {
  const began = Date.now();
  const entry = limiter.enqueue(bytes, owner, began);
  for (let poll_ms = POLL_MS; !limiter.tryEnter(entry, Date.now()); poll_ms = Math.min(MAX_POLL_MS, poll_ms * 2)) {
    if (Date.now() - began > MAX_WAIT_MS) {
      limiter.leave(entry);
      return null;
    }
    await new Promise((resolve) => setTimeout(resolve, poll_ms));
  }
  return leaverOf(limiter, entry);
}

function leaverOf(limiter: ByteLimiter, entry: Entry): Leave {
  const leave = () => limiter.leave(entry);
  abandoned.register(leave, () => limiter.leave(entry));
  return leave;
}
