// A connection as slow as the test says, on a clock that the test moves: a write is taken when its last byte is
// through.
import type { Sink } from "../../src/thread/stream/readers.ts";
import type { FakeClock } from "./stream.ts";
import { FakeReader } from "./stream-reader.ts";

export class LinkSink implements Sink {
  readonly reader = new FakeReader();
  maxWrite = 0;
  readonly #clock: FakeClock;
  readonly #bytesPerSecond: number;
  readonly #decoder = new TextDecoder();
  #fail: ((error: Error) => void) | null = null;

  constructor(clock: FakeClock, bytesPerSecond: number) {
    this.#clock = clock;
    this.#bytesPerSecond = bytesPerSecond;
  }

  write(bytes: Uint8Array): Promise<void> {
    this.maxWrite = Math.max(this.maxWrite, bytes.byteLength);
    return new Promise((resolve, reject) => {
      this.#fail = reject;
      const through = (): void => {
        if (this.reader.ended !== "open") return;
        this.reader.take(this.#decoder.decode(bytes, { stream: true }));
        resolve();
      };
      this.#clock.setTimer(through, (bytes.byteLength / this.#bytesPerSecond) * 1000);
    });
  }

  async close(): Promise<void> {
    this.reader.end("closed");
  }

  async abort(reason: string): Promise<void> {
    this.reader.end("aborted");
    this.#fail?.(new Error(reason));
  }
}
