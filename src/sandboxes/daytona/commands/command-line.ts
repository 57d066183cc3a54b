// The line for a session's shell, and the session's name.
//
// The user's command runs in a shell of its own, so that `exit 3`, `cd`, heredocs and quotes work as in a terminal: in
// the session's shell `exit` would end the session, and the exit code would never be written. Daytona's older daemons
// report an exit code before the output is complete; newer ones only when no process holds the output any more, so that
// `server &` would keep its command running for ever. The wrapper therefore prints the exit code itself, at the end of
// both streams (the end marker).
import { hashText, toHex } from "../../../lib/hash.ts";

/** Distinguishes sessions of commands from those that people may have opened in the same sandbox. */
const SESSION_PREFIX = "taskloom-";

/** Linux refuses a single argument over 128 KiB; the difference leaves room for quotes. */
export const MAX_COMMAND_BYTES = 100_000;

/**
 * Set in the environment of a command and of every process it starts: identifies the sessions that still have
 * processes.
 */
export const COMMAND_VARIABLE = "TASKLOOM_COMMAND";

/** Stands where exit codes do in the mark that ends a line which the daemon holds back. */
export const HELD_MARK = "held";

/** Exit code (EX_TEMPFAIL) of a command that started before a restart of the sandbox and is not run again. */
export const LOST_EXIT_CODE = 75;

/** Where values may wait for a command, in this order: in memory where the image has such a folder. */
export const ENV_FOLDERS = ["/dev/shm", "/tmp", "/var/tmp"];
export const ENV_PREFIX = ".taskloom-env-";

// $1 is the session's name, $2 the sandbox, $3 a folder or empty, $4 the command. The folder `.taskloom/$2/$1` records
// the start and outlives the session: a restart of the sandbox loses sessions but not files, and the command must not
// run a second time. /var/tmp conventionally survives restarts. bash is used if installed, since models write for it.
// The wrapper itself looks up nothing in PATH, which the project may have set to something useless: only the command
// should fail then. Its process id is for whoever asks whether the command waits for input. The daemon keeps the text
// and the output of commands in the home, which may be a repository: there git must not see them. Python keeps compiled
// modules outside of the project: in a folder that a check protects they would be added files.
const WRAPPER = `say() { printf "\\036%s:%s\\036\\n" "$1" "$2"; printf "\\036%s:%s\\036\\n" "$1" "$2" >&2; exit "$2"; }
for base in /var/tmp /tmp; do command -p mkdir -p "$base/.taskloom/$2" 2>/dev/null && break; done
if ! command -p mkdir "$base/.taskloom/$2/$1" 2>/dev/null && [ -d "$base/.taskloom/$2/$1" ]; then
  echo "This command was started before the sandbox was restarted. Its output is lost, and it was not started again." >&2
  say "$1" ${LOST_EXIT_CODE}
fi
{ echo "$$" >"$base/.taskloom/$2/$1/pid"; } 2>/dev/null
own=$HOME/.daytona
[ ! -d "$own" ] || [ -e "$own/.gitignore" ] || { echo '*' >"$own/.gitignore"; } 2>/dev/null
if [ -n "$3" ]; then cd -- "$3" || say "$1" 1; fi
shell=/bin/sh; command -v bash >/dev/null 2>&1 && shell=bash
${COMMAND_VARIABLE}="$1" PYTHONPYCACHEPREFIX="\${PYTHONPYCACHEPREFIX:-$base/.taskloom/$2/pycache}"
export ${COMMAND_VARIABLE} PYTHONPYCACHEPREFIX
"$shell" -c "$4"
say "$1" "$?"`;

// The same for a command that gets values in a file: it is read and deleted in a shell of its own, whose variables are
// positional, so that no value's name can be one of the wrapper's.
const WRAPPER_WITH_FILE = WRAPPER.replace(
  '"$shell" -c "$4"',
  () => `given=
for folder in ${ENV_FOLDERS.join(" ")}; do
  if [ -f "$folder/${ENV_PREFIX}$1" ]; then given=$folder/${ENV_PREFIX}$1; break; fi
done
if [ -z "$given" ]; then
  echo "The project's secrets did not reach the command, so it was not run. Try again." >&2
  say "$1" ${LOST_EXIT_CODE}
fi
(
  set -- "$shell" "$4" "$given"
  . "$3"
  command -p rm -f -- "$3"
  exec "$1" -c "$2"
)`,
);

export interface CommandLine {
  session: string;
  /** Identifies the sandbox's disk: the recorded start in another sandbox does not count. */
  sandbox: string;
  cwd: string | null;
  command: string;
  /** Whether values wait for it in a file (`../secrets/env-file.ts`). */
  has_file?: boolean;
}

export function writeCommandLine({ session, sandbox, cwd, command, has_file = false }: CommandLine): string {
  const wrapper = has_file ? WRAPPER_WITH_FILE : WRAPPER;
  return writeShell(wrapper, [session, sandbox, cwd ?? "", command]);
}

/** The user's command from a line that `writeCommandLine` wrote. Any other line is returned unchanged. */
export function readCommandLine(line: string): string {
  const words = line.match(/(?:'[^']*'|\\')+/g);
  const last = words?.at(-1);
  if (!line.startsWith("/bin/sh -c '") || words?.length !== 6 || last === undefined) return line;
  return last.replaceAll("'\\''", "\0").replaceAll("'", "").replaceAll("\0", "'");
}

/** A line that runs a script with its values as `$1`, `$2` and so on. */
export function writeShell(script: string, values: readonly string[]): string {
  return ["/bin/sh -c", ...[script, "taskloom", ...values].map(quote)].join(" ");
}

export function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** The same id always gives the same session name. An id that Daytona refuses in a path gets a hash. */
export async function nameSession(command_id: string): Promise<string> {
  if (/^[A-Za-z0-9_-]{1,64}$/.test(command_id)) return SESSION_PREFIX + command_id;
  const readable = command_id.replace(/[^A-Za-z0-9_-]+/g, "-").slice(0, 32);
  const hash = toHex(await hashText(command_id)).slice(0, 16);
  return `${SESSION_PREFIX}${readable}-${hash}`;
}

/** An id that gives this session name; null for a session that is not ours. */
export function readSessionName(session: string): string | null {
  return session.startsWith(SESSION_PREFIX) ? session.slice(SESSION_PREFIX.length) : null;
}
