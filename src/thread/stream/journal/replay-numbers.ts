// The numbers that rows of this life took for replays (`rows`), so that no statement is needed for a reader that
// begins in this life.

// How many are kept before those that memory has left behind are dropped.
const MIN_DROPPED = 64;

export class ReplayNumbers {
  #ranges: { from: number; to: number }[] = [];
  #limit = MIN_DROPPED;

  /** `floor`: nobody will ask for a number below it. */
  add(from: number, to: number, floor: number): void {
    if (from > to) return;
    this.#ranges.push({ from, to });
    if (this.#ranges.length < this.#limit) return;
    this.#ranges = this.#ranges.filter((range) => range.to >= floor);
    this.#limit = this.#ranges.length + MIN_DROPPED;
  }

  has(seq: number): boolean {
    return this.#ranges.some(({ from, to }) => from <= seq && seq <= to);
  }
}
