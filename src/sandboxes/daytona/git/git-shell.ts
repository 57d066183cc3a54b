// The shell that all of our git commands share. git itself does the work, in the sandbox, with every setting off that
// would run a program which nobody asked for. A command prints what git printed, then a mark, and its exit code.
//
// A git that is killed can't remove its lock files. So each command leaves a note in the git directory while it runs:
// who it is and when that process began. The next one that finds the note of a process that has ended removes the locks
// that were made since, if no git is running at all. A lock without such a note is somebody else's and is reported.

import { SandboxError } from "../../../agent/sandbox.ts";
import { writeShell } from "../commands/command-line.ts";

/** Linux refuses a longer argument, and the script is one, too. */
const MAX_COMMAND_BYTES = 100_000;

/** Settings with a name of their own each, that name programs. Options of a merge may name a strategy, which is one. */
const NAMED_HOOKS = "hook\\..*\\.command";
const NAMED_PROGRAMS = [
  "filter\\..*\\.(clean|smudge|process)",
  NAMED_HOOKS,
  "(diff|merge)\\..*\\.(driver|command|textconv)",
  "(gpg|credential|trailer)\\..*\\.(program|defaultkeycommand|helper|command|cmd)",
  "branch\\..*\\.mergeoptions",
].join("|");

/** What git would run by what it documents of its settings. The later one wins. */
const OFF = [
  "core.fsmonitor=false",
  "core.pager=cat",
  "core.editor=:",
  "core.askPass=",
  "core.sshCommand=false",
  "core.gitProxy=none",
  "credential.helper=",
  "credential.useHttpPath=false",
  "credential.interactive=true",
  "commit.gpgSign=false",
  "push.gpgSign=false",
  "commit.verbose=false",
  "gpg.program=false",
  "gc.auto=0",
  "maintenance.auto=false",
  "protocol.ext.allow=never",
  "submodule.recurse=false",
  "merge.autoStash=false",
  "advice.detachedHead=false",
  "advice.pushUpdateRejected=false",
]
  .map((setting) => `-c ${setting}`)
  .join(" ");

const RESTRICTED_OFF = [
  "protocol.allow=never",
  "safe.bareRepository=explicit",
  "pull.twohead=recursive",
  "pull.octopus=octopus",
]
  .map((setting) => `-c ${setting}`)
  .join(" ");

/** Seconds that a command waits for somebody else's git to give the index back. */
const LOCK_WAIT_SECONDS = 5;

// What a person set for the sandbox's network and author stays; a trace of git would hold the password.
const CLEAN = `LC_ALL=C.UTF-8; export LC_ALL
command -v git >/dev/null 2>&1 || { echo none; exit 0; }
for name in $(env | sed -n 's/^\\(GIT_[A-Z0-9_]*\\)=.*/\\1/p'); do
  case $name in
  GIT_CONFIG_GLOBAL | GIT_CONFIG_SYSTEM | GIT_CONFIG_NOSYSTEM | GIT_SSL_CAINFO | GIT_SSL_CAPATH) ;;
  GIT_AUTHOR_NAME | GIT_AUTHOR_EMAIL | GIT_COMMITTER_NAME | GIT_COMMITTER_EMAIL) ;;
  *) unset "$name" ;;
  esac
done
unset SSLKEYLOGFILE SSH_ASKPASS
GIT_TERMINAL_PROMPT=0 GIT_EDITOR=: GIT_LFS_SKIP_SMUDGE=1
export GIT_TERMINAL_PROMPT GIT_EDITOR GIT_LFS_SKIP_SMUDGE`;

// `run=exec` makes git the process itself. A name with an equals sign can't be set on the command line. A merge driver
// that is no program would take one side for the result.
const QUIET = `run= named= off= hooks='-c core.hooksPath=/dev/null'
named() {
  git -C "$1" config --name-only --get-regexp "^($named)$" 2>/dev/null
  git -C "$1" -c core.fsmonitor=false ls-files -s -z 2>/dev/null | tr '\\n\\000' '\\036\\n' | sed -n 's/^160000 [^\t]*\t//p' |
  while IFS= read -r part; do [ ! -e "$1/$part/.git" ] || named "$1/$part"; done
}
silence() {
  off=$(named .)
  case $off in *=*) printf '\\037the name of a setting holds an equals sign: %s\\ncode 1' "$off"; exit 0 ;; esac
}
quiet() {
  before=$IFS
  IFS='
'
  set -f
  for name in $off; do
    case $name in merge.*) set -- -c "$name=false" "$@" ;; *) set -- -c "$name=" "$@" ;; esac
    case $name in
    filter.*) set -- -c "\${name%.*}.required=$required" "$@" ;;
    hook.*) set -- -c "\${name%.*}.enabled=false" "$@" ;;
    esac
  done
  IFS=$before
  set +f
  $run git --no-pager ${OFF} $hooks $strict "$@"
}`;

