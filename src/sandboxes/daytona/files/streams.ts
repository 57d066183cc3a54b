// Streams files and folders of any size out of the sandbox, for people. An archive is a temporary file that is unlinked
// before its first byte is read.
import { SandboxError } from "../../../agent/sandbox.ts";
import type { FileStream } from "../../../agent/workspace.ts";
import { type Folders, parentOf } from "../../paths.ts";
import { readFailure } from "../client/failure.ts";
import { providerFolderOf } from "./places.ts";
import { askScript, explain, type FilePorts, isForbidden } from "./scripts.ts";
import { removeFile } from "./uploads.ts";

/** Packing a project with its dependencies takes seconds. */
const ARCHIVE_MS = 120_000;

const ARCHIVE_PREFIX = ".taskloom-archive-";

// $1 is the archive, $2 the parent folder, $3 the folder, $4 Daytona's own folder. tar's exit code 1 means that a file
// changed while it was read, which is normal while people work. What is left out is a pattern to tar. Some BusyBoxes
// can't leave anything out: there everything else is named, level by level. Removes what an interrupted life left
// behind: no transfer takes an hour.
const PACK = `find /tmp -maxdepth 1 -type f -name '${ARCHIVE_PREFIX}*' -mmin +60 -exec rm -f -- {} + 2>/dev/null
cd -- "$2" || say stuck
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
if [ "$code" -le 1 ] && [ -s "$archive" ]; then say packed "$(stat -c %s -- "$archive")"; fi
say stuck`;

/** Part of a file, or all of it without a range. `size` is what it was a moment ago. */
export async function openFile(
  { connection, toolbox, limits }: FilePorts,
  { absolute, size, name = baseOf(absolute) }: { absolute: string; size: number; name?: string },
  range: string | null,
  signal: AbortSignal,
): Promise<FileStream> {
  const none = { name, size: 0, body: new Blob().stream(), part: `bytes */${size}` };
  // Go's file server takes the last 0 bytes for a part, whose range then ends before it begins.
  if (range !== null && /^bytes=-0+$/.test(range)) return none;
  const headers: Record<string, string> = range === null ? {} : { Range: range };
  const request = { path: "/files/download", query: { path: absolute }, headers, timeout_ms: limits.request_ms };
  const response = await explain(name, signal, () =>
    connection
      .call((sandbox) => toolbox.open(sandbox, { ...request, signal }), signal)
      .catch((error: unknown) => {
        if (range !== null && readFailure(error).status === 416) return null;
        throw error;
      }),
  );
  if (response === null) return none;
  const [part] = /^bytes \d+-\d+\/\d+$/.exec(response.headers.get("content-range") ?? "") ?? [];
  return {
    name,
    // The daemon's length is newer than the one measured before.
    size: Number(response.headers.get("content-length") ?? size),
    body: (response.body as ReadableStream<Uint8Array> | null) ?? new Blob().stream(),
    ...(response.status === 206 && part !== undefined ? { part } : {}),
  };
}

/** A folder as a tar.gz. */
export async function openArchive(
  ports: FilePorts,
  { asked, absolute, folders }: { asked: string; absolute: string; folders: Folders },
  signal: AbortSignal,
): Promise<FileStream> {
  const name = baseOf(absolute);
  const archive = `/tmp/${ARCHIVE_PREFIX}${crypto.randomUUID()}`;
  const values = [archive, parentOf(absolute), name, providerFolderOf(folders)];
  try {
    const script = { what: asked, text: PACK, values, timeout_ms: ARCHIVE_MS };
    const { word, rest, output } = await askScript(ports, script, signal);
    if (word !== "packed") {
      const text = `${asked} could not be packed: ${output.trim().slice(0, 300)}`;
      throw new SandboxError(isForbidden(output) ? "refused" : "failed", text);
    }
    return await openFile(ports, { absolute: archive, size: Number(rest), name: `${name}.tar.gz` }, null, signal);
  } finally {
    // The daemon has opened the file when it answers, and an open file stays readable after it is unlinked.
    await removeFile(ports, archive);
  }
}

function baseOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
