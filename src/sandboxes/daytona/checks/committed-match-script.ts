// Hashes what patterns of protected files match in a commit, as `match-script` does in the work tree: the same files have
// the same hash in both. The folders of the commit, and the files that match, are copied into a repository of ours, which
// names each by its own content.
import { OPEN_COMMIT } from "./committed-script.ts";
import { LISTS, MAX_MATCHED_BYTES, MAX_MATCHES } from "./match-script.ts";
import { BEGIN } from "./ports.ts";

// $1 is the sandbox, $2 the checkout, $3 the commit or empty, the rest are a base and an expression by turns. Files are
// written under their ids, so that no attribute of the commit changes them on the way.
export const COMMITTED_MATCH_SCRIPT = `${BEGIN}
sandbox=$1 root=$2 commit=$3; shift 3
need git grep sed sort uniq xargs sha256sum paste tr cut head wc mktemp
${OPEN_COMMIT}
${LISTS}
blobs=$work/blobs
mkdir "$blobs" || say stuck no space is left
look() { git --git-dir="$work/look" "$@" 2>/dev/null; }
copy() { look pack-objects -q --stdout | own index-pack --stdin >/dev/null; }
if [ -n "$top" ]; then
  { echo "$top"; look ls-tree -r -t "$top" | cut -f 1 | sed -n 's/^040000 tree //p'; } | sort -u | copy
fi
match() {
  id=$top
  [ -n "$id" ] || { echo none; return; }
  if [ -n "$1" ]; then
    entry=$(own ls-tree "$top" -- "$1" | head -n 1 | cut -f 1)
    id=\${entry##* }
    case $entry in
      '040000 tree '*) ;;
      '100644 blob '* | '100755 blob '*)
        [ -z "$2" ] || { echo none; return; }
        take blob "$id" || say stuck "a file of the commit can't be read"
        echo "file $(own cat-file blob "$id" | sha256sum | cut -c 1-64)"
        return ;;
      '') echo none; return ;;
      *) echo many 1; return ;;
    esac
  fi
  own ls-tree -r -z "$id" >"$work/raw" || say stuck "a folder of the commit can't be read"
  lines <"$work/raw" >"$work/found"
  if [ -n "$2" ]; then grep -Ex -e "[^$tab]*$tab($2)" <"$work/found" >"$work/all"; else mv -- "$work/found" "$work/all"; fi
  sort -t "$tab" -k 2 "$work/all" | head -n ${MAX_MATCHES + 1} >"$work/entries"
  cut -f 2- "$work/entries" >"$work/names"
  cut -f 1 "$work/entries" | sed 's/.* //' >"$work/ids"
  count=$(wc -l <"$work/names" | tr -d ' ')
  [ "$count" -gt 0 ] || { echo none; return; }
  is_plain "$work/names" && [ "$count" -le ${MAX_MATCHES} ] && ! grep -qv '^100[0-7]* blob ' "$work/entries" || { echo "many $count"; return; }
  sum=0
  look cat-file '--batch-check=%(objectsize)' <"$work/ids" >"$work/sizes"
  while read -r size; do case $size in *[!0-9]*) ;; *) sum=$((sum + size)) ;; esac; done <"$work/sizes"
  [ "$sum" -le ${MAX_MATCHED_BYTES} ] || { echo "many $count"; return; }
  sort -u "$work/ids" | copy
  GIT_INDEX_FILE=$work/index; export GIT_INDEX_FILE
  rm -f -- "$work/index"
  sort -u "$work/ids" | sed "s/.*/100644 blob &$tab&/" | own --work-tree="$blobs" update-index --add --index-info
  (cd "$blobs" && own --work-tree="$blobs" checkout-index -a -f -q) || say stuck "a file of the commit can't be read"
  (cd "$blobs" && tr '\\n' '\\000' <"$work/ids" | xargs -0 sha256sum 2>/dev/null | cut -c 1-64) >"$work/hashes"
  finish "$count" ""
}
printf '\\ntaskloom:matches\\n'
while [ $# -gt 1 ]; do
  match "$1" "$2"
  shift 2
done
clean
echo end`;
