// Whether paths lead to plain files of the work dir: through no link, to no program, into no folder of programs. One
// script for all paths of a call.
import { SandboxError, type SandboxPlace } from "../../../agent/sandbox.ts";
import { isWithin, showPath } from "../../paths.ts";
import type { DaytonaConnection } from "../client/connection.ts";
import { readFailure } from "../client/failure.ts";
import type { Toolbox } from "../client/toolbox.ts";
import type { DaytonaFiles } from "./files.ts";
import { runScript } from "./scripts.ts";

/** A handful of look-ups on one disk. A folder that moves is walked through. */
const SCRIPT_MS = 15_000;

const DOUBTS = ["hidden", "link", "special", "path", "unknown"] as const;

// $1 is the work dir, $2 the home; then each path below the work dir, and `tree` if what is below it counts. Login
// shells of Debian add `~/bin` to PATH. A relative folder of PATH is one wherever a command starts. An error of `find`
// is a doubt like what it finds.
const SCRIPT = `LC_ALL=C; export LC_ALL
given=$1 home=$2; shift 2
work=$(cd -P -- "$given" && pwd -P) || exit 1
any() { [ -n "$(find "$at" "$@" 2>&1 | head -c 1)" ]; }
searched() {
  search=$PATH:$home/bin; IFS=:; set -f; set -- "$1" "$2" $search; unset IFS; set +f
  below=$1 tree=$2; shift 2
  for folder in "$@"; do
    case $folder in
    /*)
      real=$(readlink -f -- "$folder") || case $folder in "$given"/*) real=$work\${folder#"$given"} ;; *) real=$folder ;; esac
      case $at/ in "\${real%/}"/*) return 0 ;; esac
      [ -z "$tree" ] || case $real in "$at"/*) return 0 ;; esac ;;
    '' | . | ./) return 0 ;;
    *)
      folder=\${folder#./}
      [ -z "$tree" ] || return 0
      case /$below in */"\${folder%/}"/*) return 0 ;; esac ;;
    esac
  done
  return 1
}
judge() {
  at=$work rest=$1
  while :; do
    at=$at/\${rest%%/*}
    [ ! -L "$at" ] || { echo link; return; }
    case $rest in */*) rest=\${rest#*/} ;; *) break ;; esac
  done
  if searched "$1" "$2"; then echo path; return; fi
  [ -e "$at" ] || return
  if [ -n "$2" ]; then
    if any -name '.*'; then echo hidden; return; fi
    set --
  else
    set -- -maxdepth 0
  fi
  if any "$@" ! -type d '(' ! -type f -o -links +1 -o -perm -100 -o -perm -010 -o -perm -001 ')'; then echo special; fi
}
printf '\\ntaskloom'
while [ $# -gt 0 ]; do
  doubt=$(judge "$1" "$2")
  printf ' %s' "\${doubt:-none}"
  shift 2
done
echo ' end'`;

interface Ports {
  connection: DaytonaConnection;
  toolbox: Toolbox;
  files: DaytonaFiles;
}

export async function locatePaths(
  { connection, toolbox, files }: Ports,
  asked: readonly { path: string; is_tree?: boolean }[],
  signal: AbortSignal,
): Promise<SandboxPlace[]> {
  const { folders } = await files.resolve("", signal);
  const { work, home } = folders;
  const below: (string | null)[] = [];
  for (const { path } of asked) {
    const { absolute } = await files.resolve(path, signal, { takesAnyName: true });
    // A work dir at the root would hold the system.
    const isInside = work !== "/" && absolute !== work && isWithin(absolute, work);
    below.push(isInside ? showPath(absolute, folders) : null);
  }
  if (below.includes(null)) return below.map((path) => ({ below: path, doubt: null }));
  const values = asked.flatMap(({ is_tree }, at) => [below[at] ?? "", is_tree ? "tree" : ""]);
  const script = { text: SCRIPT, values: [work, home, ...values], timeout_ms: SCRIPT_MS };
  let output = "";
  try {
    ({ output } = await connection.call((sandbox) => runScript(toolbox, sandbox, script, signal), signal));
  } catch (error) {
    signal.throwIfAborted();
    // A sandbox that takes files and no scripts: a person decides.
    if (error instanceof SandboxError || readFailure(error).status !== 403) throw error;
  }
  const words = /\ntaskloom((?: \w+)*) end\n$/.exec(output)?.[1]?.trim().split(" ") ?? [];
  return below.map((path, at) => ({ below: path, doubt: words[at] === "none" ? null : readDoubt(words[at]) }));
}

function readDoubt(word: string | undefined): NonNullable<SandboxPlace["doubt"]> {
  return DOUBTS.find((doubt) => doubt === word) ?? "unknown";
}
