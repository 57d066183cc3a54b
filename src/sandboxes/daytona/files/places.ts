// Where paths lead. What a path says is resolved by `sandboxes/paths.ts`; its links are looked at in the sandbox, which
// isolates the files: this prevents mistakes, and need not withstand a program that changes links at the same time.
import { SandboxError, type SandboxPlace } from "../../../agent/sandbox.ts";
import { type Folders, isWithin, showPath } from "../../paths.ts";
import { askScript, type FilePorts } from "./scripts.ts";

/** Temporary files and folders of ours, which are left out of lists. */
export const UPLOAD_PREFIX = ".taskloom-upload-";
export const REMOVED_PREFIX = ".taskloom-removed-";

/**
 * Daytona's own folder in the home: the text and the output of every command that ran in a session, and its pipes. It
 * belongs to nobody's project, so nothing lists, searches, packs, sends or changes it. A command of the sandbox can
 * still read it.
 */
export function providerFolderOf({ home }: Folders): string {
  return `${home === "/" ? "" : home.replace(/(?<!\/)\/+$/, "")}/.daytona`;
}

export function refuseProviderFolder(asked: string, absolute: string, folders: Folders): void {
  if (!isWithin(absolute, providerFolderOf(folders))) return;
  throw new SandboxError("refused", `${asked} belongs to the sandbox itself and not to the project.`);
}

/** A handful of look-ups on one disk. */
const LOOK_MS = 10_000;

// $1 is the folder that the path may not leave, $2 a path below it or empty, $3 is `follow` to follow a link at the
// path's end. The script goes up to the first existing folder, resolves that with `pwd -P`, and goes down again. A name
// may contain anything but NUL, so an added dot keeps the shell from stripping line feeds, and the path is printed
// before the last word. `/proc/self` is another folder for each program, so the path itself is looked at.
const LOOK = `exec 2>/dev/null
work=$(cd -P -- "$1" && pwd -P) || exit 1
root=\${work%/}
if [ -z "$2" ]; then full=$work; dir=$work; rest=; else full=$root/$2; dir=\${full%/*}; rest=\${full##*/}; fi
[ -n "$dir" ] || dir=/
while [ ! -d "$dir" ]; do
  if [ -e "$dir" ] || [ -L "$dir" ]; then say blocked; fi
  rest=\${dir##*/}/$rest; dir=\${dir%/*}; [ -n "$dir" ] || dir=/
done
real=$(cd -P -- "$dir" && pwd -P && echo .) || say denied
real=\${real%??}
if [ -n "$rest" ]; then real=\${real%/}/$rest; fi
if [ "$3" = follow ] && [ -L "$real" ]; then real=$(follow "$real" && echo .) || say blocked; real=\${real%??}; fi
case "\${real%/}/" in "$root/"*) ;; *) say outside ;; esac
printf '%s' "\${real#"$root"}"
[ ! -L "$real" ] || say link
[ ! -d "$full" ] || say dir
[ ! -f "$full" ] || say file $(stat -L -c "%s %Y" -- "$full")
[ ! -e "$full" ] || say other
say none`;

export interface Found {
  kind: "none" | "file" | "dir" | "link" | "other";
  /** Without links, and below `root` as the sandbox reports it. */
  absolute: string;
  size: number;
  modified_at: string;
}

/** Rejects if the path leads out of `root`, or passes through something other than a folder. */
export async function lookAt(
  ports: FilePorts,
  { asked, absolute, root, follows }: { asked: string; absolute: string; root: string; follows: boolean },
  signal: AbortSignal,
): Promise<Found> {
  const values = [root, absolute.slice(root === "/" ? 1 : root.length + 1), follows ? "follow" : "keep"];
  const timeout_ms = Math.min(LOOK_MS, ports.limits.request_ms);
  const script = { what: asked, text: LOOK, values, timeout_ms };
  const { word, rest, output } = await askScript(ports, script, signal);
  if (word === "outside")
    throw new SandboxError("refused", `${asked} is a link, or behind one, that leads out of the work dir.`);
  if (word === "denied") throw new SandboxError("refused", `${asked} is in a folder that can't be entered.`);
  if (word === "blocked")
    throw new SandboxError("invalid", `A part of ${asked} is a file or a broken link, not a folder.`);
  const [size, seconds] = rest.split(" ");
  const below = output.replace(/^\//, "");
  return {
    kind: word as Found["kind"],
    absolute: below === "" ? root : `${root === "/" ? "" : root}/${below}`,
    size: Number(size),
    modified_at: new Date(Number(seconds ?? 0) * 1000).toISOString(),
  };
}

/** A handful of look-ups on one disk for each path. A folder that moves is walked through. */
const LOCATE_MS = 15_000;

const DOUBTS = ["hidden", "link", "special", "path", "unknown"] as const;

// Whether paths lead to plain files of the work dir: through no link, to no program, into no folder of programs.
// $1 is the work dir, $2 the home; then each path below the work dir, and `tree` if what is below it counts. Login
// shells of Debian add `~/bin` to PATH. A relative folder of PATH is one wherever a command starts. An error of `find`
// is a doubt like what it finds.
const LOCATE = `LC_ALL=C; export LC_ALL
given=$1 home=$2; shift 2
work=$(cd -P -- "$given" && pwd -P) || exit 1
doubts=
any() { [ -n "$(find "$at" "$@" 2>&1 | head -c 1)" ]; }
searched() {
  search=$PATH:$home/bin; IFS=:; set -f; set -- "$1" "$2" $search; unset IFS; set +f
  below=$1 tree=$2; shift 2
  for folder in "$@"; do
    case $folder in
    /*)
      real=$(follow "$folder") || case $folder in "$given"/*) real=$work\${folder#"$given"} ;; *) real=$folder ;; esac
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
while [ $# -gt 0 ]; do
  doubt=$(judge "$1" "$2")
  doubts="$doubts \${doubt:-none}"
  shift 2
done
say doubts $doubts`;

type Resolve = (
  path: string,
  signal: AbortSignal,
  options?: { takesAnyName?: boolean },
) => Promise<{ absolute: string; folders: Folders }>;

/** One script for all paths. */
export async function locatePaths(
  { files, ...ports }: FilePorts & { files: { resolve: Resolve } },
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
  const values = [work, home, ...asked.flatMap(({ is_tree }, at) => [below[at] ?? "", is_tree ? "tree" : ""])];
  const script = { what: "The paths", text: LOCATE, values, timeout_ms: LOCATE_MS };
  const answer = await askScript(ports, script, signal).catch((error: unknown) => {
    // A sandbox that takes no scripts: a person decides.
    if (error instanceof SandboxError && error.code === "refused") return null;
    throw error;
  });
  const words = answer?.rest.split(" ") ?? [];
  return below.map((path, at) => ({ below: path, doubt: words[at] === "none" ? null : readDoubt(words[at]) }));
}

function readDoubt(word: string | undefined): NonNullable<SandboxPlace["doubt"]> {
  return DOUBTS.find((doubt) => doubt === word) ?? "unknown";
}