// git itself fails with 128 and 129; more is a signal. BusyBox compares times by the second, hence the wait for one.
const LOCKS = `where=\${DAYTONA_SANDBOX_ID:-$(uname -n)}
begun() { sed 's/^.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20; }
git_runs() {
  for stat in /proc/[0-9]*/stat; do
    IFS= read -r line 2>/dev/null <"$stat" || continue
    case $line in
    *'(git'*') Z '* | *'(git'*') X '*) ;;
    *'(git) '* | *'(git-'*) return 0 ;;
    esac
  done
  return 1
}
sweep() {
  probe=$common/taskloom-$$.probe
  for note in "$common"/taskloom-*.run*; do
    [ -f "$note" ] || continue
    IFS=' ' read -r place pid birth 2>/dev/null <"$note" || continue
    if [ "$place" != "$where" ] || [ -z "$birth" ] || [ "$(begun "$pid")" = "$birth" ]; then continue; fi
    mv -- "$note" "$note.$$" 2>/dev/null || continue
    sleep 1
    : >"$probe"
    if git_runs; then mv -- "$note.$$" "$note"; rm -f -- "$probe"; return 0; fi
    find "$common" -path "$common/objects" -prune -o -name '*.lock' -type f -print | while IFS= read -r lock; do
      if [ -n "$(find "$probe" -newer "$lock")" ] && [ -z "$(find "$note.$$" -newer "$lock")" ]; then rm -f -- "$lock"; fi
    done
    rm -f -- "$note.$$" "$probe"
  done
}
enter() {
  common=$(git rev-parse --git-common-dir 2>/dev/null) || return 0
  common=$(cd -- "$common" && pwd -P) || return 0
  sweep
  tries=0
  while [ "$tries" -lt ${LOCK_WAIT_SECONDS} ] && [ -e "$(git rev-parse --git-path index.lock)" ]; do
    sleep 1
    tries=$((tries + 1))
  done
  own=$common/taskloom-$$.run
  printf '%s %s %s\\n' "$where" "$$" "$(begun $$)" 2>/dev/null >"$own"
}
own=
leave() { if [ -n "$own" ] && [ "$1" -le 129 ]; then rm -f -- "$own"; fi; }`;

/** Which programs a command may run. */
export interface Programs {
  /** None that a file names, filters and merge drivers included. */
  is_restricted: boolean;
  /** The repository's hooks. */
  has_hooks?: boolean;
  /** For a restricted one: files that need a filter stay as the repository has them, instead of a failure. */
  leaves_filtered?: boolean;
}

/** The beginning of a script of ours. */
export function writePrelude({ is_restricted, has_hooks = false, leaves_filtered = false }: Programs): string {
  const named = is_restricted ? NAMED_PROGRAMS : NAMED_HOOKS;
  const limits = is_restricted
    ? "GIT_ALLOW_PROTOCOL=none GIT_NO_LAZY_FETCH=1; export GIT_ALLOW_PROTOCOL GIT_NO_LAZY_FETCH"
    : // Hooks may have remotes of their own.
      has_hooks
      ? ""
      : "GIT_ALLOW_PROTOCOL=https:http:file; export GIT_ALLOW_PROTOCOL";
  const strict = `strict='${is_restricted ? RESTRICTED_OFF : ""}' required=${!leaves_filtered}`;
  const hooks = has_hooks ? "hooks=" : `named='${named}'`;
  return [CLEAN, limits, QUIET, strict, hooks, LOCKS].join("\n");
}

/** A shell command for this script and its arguments. */
export function writeScript(script: string, values: readonly string[]): string {
  const command = writeShell(script, values);
  if (new TextEncoder().encode(command).length <= MAX_COMMAND_BYTES) return command;
  throw new SandboxError("invalid", "The message or the list of files is too long. Leave the files out to commit all.");
}

export interface Outcome {
  /** What git printed as its result. */
  output: string;
  /** What git complained about. */
  errors: string;
  /** Null if the command did not come to its end. */
  code: number | null;
}

/** Null if the sandbox has no git. */
export function readOutcome(output: string): Outcome | null {
  if (output.trim() === "none") return null;
  const mark = output.lastIndexOf("\x1f");
  const [, errors = "", code] = /^([\s\S]*?)\n?code (\d+)\s*$/.exec(output.slice(mark + 1)) ?? [];
  if (mark < 0 || code === undefined) return { output, errors: "", code: null };
  return { output: output.slice(0, mark), errors, code: Number(code) };
}
