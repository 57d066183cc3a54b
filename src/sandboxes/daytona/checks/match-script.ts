// Hashes what patterns of protected files match, in one request. Everything counts, hidden and ignored files, too: what
// is left out by its name would be the place for a file that changes what a test does. What can't be hashed in bounded
// time, and a link, whose target changes elsewhere, makes a pattern one that can't be protected.
//
// A list of names and hashes is kept under its own hash, as trees are, so that a later look can name what has changed.
import { BEGIN, type NoLook, RECORDS, readNoLook, type Said, SWEEP_WORK } from "./ports.ts";

/** Ten times what this project's tests have; hashing them takes a second. */
export const MAX_MATCHES = 5_000;
export const MAX_MATCHED_BYTES = 64 * 1024 * 1024;
const MAX_ALTERED = 20;
/** As many checks as a long plan has. */
const KEPT_LISTS = 50;

/**
 * `$lists` is where lists are kept, `$work` a folder for what is in between. `finish COUNT SINCE MOMENT` answers for
 * the names in `$work/names` and their hashes in `$work/hashes`, and for how many names there are at all.
 */
export const LISTS = `${RECORDS}
lists=$records/protected
mkdir -p "$lists" || say stuck
tab=$(printf '\\t')
# A name a line: what a line feed was, is the first control character, and such names are not taken.
lines() { tr '\\n\\000' '\\001\\n'; }
is_plain() { [ "$(tr -d '[:cntrl:]\\\\' <"$1" | tr -d '\\n' | wc -c)" -eq "$(tr -d '\\n' <"$1" | wc -c)" ]; }
finish() {
  [ "$(wc -l <"$work/hashes")" -eq "$1" ] || { echo "many $1"; return; }
  paste "$work/hashes" "$work/names" >"$work/list"
  hash=$(sha256sum <"$work/list" | cut -c 1-64)
  echo "list $1 $hash\${3:+ $3}"
  if [ -n "$2" ] && [ "$2" != "$hash" ] && [ -f "$lists/$2" ] && [ "$(sha256sum <"$lists/$2" | cut -c 1-64)" = "$2" ]; then
    sort "$lists/$2" "$work/list" | uniq -u | cut -f 2- | sort -u | head -n ${MAX_ALTERED} | cut -c 1-300 | sed 's/^/altered /'
  fi
  mv -- "$work/list" "$lists/$hash"
}
clean() { ls -t "$lists" | sed '1,${KEPT_LISTS}d' | while IFS= read -r old; do rm -f -- "$lists/$old"; done; }`;

// $1 is the sandbox, $2 and $3 are the folders in which files may be, the rest are a base, an expression for what is
// below it or empty, and the hash of a former list or empty, by turns.
export const MATCH_SCRIPT = `${BEGIN}
sandbox=$1 one=$2 other=$3; shift 3
need find grep sed sort uniq xargs sha256sum stat paste tr cut head wc mktemp
work=$(mktemp -d /tmp/.taskloom-match-XXXXXX) || say stuck
${SWEEP_WORK}
${LISTS}
one=$(cd -P -- "$one" 2>/dev/null && pwd -P) other=$(cd -P -- "$other" 2>/dev/null && pwd -P)
match() {
  if [ ! -d "$1" ]; then
    [ -z "$2" ] && [ -e "$1" ] || { echo none; return; }
    size=$(stat -L -c %s -- "$1" 2>/dev/null)
    moment=$(stat -L -c '%i %z' -- "$1" 2>/dev/null | sha256sum | cut -c 1-64)
    [ -f "$1" ] && [ -r "$1" ] && [ "\${size:-${MAX_MATCHED_BYTES + 1}}" -le ${MAX_MATCHED_BYTES} ] || { echo many 1; return; }
    hash=$(sha256sum <"$1" 2>/dev/null | cut -c 1-64)
    if [ -n "$hash" ]; then echo "file $hash $moment"; else echo many 1; fi
    return
  fi
  cd -P -- "$1" 2>/dev/null || { echo many 1; return; }
  case $(pwd -P)/ in "\${one:-/none}"/* | "\${other:-/none}"/*) ;; *) [ "$one" = / ] || { echo many 1; return; } ;; esac
  find . ! -type d -print0 2>"$work/errors" | lines | sed 's|^\\./||' >"$work/found"
  # A folder that can't be listed may hold what a program finds by its name. What is gone meanwhile holds nothing.
  if grep -qv ': No such file or directory$' "$work/errors"; then echo many 1; return; fi
  if [ -n "$2" ]; then grep -Ex -e "$2" <"$work/found" >"$work/all"; else mv -- "$work/found" "$work/all"; fi
  sort "$work/all" | head -n ${MAX_MATCHES + 1} >"$work/names"
  count=$(wc -l <"$work/names" | tr -d ' ')
  [ "$count" -gt 0 ] || { echo none; return; }
  is_plain "$work/names" && [ "$count" -le ${MAX_MATCHES} ] || { echo "many $count"; return; }
  tr '\\n' '\\000' <"$work/names" | xargs -0 stat -c '%f %s %i %z' -- 2>/dev/null >"$work/facts"
  sum=0
  while read -r mode size written; do
    case $mode in 8???) sum=$((sum + size)) ;; *) sum=${MAX_MATCHED_BYTES + 1}; break ;; esac
  done <"$work/facts"
  [ "$sum" -le ${MAX_MATCHED_BYTES} ] || { echo "many $count"; return; }
  tr '\\n' '\\000' <"$work/names" | xargs -0 sha256sum -- 2>/dev/null | cut -c 1-64 >"$work/hashes"
  finish "$count" "$3" "$(sha256sum <"$work/facts" | cut -c 1-64)"
}
printf '\\ntaskloom:matches\\n'
while [ $# -gt 2 ]; do
  match "$1" "$2" "$3"
  cd /
  shift 3
done
clean
echo end`;

export type MatchAnswer =
  | { kind: "none" }
  | { kind: "many"; files: number }
  | { kind: "file"; hash: string; moment?: string }
  /** `altered`: names that are not as in the former list, as far as that is there. */
  | { kind: "list"; hash: string; files: number; altered: string[]; moment?: string };

export type MatchOutcome = { kind: "matches"; matches: MatchAnswer[] } | NoLook;

/** Null if the script did not come to its end. */
export function readMatchAnswer(said: Said | null): MatchOutcome | null {
  if (said === null) return null;
  if (said.word !== "matches") return readNoLook(said);
  if (said.lines === null) return null;
  const matches: MatchAnswer[] = [];
  for (const each of said.lines) {
    const last = matches.at(-1);
    const [, name] = /^altered (.+)$/.exec(each) ?? [];
    const read = readLine(each);
    if (name !== undefined && last?.kind === "list") last.altered.push(name);
    else if (read === null) return null;
    else matches.push(read);
  }
  return { kind: "matches", matches };
}

function readLine(line: string): MatchAnswer | null {
  if (line === "none") return { kind: "none" };
  const [, hash, written] = /^file ([0-9a-f]{64})(?: ([0-9a-f]{64}))?$/.exec(line) ?? [];
  if (hash !== undefined) return { kind: "file", hash, moment: written };
  const [, many] = /^many (\d+)$/.exec(line) ?? [];
  if (many !== undefined) return { kind: "many", files: Number(many) };
  const [, files, list = "", moment] = /^list (\d+) ([0-9a-f]{64})(?: ([0-9a-f]{64}))?$/.exec(line) ?? [];
  return files === undefined ? null : { kind: "list", hash: list, files: Number(files), altered: [], moment };
}
