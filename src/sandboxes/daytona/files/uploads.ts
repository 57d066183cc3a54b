// Puts files into the sandbox, of any size, with one piece in memory at a time. The daemon writes an upload into the file
// itself, so one that is cut would leave half of it: every upload goes to a temporary file beside its target and is
// renamed when it is complete.
import { SandboxError } from "../../../agent/sandbox.ts";
import type { Upload } from "../../../agent/workspace.ts";
import { DaytonaFailure, readFailure, toSandboxError } from "../client/failure.ts";
import type { SdkSandbox } from "../client/sdk.ts";
import { abortable } from "../client/waiting.ts";
import { UPLOAD_PREFIX } from "./places.ts";
import { type Answer, askScript, explainStuck, type FilePorts, isForbidden } from "./scripts.ts";

/** Enough for 100 MB at half a megabit per second. */
const UPLOAD_MS = 30 * 60_000;

/** For a few look-ups and a rename. A link may lead to another disk, to which the file is copied. */
const PLACE_MS = 60_000;

// $1 is the uploaded file, $2 its target, $3 its size. A rename within a folder is atomic: a reader of the target sees
// the old file or the new one. The old file's mode is kept, so that a program stays executable, and a link stays a link.
// What can't be replaced (a file that is mounted, or in a folder that takes no other file) is written in place. Then it
// removes what an interrupted life left behind: no transfer takes an hour.
const PUT_IN_PLACE = `from=$1 target=$2
end() { rm -f -- "$from"; say "$@"; }
if [ -L "$target" ]; then target=$(follow "$target" && echo .) || end stuck; target=\${target%??}; fi
[ ! -d "$target" ] || end folder
[ ! -e "$target" ] || [ -f "$target" ] || end other
if [ ! -e "$from" ] && [ "$(stat -c %s -- "$target" 2>/dev/null)" = "$3" ]; then say there "$(stat -c %Y -- "$target")"; fi
size=$(stat -c %s -- "$from" 2>/dev/null)
[ "$size" = "$3" ] || end short "\${size:-0}"
folder=\${target%/*}/
if [ "\${from%/*}/" != "$folder" ] && [ -w "$folder" ]; then
  beside=$folder\${from##*/}
  cp -- "$from" "$beside" || { rm -f -- "$beside"; end stuck; }
  rm -f -- "$from"; from=$beside
fi
[ ! -f "$target" ] || chmod "$(stat -c %a -- "$target")" "$from"
time=$(stat -c %Y -- "$from")
{ [ "\${from%/*}/" = "$folder" ] && mv -f -- "$from" "$target" 2>/dev/null; } || cat <"$from" >"$target" || end stuck
find "$folder" -maxdepth 1 -type f -name '${UPLOAD_PREFIX}*' -mmin +60 -exec rm -f -- {} + 2>/dev/null
end written "$time"`;

export interface Source {
  /** The content from its begin, for each attempt. */
  open(): ReadableStream<Uint8Array>;
  limit_bytes: number;
  /** Only the first `open` has it. */
  is_once: boolean;
}

/** `folder` is where the file is until it is whole. Resolves with what was placed; rejects with `SandboxError` only. */
export async function putFile(
  ports: FilePorts,
  { asked, absolute, folder }: { asked: string; absolute: string; folder: string },
  source: Source,
  signal: AbortSignal,
): Promise<{ size: number; modified_at: string }> {
  const from = `${folder === "/" ? "" : folder}/${UPLOAD_PREFIX}${crypto.randomUUID()}`;
  let isPlaced = false;
  try {
    const size = await send(ports, { asked, target: from }, source, signal);
    const script = { what: asked, text: PUT_IN_PLACE, values: [from, absolute, String(size)], timeout_ms: PLACE_MS };
    const seconds = readPlacing(asked, await askScript(ports, script, signal), size);
    isPlaced = true;
    return { size, modified_at: new Date(seconds * 1000).toISOString() };
  } finally {
    if (!isPlaced) await removeFile(ports, from);
  }
}

/** Works also after the caller has left, and never rejects, so that the caller sees the original result. */
export async function removeFile(ports: FilePorts, path: string): Promise<void> {
  const { signal } = new AbortController();
  const script = { what: path, text: 'rm -f -- "$1"; say done', values: [path], timeout_ms: 10_000 };
  await askScript(ports, { ...script, options: { opens: false } }, signal).catch(() => undefined);
}

