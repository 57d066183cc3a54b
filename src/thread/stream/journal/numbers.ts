// Gives the journal's numbers. They are reserved in blocks, and a block is stored before one of its numbers is used, so
// no life reuses a number. A block that a life has not used up is gone with it, since what it sent may have no row.
//
// Unless a thread was at rest: with the position of D1, a run's end also stores that every number so far has its row.
// While no later row and no later block is stored, no later number was used: each run begins with a fact, and whatever
// else would be the first number after it takes a new block. So a thread that sleeps after each turn goes on with its
// block.
import { isNumber, shapeOf } from "../../../store/shapes/stored.ts";
import { readRequiredMeta, type Sql, writeMeta } from "../../rows/database.ts";
import { readPosition, type Settled } from "../../rows/shapes/position.ts";

// A reservation is one row written; a thousand numbers last for a turn or two of many tokens.
const BLOCK = 1000;

export class Numbers {
  readonly #sql: Sql;
  /** The last number that a former life may have used. */
  readonly former: number;
  #newest: number;
  #reserved: number;
  /** The number of the newest row of this life. */
  #stored: number | null = null;
  /** Up to which number storage says that every one has its row. */
  #settled: number | null;

  constructor(sql: Sql) {
    this.#sql = sql;
    this.#reserved = readRequiredMeta(sql, "reserved_through", shapeOf(isNumber)) ?? 0;
    const { settled } = readPosition(sql);
    const isSettled = settled?.reserved === this.#reserved && settled.seq === readLast(sql);
    this.former = isSettled ? settled.seq : this.#reserved;
    this.#settled = isSettled ? settled.seq : null;
    this.#newest = this.former;
  }

  /** The highest number in use. */
  get newest(): number {
    return this.#newest;
  }

  /** The first of so many numbers for what is stored in this transaction. */
  takeStored(count: number): number {
    const first = this.#newest + 1;
    const last = this.#newest + count;
    if (last > this.#reserved) this.#reserve(last);
    this.#newest = last;
    return first;
  }

  /** The same for what is sent and not stored yet, or never. */
  take(count: number): number {
    if (this.#settled === this.#newest) this.#reserve(this.#reserved);
    this.#settled = null;
    return this.takeStored(count);
  }

  /** A row with this number is written. */
  noteStored(seq: number): void {
    this.#stored = seq;
  }

  /** To be stored in this transaction: undefined if a number may have no row. */
  settle(): Settled | undefined {
    const isSettled = this.#stored === this.#newest;
    this.#settled = isSettled ? this.#newest : null;
    return isSettled ? { seq: this.#newest, reserved: this.#reserved } : undefined;
  }

  #reserve(after: number): void {
    this.#reserved = after + BLOCK;
    writeMeta(this.#sql, "reserved_through", this.#reserved);
  }
}

function readLast(sql: Sql): number | null {
  return sql.exec<{ seq: number | null }>("SELECT max(seq) AS seq FROM journal").toArray()[0]?.seq ?? null;
}
