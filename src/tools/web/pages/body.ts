// Reads a body up to a limit, whatever its headers say of its length. The limit counts what it is after decompression,
// and nothing of a longer one is kept.

export type BodyEnd =
  | { bytes: Uint8Array }
  | { too_long: true; start: Uint8Array }
  /** The connection broke, or what it brought could not be decompressed. */
  | { broken: true };

/** Rejects only with the signal's reason. */
export async function readBody(
  stream: ReadableStream<Uint8Array> | null,
  limit: number,
  signal: AbortSignal,
): Promise<BodyEnd> {
  if (stream === null) return { bytes: new Uint8Array() };
  const reader = stream.getReader();
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(signal.reason);
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  const pieces: Uint8Array[] = [];
  let size = 0;
  try {
    for (;;) {
      const { done, value } = await Promise.race([reader.read(), aborted.promise]);
      if (done) return { bytes: join(pieces, size) };
      size += value.byteLength;
      pieces.push(value);
      if (size > limit) {
        leave(reader);
        return { too_long: true, start: join(pieces, size).subarray(0, limit) };
      }
    }
  } catch (error) {
    leave(reader);
    if (signal.aborted) throw error;
    return { broken: true };
  } finally {
    signal.removeEventListener("abort", onAbort);
    aborted.promise.catch(() => {});
  }
}

/** Nobody waits for a connection that is given up. */
function leave(reader: ReadableStreamDefaultReader<Uint8Array>): void {
  reader.cancel().catch(() => {});
}

function join(pieces: Uint8Array[], size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.byteLength;
  }
  return bytes;
}

/**
 * Not every runtime decompresses `deflate`. What a page says in text never begins as zlib does. Null if it is cut short
 * or longer than the limit.
 */
export async function inflate(bytes: Uint8Array, limit: number, signal: AbortSignal): Promise<BodyEnd> {
  const [first = 0, second = 0] = bytes;
  const isZlib = (first & 0x0f) === 8 && first >> 4 <= 7 && (first * 256 + second) % 31 === 0;
  if (!isZlib) return { bytes };
  const stream = new Blob([bytes.slice()]).stream().pipeThrough(new DecompressionStream("deflate"));
  return readBody(stream, limit, signal);
}
