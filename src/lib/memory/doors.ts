// The doors of this isolate (`door.ts`), and how a request waits at one. The limits are bytes as they come and go; while
// a body is parsed and passed on, it is in memory some five times: bytes, text, values, what is stored, what is sent.
import { createDoor, type Door, type Guest } from "./door.ts";
import { isolateMemory, type Leave } from "./isolate.ts";

const MIB = 1024 * 1024;

/** A body may take a minute to arrive, and what is done with it seconds. */
const STAY_MS = 90_000;
const POLL_MS = 20;
/** Those who wait for long ask less often: hundreds may wait. */
const MAX_POLL_MS = 200;
/** A client's own patience is often half a minute. It is told to come back before that ends. */
const MAX_WAIT_MS = 10_000;

const limits = { spare: 2 * MIB, small: 64 * 1024, stay_ms: STAY_MS };

function openDoor(name: string, all: number): Door {
  const pool = isolateMemory.openPool(name, all, () => {});
  return createDoor({ ...limits, all, owner: all / 2 }, pool.add);
}

/** Bodies of requests: six of the longest. */
export const bodyDoor = openDoor("bodies", 6 * MIB);

/** Pages of long messages: one at its limit of 4 MB. Each is read, parsed, and written again. */
export const answerDoor = openDoor("answers", 6 * MIB);

/** A request that is cancelled gives nothing back. */
const abandoned = new FinalizationRegistry<() => void>((leave) => leave());

/** Resolves with how to give the room back; null if there was none in time. `owner`: whose share it is. */
export async function enterDoor(door: Door, bytes: number, owner: string): Promise<Leave | null> {
  const began = Date.now();
  const guest = door.comeIn(bytes, owner, began);
  for (let poll_ms = POLL_MS; !door.ask(guest, Date.now()); poll_ms = Math.min(MAX_POLL_MS, poll_ms * 2)) {
    if (Date.now() - began > MAX_WAIT_MS) {
      door.leave(guest);
      return null;
    }
    await new Promise((resolve) => setTimeout(resolve, poll_ms));
  }
  return leaverOf(door, guest);
}

function leaverOf(door: Door, guest: Guest): Leave {
  const leave = () => door.leave(guest);
  abandoned.register(leave, () => door.leave(guest));
  return leave;
}
