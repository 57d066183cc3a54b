// What one object holds of a pool that can't be shrunk. An object may die at any moment and then gives nothing back, so
// its bytes are given back when it is collected.
import type { Pool } from "./account.ts";

interface Held {
  pool: Pool;
  bytes: number;
}

const abandoned = new FinalizationRegistry<Held>(giveBack);

function giveBack(held: Held): void {
  held.pool.add(-held.bytes);
  held.bytes = 0;
}

export class Share {
  /** Apart from this object, for whoever outlives it. */
  readonly #held: Held;

  constructor(pool: Pool) {
    this.#held = { pool, bytes: 0 };
    abandoned.register(this, this.#held);
  }

  get bytes(): number {
    return this.#held.bytes;
  }

  set(bytes: number): void {
    const change = bytes - this.#held.bytes;
    this.#held.bytes = bytes;
    if (change !== 0) this.#held.pool.add(change);
  }
}
