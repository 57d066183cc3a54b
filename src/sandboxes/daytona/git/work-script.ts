// What git does in a repository without its remote.
import { type Programs, writePrelude, writeScript } from "./git-shell.ts";

export type Work =
  | { name: "status" | "branches"; root: string }
  | { name: "commit"; root: string; message: string; author: string; email: string; files: string[] | null }
  | { name: "create" | "checkout" | "delete"; root: string; branch: string };

// $1 is the repository, $2 the operation, $3 to $5 its values, the rest are files: none stands for all. NUL bytes don't
// pass the daemon. A file that both sides of a merge changed is not taken for resolved while it holds git's marks, or
// is what one side had and nobody named it.
const SCRIPT = `cd -- "$1" || exit 1
operation=$2 one=$3 two=$4 three=$5; shift 5
[ -z "$named" ] || silence
skipped() {
  [ -n "$hooks" ] || return 0
  folder=$(git rev-parse --git-path hooks)
  for hook in pre-commit prepare-commit-msg commit-msg post-commit; do [ -x "$folder/$hook" ] && echo "hook $hook"; done
  :
}
unresolved() {
  quiet diff --name-only --diff-filter=U -z | tr '\\n\\000' '\\036\\n' | while IFS= read -r file; do
    [ -f "$file" ] && [ ! -L "$file" ] || continue
    if grep -q '^<<<<<<< ' -- "$file" && grep -q '^>>>>>>> ' -- "$file"; then echo "$file"; continue; fi
    [ "$1" = all ] || continue
    blob=$(quiet hash-object -- "$file") || continue
    git ls-files -s -- ":(literal)$file" | grep -q " $blob [23]" && echo "$file"
  done
}
add() {
  if [ $# -eq 0 ]; then quiet add --all .; else quiet --literal-pathspecs add --all -- "$@"; fi
}
commit() {
  kind=some; [ $# -gt 0 ] || kind=all
  open=$(unresolved "$kind" | head -n 20)
  if [ -n "$open" ]; then printf 'unresolved conflict: %s\\n' "$(printf %s "$open" | tr '\\n' ' ')" >&2; return 1; fi
  add "$@" || return
  GIT_AUTHOR_NAME=$two GIT_AUTHOR_EMAIL=$three GIT_COMMITTER_NAME=$two GIT_COMMITTER_EMAIL=$three
  export GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL
  printf %s "$one" | quiet commit --quiet --cleanup=verbatim --no-gpg-sign --file=- && git rev-parse HEAD && skipped
}
work() {
  case $operation in
  status) quiet --no-optional-locks status --porcelain=v2 --branch -z --untracked-files=all --no-renames --ignore-submodules=dirty ;;
  branches) quiet for-each-ref '--format=%(refname:lstrip=2)' refs/heads ;;
  commit) enter; commit "$@" ;;
  create) enter; quiet checkout --quiet -b "$one" ;;
  checkout) enter; quiet -c checkout.defaultRemote=origin checkout --quiet "$one" -- ;;
  delete) enter; quiet branch --quiet -D -- "$one" ;;
  esac
}
exec 3>&1
said=$({ { (work "$@"; code=$?; leave "$code"; exit "$code") 2>&4 4>&-; printf '\\ncode %s' "$?" >&4; } | tr '\\000' '\\036' >&3; } 4>&1)
printf '\\037%s' "$said"`;

/** A shell command; `readOutcome` parses its output. */
export function writeWork(work: Work, programs: Programs): string {
  const [one = "", two = "", three = ""] =
    work.name === "commit" ? [work.message, work.author, work.email] : "branch" in work ? [work.branch] : [];
  const files = work.name === "commit" ? (work.files ?? []) : [];
  const script = `${writePrelude(programs)}\n${SCRIPT}`;
  return writeScript(script, [work.root, work.name, one, two, three, ...files]);
}
