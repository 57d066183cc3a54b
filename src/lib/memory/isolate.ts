// The account of this isolate, which all of its objects share (`account.ts`), and how a request is admitted by it.
import { createMemoryAccount, type Entrant } from "./account.ts";
import { createGrowth, type Grower } from "./growth.ts";

const MIB = 1024 * 1024;

/** What weighs less is not counted: a hundred of them are little, and a simple turn pays nothing. */
const SMALL_BYTES = 256 * 1024;

/** A third of an isolate's 128 MB: code takes 13, and what is young, garbage, and what has no weight here the rest. */
export const isolateMemory = createMemoryAccount({
  ...{ all: 40 * MIB, kept: 28 * MIB, work: 12 * MIB },
  ...{ small: SMALL_BYTES, portion: 64 * 1024 },
});

const MAX_REPLIES_BYTES = 10 * MIB;
const replies = isolateMemory.openPool("replies", MAX_REPLIES_BYTES, () => {});
/** A reply asks for so much more at a time. */
const PORTION = 64 * 1024;
let counted = 0;
/** Replies that stand still may hold more, and would leave nothing to readers that keep up. */
const growth = createGrowth({ all: MAX_REPLIES_BYTES, small: SMALL_BYTES }, () => {
  const held = Math.min(MAX_REPLIES_BYTES, growth.held);
  replies.add(held - counted);
  counted = held;
});
const abandonedReplies = new FinalizationRegistry<Grower>((grower) => growth.leave(grower));

/** A reply that is being read. */
export class GrowingReply {
  readonly #grower: Grower = { bytes: 0, asked_at: 0 };
  /** Up to here nobody needs to be asked. */
  #granted = SMALL_BYTES;

  /** Resolves once it may have so many bytes. `onWait` is called while it may not. Null: it may. */
  grow(bytes: number, onWait: () => boolean): Promise<void> | null {
    if (bytes < this.#granted) return null;
    if (this.#granted === SMALL_BYTES) abandonedReplies.register(this, this.#grower);
    this.#granted = bytes + PORTION;
    return growth.ask(this.#grower, this.#granted, Date.now()) ? null : this.#wait(onWait);
  }

  leave(): void {
    if (this.#granted > SMALL_BYTES) growth.leave(this.#grower);
  }

  async #wait(onWait: () => boolean): Promise<void> {
    while (onWait() && !growth.ask(this.#grower, this.#granted, Date.now())) await poll();
  }
}

/** Gives back what was admitted. More than once has no effect. */
export type Leave = () => void;

const stay: Leave = () => {};

const POLL_MS = 20;
/** What is admitted is short, but a model may take minutes until it answers. */
export const MAX_WAIT_MS = 300_000;

/** An object that ends during a request gives nothing back. Its place is given back when the holder is collected. */
const abandoned = new FinalizationRegistry<Entrant>((entrant) => isolateMemory.leave(entrant));

/**
 * Resolves once so many bytes fit, with how to give them back; null where that took too long or the signal aborted.
 * What is small gets in at once: ask `isolateMemory.isSmall` before to save the promise.
 */
export async function enter(bytes: number, signal?: AbortSignal): Promise<Leave | null> {
  if (isolateMemory.isSmall(bytes)) return stay;
  const began = Date.now();
  const entrant = isolateMemory.comeIn(bytes, began);
  while (!isolateMemory.ask(entrant, Date.now())) {
    if (signal?.aborted === true || Date.now() - began > MAX_WAIT_MS) {
      isolateMemory.leave(entrant);
      return null;
    }
    await poll();
  }
  const leave = () => isolateMemory.leave(entrant);
  abandoned.register(leave, entrant);
  return leave;
}

/** Each waits with a timer of its own: nobody may be woken by the request of another object. */
function poll(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, POLL_MS));
}
