// Connections whose stream has ended, until they have taken their last bytes.
import type { Clock, Sink } from "./connection.ts";

export class Leaving {
  readonly #clock: Clock;
  readonly #onLeft: () => void;
  readonly #since = new Map<Sink, number>();

  /** `onLeft` is called when one has taken everything, or is gone. */
  constructor(clock: Clock, onLeft: () => void) {
    this.#clock = clock;
    this.#onLeft = onLeft;
  }

  get count(): number {
    return this.#since.size;
  }

  /** Closes the connection after its last bytes. */
  close(sink: Sink, last: Uint8Array | null): void {
    this.#since.set(sink, this.#clock.now());
    const closing = last === null ? sink.close() : sink.write(last).then(() => sink.close());
    const left = (): void => {
      this.#since.delete(sink);
      this.#onLeft();
    };
    closing.then(left, left);
  }

  /** Cuts those that have had their last bytes since `oldest` or longer. */
  cutOlder(oldest: number, reason: string): void {
    for (const [sink, since] of this.#since) {
      if (since > oldest) continue;
      this.#since.delete(sink);
      sink.abort(reason).catch(() => {});
    }
  }
}
