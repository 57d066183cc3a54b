// Files as they are in a commit whose hash is known from outside of the sandbox. Each object on the way to them (the
// commit, the trees, the file) is hashed anew as it is copied into a repository of ours, and only that copy is read. So
// whatever was written into `.git` since, the content is what the hash stands for, or there is none.
import { OWN_PATH } from "./command-script.ts";

/** `$root` is the checkout, `$commit` the commit or empty. Then `$top` is the commit's folder, or empty. */
export const OPEN_COMMIT = `cd -P -- "$root" 2>/dev/null || say no_folder
root=$(pwd -P)
for name in $(env | sed -n 's/^\\(GIT_[A-Z0-9_]*\\)=.*/\\1/p'); do unset "$name"; done
work=$(mktemp -d /tmp/.taskloom-git-XXXXXX) || say stuck no space is left
trap 'rm -rf -- "$work"' EXIT
trap 'exit 1' HUP INT TERM
HOME=$work XDG_CONFIG_HOME=$work GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_NO_LAZY_FETCH=1
GIT_ALLOW_PROTOCOL=none GIT_NO_REPLACE_OBJECTS=1 GIT_TERMINAL_PROMPT=0
export HOME XDG_CONFIG_HOME GIT_CONFIG_NOSYSTEM GIT_CONFIG_GLOBAL GIT_NO_LAZY_FETCH
export GIT_ALLOW_PROTOCOL GIT_NO_REPLACE_OBJECTS GIT_TERMINAL_PROMPT
cd "$work" || say stuck
format=
[ "\${#commit}" != 64 ] || format=--object-format=sha256
for each in look own; do git init -q --bare --template= $format "$work/$each" >/dev/null 2>&1 || say stuck git init; done
mkdir -p "$work/look/objects/info"
printf '%s\\n' "$root/.git/objects" >"$work/look/objects/info/alternates"
own() { git --git-dir="$work/own" "$@" 2>/dev/null; }
take() { [ "$(git --git-dir="$work/look" cat-file "$1" "$2" 2>/dev/null | own hash-object -t "$1" -w --stdin)" = "$2" ]; }
top=
if [ -n "$commit" ]; then
  [ -d "$root/.git/objects" ] && take commit "$commit" || say stuck "the commit $commit is not there any more"
  top=$(own cat-file commit "$commit" | sed -n '1s/^tree //p')
  [ -n "$top" ] || say stuck "the commit can't be read"
fi`;

// $1 is the checkout, $2 the commit or empty, $3 how many bytes are shown of a file, the rest are paths in the checkout.
// The hash of the file in the work tree comes along.
export const COMMITTED_SCRIPT = `PATH=${OWN_PATH}:$PATH; LC_ALL=C; export PATH LC_ALL
root=$1 commit=$2 shown=$3; shift 3
say() { printf '\\ntaskloom:%s\\n' "$*"; exit 0; }
for each in git mktemp sha256sum head base64 tr cut sed; do command -v $each >/dev/null 2>&1 || say lacks $each; done
${OPEN_COMMIT}
# Prints the id of the file.
find_blob() {
  id=$top rest=$1
  [ -n "$id" ] || return 1
  while :; do
    take tree "$id" || say stuck "a folder of the commit can't be read"
    entry=$(own ls-tree "$id" -- "\${rest%%/*}" | head -n 1 | cut -f 1)
    id=\${entry##* }
    case $entry in
      '040000 tree '*) case $rest in */*) rest=\${rest#*/} ;; *) return 1 ;; esac ;;
      '100644 blob '* | '100755 blob '*) case $rest in */*) return 1 ;; *) break ;; esac ;;
      *) return 1 ;;
    esac
  done
  take blob "$id" || say stuck "a file of the commit can't be read"
}
printf '\\ntaskloom:committed\\n'
for path; do
  now=none
  [ ! -f "$root/$path" ] || now=$(sha256sum <"$root/$path" 2>/dev/null | cut -c 1-64)
  if ! find_blob "$path"; then echo "none \${now:-none}"; continue; fi
  size=$(own cat-file -s "$id")
  hash=$(own cat-file blob "$id" | sha256sum | cut -c 1-64)
  text=
  [ "$size" -gt "$shown" ] || text=$(own cat-file blob "$id" | base64 | tr -d '\\n')
  echo "file $size $hash \${now:-none} $text"
done
echo end`;

export interface CommittedAnswer {
  /** Null: the commit has no such file. */
  file: { size: number; hash: string; text: string } | null;
  now: string | null;
}

/** What keeps a script from looking. */
export type NoLook = { kind: "no_folder" } | { kind: "lacks" | "stuck"; what: string };

export type CommittedOutcome = { kind: "files"; files: CommittedAnswer[] } | NoLook;

/** Null if the script did not come to its end. */
export function readCommittedAnswer(output: string): CommittedOutcome | null {
  const answer = readLines(output, "committed");
  if (!Array.isArray(answer)) return answer;
  const files = answer.map(readLine);
  return files.every((file) => file !== null) ? { kind: "files", files } : null;
}

/** The lines of a script that says `word` first and `end` last; null if it did not come to its end. */
export function readLines(output: string, word: string): string[] | NoLook | null {
  const start = output.lastIndexOf("\ntaskloom:");
  if (start < 0) return null;
  const [line = "", ...rest] = output.slice(start + "\ntaskloom:".length).split("\n");
  if (line === "no_folder") return { kind: line };
  const [, kind, what = ""] = /^(lacks|stuck) ?(.*)$/.exec(line) ?? [];
  if (kind === "lacks" || kind === "stuck") return { kind, what };
  return line === word && rest.at(-2) === "end" ? rest.slice(0, -2) : null;
}

function readLine(line: string): CommittedAnswer | null {
  const [, gone] = /^none (none|[0-9a-f]{64})$/.exec(line) ?? [];
  if (gone !== undefined) return { file: null, now: hashOrNull(gone) };
  const [, size, hash, now, text = ""] =
    /^file (\d+) ([0-9a-f]{64}) (none|[0-9a-f]{64}) ([A-Za-z0-9+/=]*)$/.exec(line) ?? [];
  if (hash === undefined || now === undefined) return null;
  return { file: { size: Number(size), hash, text }, now: hashOrNull(now) };
}

function hashOrNull(text: string): string | null {
  return text === "none" ? null : text;
}
