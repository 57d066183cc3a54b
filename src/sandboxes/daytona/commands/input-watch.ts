// Whether a command waits for input. The daemon's log holds a line back until it ends, so a prompt such as "Password: "
// is not in it while its program waits for the answer: nobody would see why nothing happens.
//
// The kernel says whether a process is in a call that reads the command's own input. The process itself is not touched,
// and one that is only quiet is never taken for one that waits. Then the script writes a mark into the command's
// output, which ends the line that is held back; whoever reads the log leaves the mark out.
import { readFailure } from "../client/failure.ts";
import type { SdkSandbox } from "../client/sdk.ts";
import type { Toolbox } from "../client/toolbox.ts";
import { runScript } from "../files/scripts.ts";
import { HELD_MARK } from "./command-line.ts";

/** Some hundred processes are looked at in a tenth of a second. */
const SCRIPT_MS = 5_000;

// $1 is the session's name, $2 the sandbox. The wrapper wrote its process id beside its record; ids are used again, so
// its arguments have to name the session. A process has the command's input as its descriptor 0, whatever started it.
// `syscall` says which call a thread is in, and with which descriptor: 0 is read on x86-64, 63 on arm64. Where the
// kernel keeps that to itself, `wchan` says that it reads a pipe, and it is believed if the process has no other. An
// event loop (epoll, as in Node) lists in `fdinfo` what it waits for: input is an odd number.
const SCRIPT = `say() { printf '\\ntaskloom:%s\\n' "$1"; exit 0; }
for base in /var/tmp /tmp; do pid=$(cat "$base/.taskloom/$2/$1/pid" 2>/dev/null) && break; done
[ -n "$pid" ] || say unknown
tr '\\000' '\\n' 2>/dev/null <"/proc/$pid/cmdline" | grep -qxF -- "$1" || say unknown
input=/proc/$pid/fd/0
[ -p "$input" ] || say unknown
other() {
  for each in "$1"/fd/*; do
    [ -p "$each" ] && [ ! "$each" -ef "$input" ] || continue
    { read -r _ _ && read -r _ flags; } 2>/dev/null <"$1/fdinfo/\${each##*/}" || continue
    case $flags in *[02]) return 0 ;; esac
  done
  return 1
}
listens() { grep -qE '^tfd: +0 +events: +[0-9a-f]*[13579bdf] ' "$1"/fdinfo/* 2>/dev/null; }
waits() {
  for task in "$1"/task/[0-9]*; do
    call= descriptor= place=
    { read -r call descriptor _ <"$task/syscall"; } 2>/dev/null
    case "$call $descriptor" in
    '0 0x0' | '63 0x0') return 0 ;;
    '232 '* | '281 '* | '22 '*) listens "$1" && return 0 ;;
    ' ')
      { read -r place <"$task/wchan"; } 2>/dev/null
      [ -n "$place" ] || place=$(cat "$task/wchan" 2>/dev/null)
      case $place in
      *pipe_read | pipe_wait) other "$1" || return 0 ;;
      ep_poll | do_epoll_wait) listens "$1" && return 0 ;;
      esac ;;
    esac
  done
  return 1
}
for process in /proc/[0-9]*; do
  [ "$process/fd/0" -ef "$input" ] && waits "$process" || continue
  for stream in 1 2; do
    [ -p "/proc/$pid/fd/$stream" ] && printf '\\036%s:${HELD_MARK}\\036\\n' "$1" >"/proc/$pid/fd/$stream"
  done
  say waits
done
say quiet`;

/** `unknown` where it can't be determined: the command has ended, or the kernel does not say. */
export type InputState = "waits" | "quiet" | "unknown";

export async function watchInput(
  { toolbox, sandbox }: { toolbox: Toolbox; sandbox: SdkSandbox },
  session: string,
  signal: AbortSignal,
): Promise<InputState> {
  try {
    const script = { text: SCRIPT, values: [session, sandbox.id], timeout_ms: SCRIPT_MS };
    const output = await runScript(toolbox, sandbox, script, signal);
    const [, word] = /\ntaskloom:(waits|quiet)\n$/.exec(output) ?? [];
    return word === "waits" || word === "quiet" ? word : "unknown";
  } catch (error) {
    signal.throwIfAborted();
    // What the command does is known from elsewhere: a look that fails changes nothing.
    readFailure(error);
    return "unknown";
  }
}
