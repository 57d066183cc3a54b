// Streams files of any size into and out of the sandbox, for people. An upload is written to a temporary file beside
// its target, and moved there when it is complete. An archive is a temporary file that is unlinked before its first
// byte is read.

import { type FileInfo, SandboxError } from "../../../agent/sandbox.ts";
import type { FileListing, FileStream, Upload } from "../../../agent/workspace.ts";
import { parentOf } from "../../paths.ts";
import { readFailure, toSandboxError } from "../client/failure.ts";
import type { SdkSandbox } from "../client/sdk.ts";
import { abortable } from "../client/waiting.ts";
import { DaytonaFiles } from "./files.ts";
import { DaytonaPathResolver, type ResolvedPath } from "./path-resolver.ts";
import { explainUploadRefusal, nameBeside, PLACE_MS, PUT_IN_PLACE, readPlacing } from "./placement.ts";
import type { FilePorts } from "./ports.ts";
import { providerFolderOf } from "./provider-folder.ts";
import { runScript } from "./scripts.ts";
import { writeUploadBody } from "./upload-body.ts";

/** Enough for 100 MB at half a megabit per second. */
const UPLOAD_MS = 30 * 60_000;

/** Packing a project with its dependencies takes seconds. */
const ARCHIVE_MS = 120_000;

/** The time limit for moving and removing one file. */
const MOVE_MS = 10_000;

const ARCHIVE_PREFIX = ".taskloom-archive-";

// Removes what an interrupted life left behind: no transfer takes an hour. $1 is the folder, $2 the prefix.
const SWEEP = `find "$1" -maxdepth 1 -type f -name "$2*" -mmin +60 -exec rm -f -- {} + 2>/dev/null; exit 0`;

// $1 is the archive, $2 the parent folder, $3 the folder, $4 Daytona's own folder. tar's exit code 1 means that a file
// changed while it was read, which is normal while people work. What is left out is a pattern to tar. Some BusyBoxes
// can't leave anything out: there everything else is named, level by level.
const PACK = `cd -- "$2" || exit 2
umask 077
archive=$1 at=./$3
inside=$(cd -P -- "$at" && pwd -P) own=$(cd -P -- "$4" 2>/dev/null && pwd -P)
below=; case $own in "\${inside%/}"/*) below=\${own#"\${inside%/}/"} ;; esac
if [ -z "$below" ]; then set -- "$at"
elif tar --exclude=x -cf - /dev/null >/dev/null 2>&1; then
  set -- --exclude="$(printf '%s' "$at/$below" | sed 's/[][*?\\\\]/\\\\&/g')" "$at"
else
  set --
  while [ -n "$below" ]; do
    next=\${below%%/*}
    for each in "$at"/* "$at"/.[!.]* "$at"/..?*; do
      if [ "\${each##*/}" != "$next" ] && { [ -e "$each" ] || [ -L "$each" ]; }; then set -- "$@" "$each"; fi
    done
    at=$at/$next
    case $below in */*) below=\${below#*/} ;; *) below= ;; esac
  done
  [ $# -gt 0 ] || set -- --no-recursion "\${at%/*}"
fi
tar -czf "$archive" "$@"
code=$?
if [ "$code" -le 1 ] && [ -s "$archive" ]; then printf "\\ntaskloom:packed:%s\\n" "$(stat -c %s -- "$archive")"; exit 0; fi
rm -f -- "$archive"; exit 2`;

export class DaytonaStreams {
  readonly #ports: FilePorts;
  readonly #files: DaytonaFiles;
  readonly #resolver: DaytonaPathResolver;

  constructor(ports: FilePorts) {
    this.#ports = ports;
    this.#files = new DaytonaFiles(ports);
    this.#resolver = new DaytonaPathResolver(ports, this.#files);
  }

  async list(path: string, depth: number, signal: AbortSignal): Promise<FileListing> {
    const place = await this.#resolver.findFolder(path, signal);
    return this.#files.listUpTo(place.absolute, depth, signal);
  }

  async openFile(path: string, range: string | null, signal: AbortSignal): Promise<FileStream> {
    const place = await this.#resolver.findFile(path, signal);
    // Go's file server takes the last 0 bytes for a part, whose range then ends before it begins.
    if (range !== null && /^bytes=-0+$/.test(range)) return emptyPart(baseOf(place.absolute), place.size);
    return this.#download(place.absolute, baseOf(place.absolute), place.size, signal, range);
  }

  async write(path: string, upload: Upload, signal: AbortSignal): Promise<{ file: FileInfo; is_new: boolean }> {
    try {
      if (path.endsWith("/")) throw new SandboxError("invalid", `${path} names a folder, not a file.`);
      const place = await this.#resolver.find(path, signal, { takesAnyName: false });
      if (place.kind === "dir") throw new SandboxError("invalid", `${place.asked} is a folder, not a file.`);
      if (place.kind === "other") throw new SandboxError("invalid", `${place.asked} is no regular file.`);
      return await this.#writeTo(place, upload, signal);
    } catch (error) {
      if (!upload.content.locked) await upload.content.cancel().catch(() => undefined);
      throw error;
    }
  }

