// Files as they are in a commit whose hash is known from outside of the sandbox. Each object on the way to them (the
// commit, the trees, the file) is hashed anew as it is copied into a repository of ours, and only that copy is read. So
// whatever was written into `.git` since, the content is what the hash stands for, or there is none.
import { BEGIN, type NoLook, OWN_GIT, readNoLook, type Said, SWEEP_WORK } from "./ports.ts";

/** `$root` is the checkout, `$commit` the commit or empty. Then `$top` is the commit's folder, or empty. */
export const OPEN_COMMIT = `cd -P -- "$root" 2>/dev/null || say no_folder
root=$(pwd -P)
work=$(mktemp -d /tmp/.taskloom-git-XXXXXX) || say stuck no space is left
${SWEEP_WORK}
${OWN_GIT}
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
export const COMMITTED_SCRIPT = `${BEGIN}
root=$1 commit=$2 shown=$3; shift 3
need git mktemp sha256sum head base64 tr cut sed
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

export type CommittedOutcome = { kind: "files"; files: CommittedAnswer[] } | NoLook;

/** Null if the script did not come to its end. */
export function readCommittedAnswer(said: Said | null): CommittedOutcome | null {
  if (said === null) return null;
  if (said.word !== "committed") return readNoLook(said);
  const files = said.lines?.map(readLine) ?? [null];
  return files.every((file) => file !== null) ? { kind: "files", files } : null;
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
