// Puts an uploaded file in its place. The daemon writes an upload into the file itself, so one that is cut would leave
// half of it: every upload goes to a temporary file beside its target and is renamed when it is complete.
import { SandboxError } from "../../../agent/sandbox.ts";
import { parentOf } from "../../paths.ts";
import { DaytonaFailure, toSandboxError } from "../client/failure.ts";
import { UPLOAD_PREFIX } from "./provider-folder.ts";

/** For a few look-ups and a rename. A link may lead to another disk, to which the file is copied. */
export const PLACE_MS = 60_000;

// $1 is the uploaded file, $2 its target, $3 its size, $4 `again` if a former attempt may have placed it. A rename
// within a folder is atomic: a reader of the target sees the old file or the new one. The old file's mode is kept, so
// that a program stays executable, and a link stays a link. What can't be replaced (a file that is mounted) is written
// in place. Then it removes what an interrupted life left behind: no transfer takes an hour.
export const PUT_IN_PLACE = `say() { rm -f -- "$from"; printf "\\ntaskloom:%s:%s\\n" "$1" "$2"; exit 0; }
from=$1 target=$2
if [ -L "$target" ]; then target=$(readlink -f -- "$target" && echo .) || say stuck; target=\${target%??}; fi
[ ! -d "$target" ] || say folder
[ ! -e "$target" ] || [ -f "$target" ] || say other
if [ ! -e "$from" ] && [ "$4" = again ] && [ "$(stat -c %s -- "$target" 2>/dev/null)" = "$3" ]
then say written "$(stat -c %Y -- "$target")"; fi
size=$(stat -c %s -- "$from" 2>/dev/null)
[ "$size" = "$3" ] || say short "$size"
if [ "\${target%/*}" != "\${2%/*}" ]; then
  beside=\${target%/*}/\${from##*/}
  cp -- "$from" "$beside" || { rm -f -- "$beside"; say stuck; }
  rm -f -- "$from"; from=$beside
fi
[ ! -f "$target" ] || chmod "$(stat -c %a -- "$target")" "$from"
time=$(stat -c %Y -- "$from")
mv -f -- "$from" "$target" 2>/dev/null || cat <"$from" >"$target" || say stuck
find "\${target%/*}/" -maxdepth 1 -type f -name '${UPLOAD_PREFIX}*' -mmin +60 -exec rm -f -- {} + 2>/dev/null
say written "$time"`;

export function nameBeside(target: string): string {
  const folder = parentOf(target);
  return `${folder === "/" ? "" : folder}/${UPLOAD_PREFIX}${crypto.randomUUID()}`;
}

/** The time of the placed file in seconds; null if the sandbox could not run the script. Rejects with its refusal. */
export function readPlacing(asked: string, output: string, size: number): number | null {
  const [, word, rest] = /^taskloom:(\w+):(\d*)$/m.exec(output) ?? [];
  if (word === undefined) return null;
  if (word === "written") return Number(rest);
  if (word === "short")
    throw new SandboxError("failed", `${asked}: ${rest || 0} of ${size} bytes arrived in the sandbox.`);
  if (word === "folder") throw new SandboxError("invalid", `${asked} is a folder, not a file.`);
  if (word === "other") throw new SandboxError("invalid", `${asked} is no regular file.`);
  throw new SandboxError("failed", `${asked}: the file could not be put in its place.`);
}

/** Whether a folder takes no other file. The file itself may still be writable. */
export function isForbidden(failure: DaytonaFailure): boolean {
  return /permission denied|EACCES|operation not permitted|read-only file system/i.test(failure.message);
}

/**
 * The daemon answers every failed upload with the same status, and names the temporary file in its message: only the
 * reason is passed on.
 */
export function explainUploadRefusal(asked: string, failure: DaytonaFailure): SandboxError {
  if (isForbidden(failure)) return new SandboxError("refused", `${asked}: its folder can't be written to.`);
  if (/no space left|quota exceeded|ENOSPC|EDQUOT/i.test(failure.message))
    return new SandboxError("failed", `${asked}: the sandbox's disk is full.`);
  return toSandboxError(new DaytonaFailure(failure.reason.replace(/^.*: /, ""), { status: failure.status }), asked);
}