  async #writeTo(
    place: ResolvedPath,
    upload: Upload,
    signal: AbortSignal,
  ): Promise<{ file: FileInfo; is_new: boolean }> {
    const beside = nameBeside(place.absolute);
    let isPlaced = false;
    try {
      const size = await this.#send(place.asked, beside, upload, signal);
      const { output } = await this.#run(PUT_IN_PLACE, [beside, place.absolute, String(size), ""], PLACE_MS, signal);
      const seconds = readPlacing(place.asked, output, size);
      if (seconds === null) throw new SandboxError("failed", `${place.asked}: the file could not be put in its place.`);
      isPlaced = true;
      const modified_at = new Date(seconds * 1000).toISOString();
      return { file: { path: place.path, size, is_dir: false, modified_at }, is_new: place.kind === "none" };
    } finally {
      if (!isPlaced) await this.#remove(beside);
    }
  }

  /** Resolves with the number of bytes sent. Whether they arrived is seen in the sandbox. */
  #send(asked: string, target: string, upload: Upload, signal: AbortSignal): Promise<number> {
    const { connection, toolbox } = this.#ports;
    return abortable(signal, async (end) => {
      const body = writeUploadBody(target, upload, { onFailure: (error) => end.abort(error) });
      const request = {
        method: "POST" as const,
        path: "/files/bulk-upload",
        body: body.stream,
        type: body.type,
        signal: end.signal,
        timeout_ms: UPLOAD_MS,
      };
      const send = (sandbox: SdkSandbox) =>
        toolbox.ask(sandbox, request, async (response) => {
          await response.body?.cancel();
        });
      try {
        await connection.call(send, signal, { is_once: true });
      } catch (error) {
        signal.throwIfAborted();
        throw explainUpload(asked, body.failure, error);
      }
      return body.size;
    });
  }

  async delete(path: string, recursive: boolean, signal: AbortSignal): Promise<void> {
    const place = await this.#resolver.find(path, signal, { follows: false });
    if (place.kind === "none") throw new SandboxError("not_found", `${place.asked} does not exist.`);
    if (place.path === "") throw new SandboxError("refused", "The work dir itself is not deleted.");
    if (place.kind === "dir" && !recursive) {
      throw new SandboxError("invalid", `${place.asked} is a folder: delete it with recursive=true.`);
    }
    await this.#files.delete(place.absolute, recursive, signal);
  }

  async openArchive(path: string, signal: AbortSignal): Promise<FileStream> {
    const place = await this.#resolver.findFolder(path, signal);
    const name = baseOf(place.absolute);
    const own = providerFolderOf((await this.#files.resolve("", signal)).folders);
    const archive = `/tmp/${ARCHIVE_PREFIX}${crypto.randomUUID()}`;
    await this.#run(SWEEP, ["/tmp", ARCHIVE_PREFIX], MOVE_MS, signal);
    try {
      const { output } = await this.#run(PACK, [archive, parentOf(place.absolute), name, own], ARCHIVE_MS, signal);
      const [, size] = /^taskloom:packed:(\d+)$/m.exec(output) ?? [];
      if (size === undefined) {
        const code = /permission denied/i.test(output) ? "refused" : "failed";
        throw new SandboxError(code, `${place.asked} could not be packed: ${output.trim().slice(0, 300)}`);
      }
      return await this.#download(archive, `${name}.tar.gz`, Number(size), signal);
    } finally {
      // The daemon has opened the file when it answers, and an open file stays readable after it is unlinked.
      await this.#remove(archive);
    }
  }

  async #download(
    absolute: string,
    name: string,
    size: number,
    signal: AbortSignal,
    range: string | null = null,
  ): Promise<FileStream> {
    const { connection, toolbox, limits } = this.#ports;
    const headers: Record<string, string> = range === null ? {} : { Range: range };
    const request = {
      path: "/files/download",
      query: { path: absolute },
      headers,
      signal,
      timeout_ms: limits.request_ms,
    };
    const response = await this.#explain(name, signal, () =>
      connection
        .call((sandbox) => toolbox.open(sandbox, request), signal)
        .catch((error: unknown) => {
          if (range !== null && readFailure(error).status === 416) return null;
          throw error;
        }),
    );
    if (response === null) return emptyPart(name, size);
    const [part] = /^bytes \d+-\d+\/\d+$/.exec(response.headers.get("content-range") ?? "") ?? [];
    return {
      name,
      // The daemon's length is newer than the one measured before.
      size: Number(response.headers.get("content-length") ?? size),
      body: (response.body as ReadableStream<Uint8Array> | null) ?? new Blob().stream(),
      ...(response.status === 206 && part !== undefined ? { part } : {}),
    };
  }

  async #run(text: string, values: string[], timeout_ms: number, signal: AbortSignal) {
    const { connection, toolbox } = this.#ports;
    return this.#explain("The sandbox", signal, () =>
      connection.call((sandbox) => runScript(toolbox, sandbox, { text, values, timeout_ms }, signal), signal),
    );
  }

  /** Works also after the caller has left, and never rejects, so that the caller sees the original result. */
  async #remove(path: string): Promise<void> {
    const { connection, toolbox } = this.#ports;
    const { signal } = new AbortController();
    const script = { text: 'rm -f -- "$1"', values: [path], timeout_ms: MOVE_MS };
    await connection
      .call((sandbox) => runScript(toolbox, sandbox, script, signal), signal, { opens: false })
      .catch(() => undefined);
  }

  async #explain<Value>(what: string, signal: AbortSignal, work: () => Promise<Value>): Promise<Value> {
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof SandboxError ? error : toSandboxError(readFailure(error), what);
    }
  }
}

function emptyPart(name: string, size: number): FileStream {
  return { name, size: 0, body: new Blob().stream(), part: `bytes */${size}` };
}

function explainUpload(asked: string, senderFailure: unknown, error: unknown): SandboxError {
  if (senderFailure instanceof SandboxError) return senderFailure;
  if (senderFailure !== null) return new SandboxError("invalid", `${asked}: the file did not arrive whole.`);
  if (error instanceof SandboxError && error.code !== "failed") return error;
  if (error instanceof SandboxError || readFailure(error).is_transport)
    return new SandboxError("failed", `${asked}: the sandbox was lost in the middle of this. Send it again.`);
  return explainUploadRefusal(asked, readFailure(error));
}

function baseOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
