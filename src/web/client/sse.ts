// Reads server-sent events from a response that `fetch` made. `EventSource` would do, but it can't send a key.
export interface Frame {
  /** The number of the event; null for the frames of a resync. */
  id: string | null;
  data: string;
}

export interface Reading {
  frames: Frame[];
  /** What the server asks to wait before coming back. */
  retryMs: number | null;
}

/** The largest frame is a snapshot of 1 MiB of messages; more than this is no stream of ours. */
const mostCharacters = 16 * 1024 * 1024;

/** Bytes as they arrive in, whole frames out. */
export class FrameReader {
  readonly #decoder = new TextDecoder();
  #rest = "";

  read(bytes: Uint8Array): Reading {
    const blocks = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split(/\r?\n\r?\n/);
    this.#rest = blocks.pop() ?? "";
    if (this.#rest.length > mostCharacters) throw new Error("the stream sends a frame without an end");
    const reading: Reading = { frames: [], retryMs: null };
    for (const block of blocks) readBlock(block, reading);
    return reading;
  }
}

function readBlock(block: string, reading: Reading): void {
  let id: string | null = null;
  const data: string[] = [];
  for (const line of block.split(/\r?\n/)) {
    const colon = line.indexOf(":");
    // A line that begins with a colon is a comment: a ping.
    if (colon < 1) continue;
    const name = line.slice(0, colon);
    const value = line.slice(colon + 1).replace(/^ /, "");
    if (name === "id") id = value;
    else if (name === "data") data.push(value);
    else if (name === "retry" && /^\d{1,9}$/.test(value)) reading.retryMs = Number(value);
  }
  if (data.length > 0) reading.frames.push({ id, data: data.join("\n") });
}