/** The time of the placed file in seconds. */
function readPlacing(asked: string, { word, rest, output, attempts }: Answer, size: number): number {
  // The attempt before may have placed it.
  if (word === "written" || (word === "there" && attempts > 1)) return Number(rest);
  if (word === "short" || word === "there") {
    const arrived = word === "short" ? rest : "0";
    throw new SandboxError("failed", `${asked}: ${arrived} of ${size} bytes arrived in the sandbox.`);
  }
  if (word === "folder") throw new SandboxError("invalid", `${asked} is a folder, not a file.`);
  if (word === "other") throw new SandboxError("invalid", `${asked} is no regular file.`);
  throw explainStuck(asked, output);
}

/** Resolves with the number of bytes sent. Whether they arrived is seen in the sandbox. */
function send(
  { connection, toolbox }: FilePorts,
  { asked, target }: { asked: string; target: string },
  { open, limit_bytes, is_once }: Source,
  signal: AbortSignal,
): Promise<number> {
  return abortable(signal, async (end) => {
    let failure: unknown = null;
    const fail = (error: unknown) => {
      failure = error;
      end.abort(error);
    };
    const ask = (sandbox: SdkSandbox): Promise<number> => {
      failure = null;
      const sent = writeUploadBody(target, { content: open(), limit_bytes }, fail);
      const { stream, type } = sent;
      const request = {
        method: "POST",
        path: "/files/bulk-upload",
        body: stream,
        type,
        timeout_ms: UPLOAD_MS,
      } as const;
      return toolbox.ask(sandbox, { ...request, signal: end.signal }, async (response) => {
        await response.body?.cancel();
        return sent.size;
      });
    };
    try {
      return await connection.call(ask, signal, { is_once });
    } catch (error) {
      signal.throwIfAborted();
      throw explainUpload(asked, failure, error);
    }
  });
}

function explainUpload(asked: string, senderFailure: unknown, error: unknown): SandboxError {
  if (senderFailure instanceof SandboxError) return senderFailure;
  if (senderFailure !== null) return new SandboxError("invalid", `${asked}: the file did not arrive whole.`);
  if (error instanceof SandboxError && error.code !== "failed") return error;
  const failure = error instanceof SandboxError ? null : readFailure(error);
  if (failure === null || failure.is_transport)
    return new SandboxError("failed", `${asked}: the sandbox was lost in the middle of this. Send it again.`);
  if (isForbidden(failure.message)) return new SandboxError("refused", `${asked}: its folder can't be written to.`);
  if (/no space left|quota exceeded|ENOSPC|EDQUOT/i.test(failure.message))
    return new SandboxError("failed", `${asked}: the sandbox's disk is full.`);
  // The daemon answers every failed upload with the same status, and names the temporary file: only the reason helps.
  const reason = failure.reason.replace(/^.*: /, "");
  return toSandboxError(new DaytonaFailure(reason, { status: failure.status }), asked);
}

/** A sender that is silent for this long is considered gone. Until then the request to the daemon stays open. */
const SILENCE_MS = 60_000;

const PIECE_BYTES = 64 * 1024;

interface UploadBody {
  type: string;
  stream: ReadableStream<Uint8Array>;
  /** How many bytes of the file have been forwarded so far. */
  readonly size: number;
}

/**
 * `onFailure` gets the sender's failure, and aborts the request that sends the stream, which cancels it. Until then the
 * stream stays open: workerd logs an uncaught exception for a request's body that fails. A failure after the reader has
 * cancelled does not count: cancelling a request's body may reject its pending read.
 */
export function writeUploadBody(
  path: string,
  { content, limit_bytes }: Upload,
  onFailure: (failure: unknown) => void,
  silence_ms = SILENCE_MS,
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
  const state = { size: 0, isCancelled: false };
  const cancelled = Promise.withResolvers<void>();
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
        if (!state.isCancelled) onFailure(error);
        await source.cancel(error).catch(() => undefined);
        await cancelled.promise;
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
  };
}

interface Pieces {
  read(): Promise<ReadableStreamReadResult<Uint8Array>>;
  cancel(reason: unknown): Promise<void>;
}

/** Asks for large pieces: a request's body otherwise arrives in pieces of 4 KiB, and each piece has a fixed cost. */
function readInPieces(content: ReadableStream<Uint8Array>): Pieces {
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

async function readInTime(source: Pieces, silence_ms: number): Promise<ReadableStreamReadResult<Uint8Array>> {
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
