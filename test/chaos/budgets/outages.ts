// D1 fails the objects now and then: it refuses batches for some seconds, loses answers, and answers one so late that
// whoever asked has given up.
import { setTimeout as wait } from "node:timers/promises";
import { pickNumber, type Random } from "../aims.ts";

const AWAY_SHARE = 0.012;
const AWAY_MS = [500, 9_000] as const;
const LATE_SHARE = 0.003;
/** A run's question to D1 is given up after ten seconds. */
const LATE_MS = 11_500;

/** In milliseconds since 1970. */
export interface Away {
  from: number;
  until: number;
}

export class Outages {
  readonly #random: Random;
  #awayUntil = 0;
  /** No new ones from now on. */
  isOver = false;
  /** When D1 refused batches, or held one up. */
  readonly away: Away[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  /** What becomes of a batch, before it and after it. */
  async ask(): Promise<true | "refused"> {
    if (performance.now() < this.#awayUntil) return "refused";
    if (this.isOver) return true;
    const chance = this.#random();
    if (chance < AWAY_SHARE) {
      const ms = pickNumber(this.#random, ...AWAY_MS);
      this.#awayUntil = performance.now() + ms;
      this.#note(ms);
      return "refused";
    }
    if (chance > 1 - LATE_SHARE) {
      this.#note(LATE_MS);
      await wait(LATE_MS);
    }
    return true;
  }

  #note(ms: number): void {
    this.away.push({ from: Date.now(), until: Date.now() + ms });
  }
}
