// The line that a session's shell is given, and the name of the session.
//
// The user's command runs in a shell of its own, so that `exit 3`, `cd`, heredocs and quotes mean what they mean in a
// terminal: in the session's shell `exit` would end the session, and the exit code would never be written. Daytona's
// daemon reports an exit code either before the output is complete (older ones) or only when nothing holds the output any
// more, so that `server &` would hold its command for ever (newer ones). The wrapper therefore says the exit code itself,
// as the last thing on both streams.
import { hashText, toHex } from "../../../lib/hash.ts";

/** Sessions of commands, among others that people may have opened in the same sandbox. */
const SESSION_PREFIX = "taskloom-";

/** Linux refuses a single argument over 128 KiB; the rest is for quotes. */
export const MAX_COMMAND_BYTES = 100_000;

/** In the environment of a command and of all it starts: tells which sessions still have processes. */
export const COMMAND_VARIABLE = "TASKLOOM_COMMAND";

/** Exit code of a command that was started by a former life of the sandbox and is not run again (EX_TEMPFAIL). */
export const LOST_EXIT_CODE = 75;

// $1 name, $2 sandbox, $3 folder or nothing, $4 command. The marker outlives the session: a restart of the sandbox forgets
// sessions but not files, and the command must not run a second time then. /var/tmp is kept over restarts by custom. bash
// where there is one, since that is what models write for. Nothing here is looked for in PATH, which the project may have
// set to something useless: the command shall find that, and say so.
const WRAPPER = `say() { printf "\\036%s:%s\\036\\n" "$1" "$2"; printf "\\036%s:%s\\036\\n" "$1" "$2" >&2; exit "$2"; }
for base in /var/tmp /tmp; do command -p mkdir -p "$base/.taskloom/$2" 2>/dev/null && break; done
if ! command -p mkdir "$base/.taskloom/$2/$1" 2>/dev/null && [ -d "$base/.taskloom/$2/$1" ]; then
  echo "This command was started before the sandbox was restarted. Its output is lost, and it was not started again." >&2
  say "$1" ${LOST_EXIT_CODE}
fi
if [ -n "$3" ]; then cd -- "$3" || say "$1" 1; fi
shell=/bin/sh; command -v bash >/dev/null 2>&1 && shell=bash
${COMMAND_VARIABLE}="$1"; export ${COMMAND_VARIABLE}
"$shell" -c "$4"
say "$1" "$?"`;

export interface CommandLine {
  session: string;
  /** Names the sandbox's disk: a marker of another sandbox says nothing. */
  sandbox: string;
  cwd: string | null;
  command: string;
}

export function writeCommandLine({ session, sandbox, cwd, command }: CommandLine): string {
  return ["/bin/sh -c", ...[WRAPPER, "taskloom", session, sandbox, cwd ?? "", command].map(quote)].join(" ");
}

/** The user's command within a line that `writeCommandLine` wrote; another line as it is. */
export function readCommandLine(line: string): string {
  const words = line.match(/(?:'[^']*'|\\')+/g);
  const last = words?.at(-1);
  if (!/^(?:\/bin\/)?sh -c '/.test(line) || words?.length !== 6 || last === undefined) return line;
  return last.replaceAll("'\\''", "\0").replaceAll("'", "").replaceAll("\0", "'");
}

export function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** The same id always names the same session. Ids that Daytona would not take in a path get a hash instead. */
export async function nameSession(command_id: string): Promise<string> {
  if (/^[A-Za-z0-9_-]{1,64}$/.test(command_id)) return SESSION_PREFIX + command_id;
  const readable = command_id.replace(/[^A-Za-z0-9_-]+/g, "-").slice(0, 32);
  const hash = toHex(await hashText(command_id)).slice(0, 16);
  return `${SESSION_PREFIX}${readable}-${hash}`;
}

/** An id that names this session; null for a session that is none of ours. */
export function readSessionName(session: string): string | null {
  return session.startsWith(SESSION_PREFIX) ? session.slice(SESSION_PREFIX.length) : null;
}
