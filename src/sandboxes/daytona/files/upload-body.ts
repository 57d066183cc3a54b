// Encodes one file as `multipart/form-data` while it arrives. Only one piece is in memory at a time.
import { SandboxError } from "../../../agent/sandbox.ts";
import type { Upload } from "../../../agent/workspace.ts";

/** A sender that is silent for this long is considered gone. Until then the request to the daemon stays open. */
const SILENCE_MS = 60_000;

const PIECE_BYTES = 64 * 1024;

export interface UploadBody {
  type: string;
  stream: ReadableStream<Uint8Array>;
  /** How many bytes of the file have been forwarded so far. */
  readonly size: number;
  /**
   * The sender's failure; null if there is none. The reader of the stream may see another error. A failure after the
   * reader cancelled does not count: cancelling a request's body may reject its pending read.
   */
  readonly failure: unknown;
}

export interface UploadBodyOptions {
  silence_ms?: number;
  /**
   * Aborts the request that sends the stream, which cancels the stream; until then the stream stays open. Without this
   * the stream fails with the failure, and workerd logs an uncaught exception for a request's body that fails.
   */
  onFailure?(failure: unknown): void;
}

export function writeUploadBody(
  path: string,
  { content, limit_bytes }: Upload,
  { silence_ms = SILENCE_MS, onFailure }: UploadBodyOptions = {},
): UploadBody {
  // Unguessable, so that no file can contain it.
  const boundary = `taskloom-${crypto.randomUUID()}-${crypto.randomUUID()}`;
  const encoder = new TextEncoder();
  // The path must precede the file, since the daemon writes the file while it arrives.
  const head =
    `--${boundary}\r\nContent-Disposition: form-data; name="files[0].path"\r\n\r\n${path}\r\n` +
    `--${boundary}\r\nContent-Disposition: form-data; name="files[0].file"; filename="file"\r\n` +
    "Content-Type: application/octet-stream\r\n\r\n";
  const source = readInPieces(content);
  const state = { size: 0, failure: null as unknown, isCancelled: false };
  const cancelled = Promise.withResolvers<void>();
  const fail = async (error: unknown): Promise<void> => {
    if (!state.isCancelled) {
      state.failure = error;
      onFailure?.(error);
    }
    await source.cancel(error).catch(() => undefined);
    if (!onFailure) throw error;
    await cancelled.promise;
  };
  const stream = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(encoder.encode(head)),
    async pull(controller) {
      try {
        const { done, value } = await readInTime(source, silence_ms);
        if (done) {
          controller.enqueue(encoder.encode(`\r\n--${boundary}--\r\n`));
          controller.close();
          return;
        }
        state.size += value.byteLength;
        if (state.size > limit_bytes) {
          throw new SandboxError("too_large", `The file is larger than ${limit_bytes} bytes.`);
        }
        controller.enqueue(value);
      } catch (error) {
        await fail(error);
      }
    },
    cancel: (reason) => {
      state.isCancelled = true;
      cancelled.resolve();
      return source.cancel(reason).catch(() => undefined);
    },
  });
  return {
    type: `multipart/form-data; boundary=${boundary}`,
    stream,
    get size() {
      return state.size;
    },
    get failure() {
      return state.failure;
    },
  };
}

interface Source {
  read(): Promise<ReadableStreamReadResult<Uint8Array>>;
  cancel(reason: unknown): Promise<void>;
}

/** Asks for large pieces: a request's body otherwise arrives in pieces of 4 KiB, and each piece has a fixed cost. */
function readInPieces(content: ReadableStream<Uint8Array>): Source {
  let reader: ReadableStreamBYOBReader;
  try {
    reader = content.getReader({ mode: "byob" });
  } catch {
    // Not a byte stream.
    return content.getReader();
  }
  return {
    read: async () => (await reader.read(new Uint8Array(PIECE_BYTES))) as ReadableStreamReadResult<Uint8Array>,
    cancel: (reason) => reader.cancel(reason),
  };
}

async function readInTime(source: Source, silence_ms: number): Promise<ReadableStreamReadResult<Uint8Array>> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silence = new Promise<never>((_resolve, reject) => {
    const late = new SandboxError("invalid", `Nothing of the file came for ${silence_ms / 1000} s.`);
    timer = setTimeout(() => reject(late), silence_ms);
  });
  try {
    return await Promise.race([source.read(), silence]);
  } finally {
    clearTimeout(timer);
  }
}
