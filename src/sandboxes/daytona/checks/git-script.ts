// The state of a repository for checks. All but its commits, its branches and the files themselves is ours: the git
// directory, the settings and the index are made for this look. So no setting or attribute runs a program or hides a
// change, and nothing in the repository is written.
import { OWN_PATH } from "./command-script.ts";
import { MAX_CHANGES } from "./tree-script.ts";

// $1 is the folder, $2 `only` if the one repository right below it is meant where it is in none itself, $3 the commit of
// the branch at its remote, or empty for what the repository knows of it. Changes are what
// differs from the last commit in the work tree, and what is staged.
export const GIT_SCRIPT = `PATH=${OWN_PATH}:$PATH; LC_ALL=C; export PATH LC_ALL
say() { printf '\\ntaskloom:%s\\n' "$*"; exit 0; }
for each in git mktemp sed tr sort; do command -v $each >/dev/null 2>&1 || say lacks $each; done
cd -P -- "$1" 2>/dev/null || say no_folder
start=$PWD
while [ ! -e .git ] && [ "$PWD" != / ]; do cd ..; done
if [ ! -e .git ]; then
  cd -- "$start" || say no_folder
  found=
  if [ "$2" = only ]; then
    for each in */.git; do [ ! -e "$each" ] || found="$found\${each%/.git}/"; done
  fi
  case $found in '' | */*/) say no_repository ;; esac
  cd -- "\${found%/}" || say no_repository
fi
root=$PWD
real=$root/.git
if [ -f .git ]; then
  real=$(sed -n 's/^gitdir: //p' .git | head -n 1)
  case $real in /*) ;; *) real=$root/$real ;; esac
fi
for name in $(env | sed -n 's/^\\(GIT_[A-Z0-9_]*\\)=.*/\\1/p'); do unset "$name"; done
work=$(mktemp -d /tmp/.taskloom-git-XXXXXX) || say stuck
trap 'rm -rf -- "$work"' EXIT
trap 'exit 1' HUP INT TERM
HOME=$work XDG_CONFIG_HOME=$work GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_NO_LAZY_FETCH=1 GIT_ALLOW_PROTOCOL=none
GIT_NO_REPLACE_OBJECTS=1 GIT_TERMINAL_PROMPT=0 GIT_OPTIONAL_LOCKS=0
export HOME XDG_CONFIG_HOME GIT_CONFIG_NOSYSTEM GIT_CONFIG_GLOBAL GIT_NO_LAZY_FETCH GIT_ALLOW_PROTOCOL
export GIT_NO_REPLACE_OBJECTS GIT_TERMINAL_PROMPT GIT_OPTIONAL_LOCKS
theirs() { git --git-dir="$real" -c core.fsmonitor=false -c core.hooksPath=/dev/null "$@" 2>/dev/null; }
ours() { git --git-dir="$work/own/.git" --work-tree="$root" -c core.hooksPath=/dev/null "$@"; }
common=$(theirs rev-parse --git-common-dir) || say no_repository
case $common in /*) ;; *) common=$root/$common ;; esac
git init -q --template= "$work/own" >/dev/null 2>&1 || say stuck
mkdir -p "$work/own/.git/objects/info"
printf '%s\\n' "$common/objects" >"$work/own/.git/objects/info/alternates"
[ ! -f "$common/shallow" ] || cp "$common/shallow" "$work/own/.git/shallow"
branch=$(theirs symbolic-ref -q --short HEAD)
commit=$(theirs rev-parse -q --verify 'HEAD^{commit}')
if [ -n "$commit" ]; then
  printf '%s\\n' "$commit" >"$work/own/.git/HEAD"
  ours read-tree "$commit" 2>"$work/problem" || say stuck "$(head -n 1 "$work/problem")"
fi
upstream=$3
[ -n "$upstream" ] || [ -z "$branch" ] || upstream=$(theirs rev-parse -q --verify '@{upstream}^{commit}')
[ -n "$upstream" ] || [ -z "$branch" ] || upstream=$(theirs rev-parse -q --verify "refs/remotes/origin/$branch^{commit}")
unpushed=none
if [ -n "$upstream" ] && [ -n "$commit" ]; then unpushed=$(ours rev-list --count "$upstream..$commit" 2>/dev/null) || unpushed=none; fi
ours status --porcelain -z --untracked-files=all --no-renames --ignore-submodules=dirty >"$work/status" 2>"$work/problem" || say stuck "$(head -n 1 "$work/problem")"
{
  tr '\\n\\000' '\\036\\n' <"$work/status" | sed 's/^...//'
  index=$(readlink -f -- "$real/index")
  if [ -f "$index" ]; then
    base=$commit
    [ -n "$base" ] || base=$(ours hash-object -t tree -w /dev/null)
    GIT_INDEX_FILE=$index ours diff-index --cached --name-only --no-renames --ignore-submodules=dirty -z "$base" 2>/dev/null | tr '\\n\\000' '\\036\\n'
  fi
} | sort -u >"$work/changes"
printf '\\ntaskloom:git %s %s %s\\n' "\${commit:-none}" "$unpushed" "$branch"
head -n ${MAX_CHANGES} "$work/changes"
echo end`;

export type GitAnswer =
  | { kind: "git"; branch: string | null; commit: string | null; unpushed: number | null; changed: string[] }
  | { kind: "no_folder" | "no_repository" }
  | { kind: "lacks" | "stuck"; what: string };

/** Null if the script did not come to its end. */
export function readGitAnswer(output: string): GitAnswer | null {
  const start = output.lastIndexOf("\ntaskloom:");
  if (start < 0) return null;
  const [line = "", ...rest] = output.slice(start + "\ntaskloom:".length).split("\n");
  if (line === "no_folder" || line === "no_repository") return { kind: line };
  const [, word, what = ""] = /^(lacks|stuck) ?(.*)$/.exec(line) ?? [];
  if (word !== undefined) return { kind: word as "lacks", what };
  const [, commit, unpushed, branch = ""] = /^git (\w+) (\w+) (.*)$/.exec(line) ?? [];
  const end = rest.lastIndexOf("end");
  if (commit === undefined || end < 0) return null;
  return {
    kind: "git",
    branch: branch === "" ? null : branch,
    commit: commit === "none" ? null : commit,
    unpushed: unpushed === "none" ? null : Number(unpushed),
    changed: rest.slice(0, end).filter((name) => name !== ""),
  };
}
