// Deletes and moves with scripts of our own. The daemon looks at where a link leads: it takes one to a folder for a
// folder, does not find one that leads nowhere, and copies what links lead to when it moves them to another disk. A
// change that is cut leaves the old name or the new one, with all that belongs there.
import { SandboxError } from "../../../agent/sandbox.ts";
import { readFailure } from "../client/failure.ts";
import type { FilePorts } from "./ports.ts";
import { REMOVED_PREFIX, UPLOAD_PREFIX } from "./provider-folder.ts";
import { runScript } from "./scripts.ts";

/** A folder of packages has 100,000 files and takes seconds. Another disk may be slow. */
const CHANGE_MS = 300_000;

// $1 is the path, $2 `recursive` or empty, $3 a name of its own. A folder leaves its name first, and is then emptied: a
// run that is cut leaves no half of it. Package managers make folders read-only, which removes nothing. What an
// interrupted life left behind goes too.
const DELETE = `say() { printf "\\ntaskloom:%s\\n" "$1"; exit 0; }
[ -e "$1" ] || [ -L "$1" ] || say missing
if [ ! -d "$1" ] || [ -L "$1" ]; then rm -f -- "$1" && say done; say stuck; fi
[ "$2" = recursive ] || say folder
aside=\${1%/*}/${REMOVED_PREFIX}$3
mv -- "$1" "$aside" 2>/dev/null || aside=$1
rm -rf -- "$aside" 2>/dev/null || { chmod -R u+rwX "$aside" 2>/dev/null; rm -rf -- "$aside"; } || {
  [ "$aside" = "$1" ] || mv -- "$aside" "$1"
  say stuck
}
find "\${1%/*}/" -maxdepth 1 -name '${REMOVED_PREFIX}*' -mmin +60 -exec rm -rf -- {} + 2>/dev/null
say done`;

// $1 is the path, $2 the new one, $3 a name of its own. To another disk it is copied, and gets its name when it is whole.
const MOVE = `say() { printf "\\ntaskloom:%s\\n" "$1"; exit 0; }
[ -e "$1" ] || [ -L "$1" ] || say missing
if [ -e "$2" ] || [ -L "$2" ]; then
  [ -d "$2" ] && say folder
  say taken
fi
parent=\${2%/*}/
mkdir -p -- "$parent" || say stuck
if [ "$(stat -c %d -- "$1")" = "$(stat -c %d -- "$parent")" ]; then mv -- "$1" "$2" && say done; say stuck; fi
beside=$parent${UPLOAD_PREFIX}$3
cp -a -- "$1" "$beside" && mv -- "$beside" "$2" || { rm -rf -- "$beside"; say stuck; }
rm -rf -- "$1"
say done`;

/** The script's word, and what its programs printed. */
interface Answer {
  word: string;
  output: string;
}

export class DaytonaChanges {
  readonly #ports: FilePorts;

  constructor(ports: FilePorts) {
    this.#ports = ports;
  }

  /** False where the sandbox runs no scripts. */
  async delete(asked: string, absolute: string, recursive: boolean, signal: AbortSignal): Promise<boolean> {
    let attempts = 0;
    const values = [absolute, recursive ? "recursive" : "", crypto.randomUUID()];
    const answer = await this.#run(DELETE, values, signal, { onAttempt: () => attempts++ });
    if (answer === null) return false;
    // A retry may find that the previous attempt did arrive.
    if (answer.word === "done" || (answer.word === "missing" && attempts > 1)) return true;
    if (answer.word === "folder")
      throw new SandboxError("invalid", `${asked} is a folder. Delete it recursively, or delete the files in it.`);
    throw explain(asked, answer);
  }

  /** False where the sandbox runs no scripts. */
  async move(from: string, to: string, paths: { from: string; to: string }, signal: AbortSignal): Promise<boolean> {
    const values = [paths.from, paths.to, crypto.randomUUID()];
    const answer = await this.#run(MOVE, values, signal, { is_repeatable: false });
    if (answer === null) return false;
    if (answer.word === "done") return true;
    const advice =
      answer.word === "folder" ? "Name the file's new place in that folder." : "Delete it first, or take another name.";
    if (answer.word === "folder" || answer.word === "taken")
      throw new SandboxError("invalid", `${to} exists already. ${advice}`);
    throw explain(answer.word === "missing" ? from : to, answer);
  }

  async #run(
    text: string,
    values: string[],
    signal: AbortSignal,
    { onAttempt, is_repeatable = true }: { onAttempt?: () => void; is_repeatable?: boolean },
  ): Promise<Answer | null> {
    const { connection, toolbox } = this.#ports;
    const script = { text, values, timeout_ms: CHANGE_MS };
    try {
      const { output } = await connection.call(
        (sandbox) => {
          onAttempt?.();
          return runScript(toolbox, sandbox, script, signal);
        },
        signal,
        { is_repeatable },
      );
      const [mark, word] = /\ntaskloom:(\w+)\n$/.exec(output) ?? [];
      return word === undefined ? null : { word, output: output.slice(0, -(mark?.length ?? 0)) };
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof SandboxError || readFailure(error).status !== 403) throw error;
      return null;
    }
  }
}

function explain(asked: string, { word, output }: Answer): SandboxError {
  if (word === "missing") return new SandboxError("not_found", `${asked} does not exist.`);
  const reason = (output.trim().split("\n").at(-1) ?? "").replace(/^.*: /, "").slice(0, 200);
  const code = /permission denied|not permitted|read-only/i.test(output) ? "refused" : "failed";
  return new SandboxError(code, `${asked}: ${reason === "" ? "it could not be changed" : reason}.`);
}
