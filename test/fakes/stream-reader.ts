// A client of a thread's stream: it takes everything that is written and can be awaited.
import { createParser } from "eventsource-parser";
import type { ThreadEvent } from "../../src/protocol/event.ts";
import { parseAgUi } from "./ag-ui-schemas.ts";
import { checkBlocks } from "./blocks.ts";

export interface ReadFrame {
  id: number | null;
  event: ThreadEvent;
}

/**
 * Reads the last frame too where no blank line closes it. Comments and `retry` are not frames, and close none. Each event
 * is AG-UI's.
 */
export function framesOf(text: string, reader = { former: false }): ReadFrame[] {
  checkBlocks(text);
  const frames: ReadFrame[] = [];
  const parser = createParser({
    onEvent: ({ id, data }) => {
      frames.push({ id: id === undefined ? null : Number(id), event: parseAgUi(data, reader) });
    },
  });
  parser.feed(`${text}\n\n`);
  return frames;
}

export class FakeReader {
  text = "";
  ended: "open" | "closed" | "aborted" = "open";
  #wake: (() => void)[] = [];

  get frames(): ReadFrame[] {
    return framesOf(this.text);
  }

  get events(): ThreadEvent[] {
    return this.frames.map(({ event }) => event);
  }

  get lastId(): number | null {
    return this.frames.reduce<number | null>((last, { id }) => id ?? last, null);
  }

  /** Resolves once `is` holds; checked after each write and at the end. */
  async until(is: (reader: FakeReader) => boolean): Promise<this> {
    while (!is(this)) {
      if (this.ended !== "open") throw new Error(`the stream is ${this.ended}: ${this.text.slice(-500)}`);
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
    return this;
  }

  async untilClosed(): Promise<this> {
    while (this.ended === "open") await new Promise<void>((resolve) => this.#wake.push(resolve));
    return this;
  }

  take(text: string): void {
    this.text += text;
    this.#notify();
  }

  end(how: "closed" | "aborted"): void {
    this.ended = how;
    this.#notify();
  }

  #notify(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}
