// Records what the harness sees of the present life, and kills the runtime at the awaited moment, before the request of
// that moment gets a response.
import type { Moment } from "./moments.ts";

export class Observer {
  /** The newest model call of each run: its step, and how many of its tokens were sent. */
  readonly calls = new Map<string, { step: number; tokens: number }>();
  /** Batches for D1 under way, by run. */
  readonly writes = new Map<string, number>();
  /** Called for each request that a run makes. */
  onRequest: (moment: Moment) => void = () => {};
  readonly #kill: () => void;
  #isDown = true;
  #aim: { fits: (moment: Moment) => boolean; hit: () => void } | null = null;

  /** `kill` ends the runtime before it returns. */
  constructor(kill: () => void) {
    this.#kill = kill;
  }

  /** Rejects everything from a life that is over. */
  readonly watch = (moment: Moment): boolean => {
    if (this.#isDown) return false;
    this.#note(moment);
    this.onRequest(moment);
    if (!this.#aim?.fits(moment)) return true;
    this.kill();
    return false;
  };

  /** Resolves once the moment has come and the runtime is killed. */
  killAt(fits: (moment: Moment) => boolean): Promise<void> {
    return new Promise((hit) => {
      this.#aim = { fits, hit };
    });
  }

  /** Kills now, whatever is awaited. */
  kill(): void {
    if (this.#isDown) return;
    this.#isDown = true;
    this.#kill();
    this.#aim?.hit();
    this.#aim = null;
  }

  /** A new life begins. */
  open(): void {
    if (!this.#isDown) return;
    this.calls.clear();
    this.writes.clear();
    this.#isDown = false;
  }

  #note(moment: Moment): void {
    if (moment.kind === "model_called") this.calls.set(moment.run, { step: moment.step, tokens: 0 });
    const call = this.calls.get(moment.run);
    if (moment.kind === "token" && call !== undefined) call.tokens = moment.count;
    if (moment.kind === "write_asked") this.writes.set(moment.run, (this.writes.get(moment.run) ?? 0) + 1);
    if (moment.kind === "write_done") this.writes.set(moment.run, Math.max(0, (this.writes.get(moment.run) ?? 0) - 1));
  }
}
