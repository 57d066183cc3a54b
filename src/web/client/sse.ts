// Reads server-sent events from a `fetch` response. `EventSource` can't send a key.
import { createParser } from "eventsource-parser";

export interface Frame {
  /** The event's number; null for the frames of a resync. */
  id: string | null;
  data: string;
}

export interface Reading {
  frames: Frame[];
  /** How long the server asks to wait before reconnecting. */
  retryMs: number | null;
}

/** The largest frame is a snapshot of 1 MiB of messages; a larger one is not from a Taskloom server. */
const maxCharacters = 16 * 1024 * 1024;

/** Takes bytes as they arrive, returns complete frames. */
export class FrameReader {
  readonly #decoder = new TextDecoder();
  #reading: Reading = { frames: [], retryMs: null };
  readonly #parser = createParser({
    maxBufferSize: maxCharacters,
    onEvent: ({ id = null, data }) => void this.#reading.frames.push({ id, data }),
    onRetry: (ms) => {
      this.#reading.retryMs = ms;
    },
    onError: (error) => {
      if (error.type === "max-buffer-size-exceeded") throw error;
    },
  });

  read(bytes: Uint8Array): Reading {
    this.#reading = { frames: [], retryMs: null };
    this.#parser.feed(this.#decoder.decode(bytes, { stream: true }));
    return this.#reading;
  }
}
