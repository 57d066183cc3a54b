// Hashes the project's files. `find` lists them and we hash them; git is asked only which of them the `.gitignore` files
// ignore, from a git directory of our own. So nothing in the project's `.git` has a say: settings, attributes, hooks,
// `info/exclude`, `assume-unchanged`, a nested repository, a moved work tree. A file in git's index counts even if it is
// ignored.
//
// The list of hashes is kept in the sandbox under its own hash, which is the tree's. A later look compares with it, and
// believes it only if it still has that hash.
import { BEGIN, type NoLook, OWN_GIT, RECORDS, readNoLook, type Said, SWEEP_WORK } from "./ports.ts";

/** Lists of as many trees are kept. */
const KEPT_TREES = 8;
/** Of what links lead to outside of the project. A link to a system folder is not followed into all of it. */
const MAX_LINKED_FILES = 20_000;
const MAX_LINKS = 5_000;
export const MAX_CHANGES = 20;

// $1 is the sandbox, $2 the root, $3 `home` if that is the home, $4 the hash of a former tree or empty, $5 a folder of the
// provider below the root or empty, $6 the project's checkout below the root or a dot, $7 the same for `sed`, with a
// slash. Lists have a name a line; the few names with a line feed in them are hashed apart, and
// always count.
export const TREE_SCRIPT = `${BEGIN}
sandbox=$1 root=$2 is_home=$3 since=$4 provider=$5 checkout=$6 prefix=$7
need find sort uniq xargs sha256sum tr cut mktemp readlink
cd -P -- "$root" 2>/dev/null || say no_folder
root=$(pwd -P)
${RECORDS}
trees=$records/trees
mkdir -p "$trees" || say stuck
find "$trees" -maxdepth 1 -name 'new-*' -mmin +60 -exec rm -rf -- {} + 2>/dev/null
work=$(mktemp -d "$trees/new-XXXXXX") || say stuck
${SWEEP_WORK}
nl='
'
list() {
  if [ -n "$is_home" ] && [ "$1" = . ]; then
    own=$2; shift 2
    find . -type d \\( -path './.*' ! -path './*/*' ! -name .taskloom ! -name .github -o -path ./go/pkg \\) -prune -o \\
      -type f -path './.*_history' ! -path './*/*' -o \\
      -type d \\( -name .git -o -name node_modules -o -name __pycache__ -o -path "$own" \\) -prune -o "$@"
  else
    place=$1 own=$2; shift 2
    find "$place" -type d \\( -name .git -o -name node_modules -o -name __pycache__ -o -path "$own" \\) -prune -o "$@"
  fi
}
# What one list has and the other lacks; both are without repetitions.
without() { sort "$1" "$2" "$2" | uniq -u; }
provider=\${provider:-./.daytona/none}
list . "$provider" -type f ! -path "*$nl*" -print 2>/dev/null | sort >"$work/files"
list . "$provider" -type l ! -path "*$nl*" -print 2>/dev/null | sort >"$work/links"
sort "$work/files" "$work/links" >"$work/all"
: >"$work/ignored"
if command -v git >/dev/null 2>&1; then
  ${OWN_GIT}
  git init -q --template= "$work/own" >/dev/null 2>&1 || say stuck
  ours() { git --git-dir="$work/own/.git" --work-tree="$root" "$@"; }
  tr '\\n' '\\000' <"$work/all" | ours check-ignore -z --no-index --stdin >"$work/found" 2>"$work/problem"
  [ $? -le 1 ] || say stuck "$(head -n 1 "$work/problem")"
  tr '\\000' '\\n' <"$work/found" | sort >"$work/hidden"
  if [ -s "$work/hidden" ]; then
    index=$checkout/.git/index
    if [ -f "$checkout/.git" ]; then
      index=$(sed -n 's/^gitdir: //p' "$checkout/.git" | head -n 1)/index
      case $index in /*) ;; *) index=$checkout/$index ;; esac
    fi
    : >"$work/tracked"
    if [ -f "$index" ] && [ ! -L "$index" ]; then
      GIT_INDEX_FILE=$(readlink -f -- "$index") ours ls-files -z --cached 2>/dev/null | tr '\\000' '\\n' | sed "s|^|$prefix|" | sort -u >"$work/tracked"
    fi
    without "$work/hidden" "$work/tracked" >"$work/ignored"
  fi
fi
without "$work/files" "$work/ignored" >"$work/counted"
list . "$provider" -type f -perm -100 ! -path "*$nl*" -print 2>/dev/null | sort >"$work/executable"
{
  tr '\\n' '\\000' <"$work/counted" | xargs -0 -r sha256sum 2>/dev/null >"$work/hashes"
  cat "$work/hashes"
  # What can't be read is at least named.
  [ "$(wc -l <"$work/hashes")" -eq "$(wc -l <"$work/counted")" ] || sed 's/^/f /' "$work/counted"
  sort "$work/executable" "$work/counted" | uniq -d | sed 's/^/x /'
  list . "$provider" -type f -path "*$nl*" -exec sha256sum {} + 2>/dev/null
  list . "$provider" -type l -path "*$nl*" -exec sh -c 'for link; do printf "l %s\\n %s\\n" "$link" "$(readlink -- "$link")"; done' sh {} + 2>/dev/null
  : >"$work/outside"
  without "$work/links" "$work/ignored" | {
    count=0
    while IFS= read -r link; do
      printf 'l %s\x1e%s\\n' "$link" "$(readlink -- "$link")"
      count=$((count + 1))
      [ "$count" -le ${MAX_LINKS} ] || continue
      real=$(readlink -f -- "$link") || continue
      case $real in
      "$root" | "$root"/) ;;
      */.git/* | */node_modules/* | */__pycache__/*) printf '%s\\n' "$real" >>"$work/outside" ;;
      "$root"/*) ;;
      *) printf '%s\\n' "$real" >>"$work/outside" ;;
      esac
    done
  }
  sort -u "$work/outside" | while IFS= read -r real; do
    if [ -f "$real" ]; then sha256sum -- "$real" 2>/dev/null; continue; fi
    [ -d "$real" ] || continue
    list "$real" ./none -type f ! -path "*$nl*" -print 2>/dev/null | head -n ${MAX_LINKED_FILES + 1} >"$work/linked"
    [ "$(wc -l <"$work/linked")" -le ${MAX_LINKED_FILES} ] || continue
    tr '\\n' '\\000' <"$work/linked" | xargs -0 -r sha256sum 2>/dev/null
  done
} | sort -u >"$work/list"
hash=$(sha256sum <"$work/list" | cut -c 1-64)
if [ -n "$since" ]; then
  [ -f "$trees/$since" ] && [ "$(sha256sum <"$trees/$since" | cut -c 1-64)" = "$since" ] || say forgotten
  printf '\\ntaskloom:changes\\n'
  sort "$trees/$since" "$work/list" | uniq -u | sed -e 's/^\\\\\\{0,1\\}[0-9a-f]\\{64\\}  //' -e 's/^[fxl] //' -e 's/\x1e.*//' -e 's|^\\./||' |
    sort -u | head -n ${MAX_CHANGES}
  printf 'end\\n'
  exit 0
fi
mv -- "$work/list" "$trees/$hash"
ls -t "$trees" | sed -n '/^[0-9a-f]\\{64\\}$/p' | sed '1,${KEPT_TREES}d' | while IFS= read -r old; do rm -f -- "$trees/$old"; done
say tree "$hash"`;

export type TreeAnswer =
  | { kind: "tree"; hash: string }
  | { kind: "changes"; files: string[] }
  | { kind: "forgotten" }
  | NoLook;

/** Null if the script did not come to its end. */
export function readTreeAnswer(said: Said | null): TreeAnswer | null {
  if (said === null) return null;
  const { word, rest, lines } = said;
  if (word === "tree" && /^[0-9a-f]{64}$/.test(rest)) return { kind: "tree", hash: rest };
  if (word === "changes") return lines && { kind: "changes", files: lines.filter((line) => line !== "") };
  return word === "forgotten" ? { kind: word } : readNoLook(said);
}
