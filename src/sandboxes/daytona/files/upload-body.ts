// One file as `multipart/form-data`, written while it arrives: what is in memory is the piece that is under way.
import { SandboxError } from "../../../agent/sandbox.ts";
import type { Upload } from "../../../agent/workspace.ts";

/** A sender that is silent for this long is gone; the daemon's side of it is held open meanwhile. */
const SILENCE_MS = 60_000;

const PIECE_BYTES = 64 * 1024;

export interface UploadBody {
  type: string;
  stream: ReadableStream<Uint8Array>;
  /** Bytes of the file that were passed on so far. */
  readonly size: number;
  /**
   * Why the sender's part failed; null while it did not. Whoever reads the stream may see another error. What fails once
   * the reader has given up is not the sender's doing: a cancelled request's body may reject the read that is under way.
   */
  readonly failure: unknown;
}

export interface UploadBodyOptions {
  silence_ms?: number;
  /**
   * Aborts the request that sends the stream, which cancels the stream; until then the stream stays open. Without this the
   * stream fails with the failure, and workerd logs an uncaught exception for a request's body that fails.
   */
  onFailure?(failure: unknown): void;
}

export function writeUploadBody(
  path: string,
  { content, limit_bytes }: Upload,
  { silence_ms = SILENCE_MS, onFailure }: UploadBodyOptions = {},
): UploadBody {
  // Unguessable, so that no file holds it.
  const boundary = `taskloom-${crypto.randomUUID()}-${crypto.randomUUID()}`;
  const encoder = new TextEncoder();
  // The path must come before the file, which the daemon writes while it arrives.
  const head =
    `--${boundary}\r\nContent-Disposition: form-data; name="files[0].path"\r\n\r\n${path}\r\n` +
    `--${boundary}\r\nContent-Disposition: form-data; name="files[0].file"; filename="file"\r\n` +
    "Content-Type: application/octet-stream\r\n\r\n";
  const source = readInPieces(content);
  const state = { size: 0, failure: null as unknown, isGivenUp: false };
  const cancelled = Promise.withResolvers<void>();
  const fail = async (error: unknown): Promise<void> => {
    if (!state.isGivenUp) {
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
      state.isGivenUp = true;
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

/** A request's body comes in pieces as large as asked for; left alone they are 4 KiB, each of which costs as much. */
function readInPieces(content: ReadableStream<Uint8Array>): Source {
  let reader: ReadableStreamBYOBReader;
  try {
    reader = content.getReader({ mode: "byob" });
  } catch {
    // Not a stream of bytes but of pieces.
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
