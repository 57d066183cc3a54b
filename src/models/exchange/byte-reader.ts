// Reads a body into one buffer that is reused for every read. On workerd this costs less than the default reader when
// tokens arrive fast (docs/performance.md). A stream that is no byte stream, from tests and some proxies, is read with
// the default reader.

export interface ByteReader {
  /** The next bytes, valid until the next `read`; null at the end and after `cancel`. */
  read(): Promise<Uint8Array | null>;
  /** Ends a pending `read` with null and closes the source. Never rejects. */
  cancel(): Promise<void>;
}

/**
 * A network read is usually one token, and each open stream holds its buffer twice: the platform reads into a copy. So
 * it begins small, and doubles where a read fills it, for providers that send many tokens at once.
 */
const FIRST_BYTES = 2 * 1024;
const MOST_BYTES = 32 * 1024;

export function openByteReader(body: ReadableStream<Uint8Array>, most_bytes = MOST_BYTES): ByteReader {
  const reader = openOwnBuffer(body);
  if (!reader) {
    const defaultReader = body.getReader();
    return {
      read: async () => (await defaultReader.read()).value ?? null,
      cancel: () => defaultReader.cancel().catch(() => {}),
    };
  }
  let buffer: ArrayBufferLike = new ArrayBuffer(Math.min(FIRST_BYTES, most_bytes));
  // A read transfers the buffer away, and the last read does not return it.
  let ended = false;
  return {
    async read() {
      if (ended) return null;
      const { done, value } = await reader.read(new Uint8Array(buffer));
      ended = done || !value;
      if (!value || ended) return null;
      buffer = value.buffer;
      // What is returned stays in the former buffer.
      if (value.byteLength === buffer.byteLength && buffer.byteLength < most_bytes) {
        buffer = new ArrayBuffer(Math.min(most_bytes, buffer.byteLength * 2));
      }
      return value;
    },
    cancel: () => reader.cancel().catch(() => {}),
  };
}

function openOwnBuffer(body: ReadableStream<Uint8Array>): ReadableStreamBYOBReader | null {
  try {
    return body.getReader({ mode: "byob" });
  } catch {
    return null;
  }
}
