// How far D1 is, and when that is stored. While a run is live, most of it is not: a life that finds an old position
// sends at most one batch again, which D1 knows and which costs no written row. The run's end stores it in any case.
import type { Sql } from "../rows/database.ts";
import { writeMeta } from "../rows/database.ts";
import { type Position, readPosition } from "../rows/shapes/position.ts";

/** As much as one batch of the outbox has, about, is sent again after a crash. */
const MAX_REPEATED = { messages: 50, characters: 250_000 };

export class Progress {
  readonly #sql: Sql;
  readonly position: Position;
  /** What D1 got since the position was stored; null if it must be stored with the next fact. */
  #unstored: { messages: number; characters: number } | null = { messages: 0, characters: 0 };
  #isStored = true;

  /** `hasProject`: whether D1 had the thread's project before the thread. */
  constructor(sql: Sql, hasProject: boolean) {
    this.#sql = sql;
    this.position = readPosition(sql, hasProject);
  }

  /** Changes what a later life must not find otherwise. */
  mark(change: Partial<Position>): void {
    Object.assign(this.position, change);
    this.#unstored = null;
    this.#isStored = false;
  }

  /** D1 got messages, a plan or runs: it knows them when they come again. */
  advance(change: Partial<Position>, sent: { messages: number; characters: number }): void {
    Object.assign(this.position, change);
    this.#isStored = false;
    if (this.#unstored === null) return;
    const messages = this.#unstored.messages + sent.messages;
    const characters = this.#unstored.characters + sent.characters;
    const isMuch = messages > MAX_REPEATED.messages || characters > MAX_REPEATED.characters;
    this.#unstored = isMuch ? null : { messages, characters };
  }

  /** Inside the transaction of a fact. `canWait`: a later one stores it. Returns whether it was stored. */
  store(canWait: boolean, change: () => Partial<Position>): boolean {
    if (this.#isStored || (canWait && this.#unstored !== null)) return false;
    Object.assign(this.position, change());
    writeMeta(this.#sql, "synced", this.position);
    this.#unstored = { messages: 0, characters: 0 };
    this.#isStored = true;
    return true;
  }
}
