// Inspects a repository in a sandbox with one command: its folder, its branch and where its remote is.
import { writeShell } from "../commands/command-line.ts";

export interface Repository {
  root: string;
  branch: string | null;
  remote: Remote | null;
  author: string | null;
  email: string | null;
  /** What git has begun and not ended; a commit ends a merge. */
  under_way: string | null;
}

/** Addresses as git's settings in the sandbox make them. */
export interface Remote {
  /** Where a pull is from; "" if no git is installed to ask. */
  url: string;
  push_urls: string[];
}

export type Inspection =
  | { kind: "repository"; repository: Repository }
  /** The folder exists and is in no repository. Lists the repositories directly inside it. */
  | { kind: "none"; repositories: string[] }
  | { kind: "missing" };

/** A longer list in an error message would not help. */
const MAX_REPOSITORIES = 20;

// In an additional work tree and in a submodule, `.git` is a file with the path of the git directory.
// Values are separated by a character that no URL contains, so a value with a line feed counts as two.
const SCRIPT = `cd -- "$1" 2>/dev/null || { echo missing; exit 0; }
d=$(pwd -P)
while [ ! -e "$d/.git" ] && [ "$d" != / ]; do d=$(dirname -- "$d"); done
if [ ! -e "$d/.git" ]; then
  echo none
  for r in */.git; do [ -e "$r" ] && printf 'repository %s\\n' "\${r%/.git}"; done | head -n ${MAX_REPOSITORIES}
  exit 0
fi
printf 'root %s\\n' "$d"
h="$d/.git"
[ -f "$h" ] && h=$(sed -n 's/^gitdir: //p' "$h" | head -n 1) && case $h in /*) ;; *) h="$d/$h" ;; esac
printf 'branch %s\\n' "$(sed -n 's,^ref: refs/heads/,,p' "$h/HEAD" 2>/dev/null | head -n 1 | head -c 1000)"
for w in MERGE_HEAD:merge CHERRY_PICK_HEAD:cherry-pick REVERT_HEAD:revert rebase-merge:rebase rebase-apply:rebase; do
  [ ! -e "$h/\${w%%:*}" ] || { printf 'under_way %s\\n' "\${w#*:}"; break; }
done
command -v git >/dev/null 2>&1 || exit 0
say() { printf '%s ' "$1"; shift; git -C "$d" "$@" 2>/dev/null | head -c 8192 | tr '\\n' '\\036'; echo; }
echo git
say url remote get-url origin
say push_url remote get-url --push --all origin
say author config user.name
say email config user.email`;

/** A shell command; `readInspection` parses its output. */
export function writeInspection(path: string): string {
  return writeShell(SCRIPT, [path]);
}

export function readInspection(output: string): Inspection {
  const lines = output.split("\n");
  if (lines[0] === "missing") return { kind: "missing" };
  const read = (name: string) =>
    lines.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1));
  if (lines[0] === "none") return { kind: "none", repositories: read("repository") };
  const list = (name: string) => read(name).flatMap((line) => line.split("\x1e").filter((value) => value !== ""));
  const [root = ""] = read("root");
  const [branch = ""] = read("branch");
  const repository: Repository = {
    root,
    branch: branch === "" ? null : branch,
    remote: readRemote(list, lines.includes("git")),
    author: list("author")[0] ?? null,
    email: list("email")[0] ?? null,
    under_way: read("under_way")[0] ?? null,
  };
  return { kind: "repository", repository };
}

function readRemote(list: (name: string) => string[], hasGit: boolean): Remote | null {
  const [url] = list("url");
  if (url !== undefined) return { url, push_urls: list("push_url") };
  return hasGit ? null : { url: "", push_urls: [] };
}
