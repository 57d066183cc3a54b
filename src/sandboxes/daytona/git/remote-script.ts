// What git does with a remote: clone, pull, push, and a look at a branch. The password comes to git by way of
// GIT_ASKPASS.
//
// The command is text on the standard input of the daemon's shell, so it is in no argument and no variable. There the
// shell's own `printf` writes the password into a pipe, which our script inherits as descriptor 7, and passes to one git
// only. The program that this git asks is a file without a secret: it answers for one host only, by reading the one line
// that is in the pipe. A second question gets nothing.
//
// That git works in a bare repository of its own. It has the objects and the references of the sandbox's repository, and
// of its settings only those that say which branches are fetched. Other files of settings it does not read, and beside a
// password it has no variables but ours. So nothing in the sandbox decides where a password goes. What it brought is
// then taken over without it.
import { SandboxError } from "../../../agent/sandbox.ts";
import type { GitLogin } from "../../../protocol/git-credential.ts";
import { quote } from "../commands/command-line.ts";
import { type Programs, writePrelude, writeScript } from "./git-shell.ts";

export interface Transfer {
  /** `look` prints the commit of the branch at the address, or nothing if it has none. */
  action: "clone" | "pull" | "push" | "look";
  /** The repository's folder. Of a clone: where it is to be, or null if it stays in its draft. */
  root: string | null;
  /** The remote's address. */
  url: string;
  /** Of a clone: null for the remote's default branch. */
  branch: string | null;
  /** The folder that a clone is made in. */
  draft?: string;
  login: GitLogin | null;
  /** Who commits a merge, if git's settings in the sandbox name nobody. */
  author: { name: string; email: string };
  /** git is ended after this time. The caller waits a little longer. */
  seconds: number;
  programs: Programs;
}

// git quotes the address as the repository has it, and a user's name in different ways, but never with a slash.
const ASK = `#!/bin/sh
asked=$(printf %s "$1" | tr '[:upper:]' '[:lower:]')
case $asked in
probe) exit 0 ;;
"username for '$TASKLOOM_GIT_HOST': " | "username for '$TASKLOOM_GIT_HOST$TASKLOOM_GIT_PORT': ") printf '%s\\n' "$TASKLOOM_GIT_USER" ;;
"password for '\${TASKLOOM_GIT_HOST%%://*}://"*"@\${TASKLOOM_GIT_HOST#*://}': " | "password for '\${TASKLOOM_GIT_HOST%%://*}://"*"@\${TASKLOOM_GIT_HOST#*://}$TASKLOOM_GIT_PORT': ")
  user=\${asked#*://}
  case \${user%@*} in */*) exit 1 ;; esac
  IFS= read -r word <&7 && printf '%s\\n' "$word" ;;
*) exit 1 ;;
esac`;

const SCRIPT = `exec 7<&0 </dev/null
action=$1 root=$2 url=$3 branch=$4 draft=$5 user=$6 host=$7 port=$8 protocols=$9
shift 9
name=$1 email=$2 limit=$3 ask=$4
box= objects= hook= hint= commits=
git() { command git "$@" 7<&-; }
tidy() { [ -z "$box" ] || rm -rf -- "$box"; box=; }
finish() { code=$1; tidy; leave "$code"; printf '\\037\\ncode %s' "$code"; exit 0; }
trap 'tidy; exit 143' TERM INT HUP
# Without that command git asks repositories that lend objects, by their own settings.
prepare() {
  for base in "\${TMPDIR:-/tmp}" "$HOME"; do
    find "$base" -maxdepth 1 -name '.taskloom-ask.*' -mmin +20 -exec rm -rf -- {} + 2>/dev/null
    box=$(umask 077; mktemp -d "$base/.taskloom-ask.XXXXXX" 2>/dev/null) || { box=; continue; }
    mkdir "$box/git" "$box/git/refs" "$box/git/objects" && printf 'ref: refs/heads/%s\\n' "\${branch:-main}" >"$box/git/HEAD" &&
      printf '[core]\\n\\tbare = true\\n\\talternateRefsCommand = true\\n' >"$box/git/config" || finish 1
    [ -n "$user" ] || return 0
    if printf '%s\\n' "$ask" >"$box/ask" && chmod 700 "$box/ask" && "$box/ask" probe; then return 0; fi
    tidy
  done
  echo "no folder of the sandbox may hold a program that git asks for the password"
  finish 1
}
state() { git config --file "$box/git/config" --add "$1" "$2"; }
# Of several values each.
copy() { git config --get-all "$1" | while IFS= read -r value; do state "$1" "$value"; done; }
refs() { git "$@" for-each-ref '--format=%(if)%(symref)%(then)%(else)update %(refname) %(objectname)%(end)' | grep '^update '; }
represent() {
  prepare
  enter
  objects=$(git rev-parse --git-path objects) && objects=$(cd -- "$objects" && pwd -P) || return
  refs >"$box/refs"
  sed 's/^update \\(.*\\) \\(.*\\)/\\2 \\1/' "$box/refs" >"$box/git/packed-refs"
  cp -- "$(git rev-parse --git-path shallow)" "$box/git/shallow" 2>/dev/null
  case $(git rev-parse --show-object-format 2>/dev/null) in
  sha256) state core.repositoryFormatVersion 1; state extensions.objectFormat sha256 ;;
  esac
  state remote.origin.url "$url"
  for one in fetch tagOpt promisor partialCloneFilter; do copy "remote.origin.$one"; done
}
take_over() {
  refs "--git-dir=$box/git" | grep -v '^update refs/heads/' | grep -vxFf "$box/refs" | quiet update-ref -m "$action" --stdin
}
apart() {
  set -- "GIT_DIR=$box/git" "GIT_ALLOW_PROTOCOL=$protocols" "$@"
  [ -z "$objects" ] || set -- "GIT_OBJECT_DIRECTORY=$objects" "$@"
  [ -z "$host" ] || set -- GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 "$@"
  [ -z "$user" ] || set -- -i "PATH=$PATH" "HOME=$box" LC_ALL=C.UTF-8 GIT_TERMINAL_PROMPT=0 "GIT_ASKPASS=$box/ask" \\
    "TASKLOOM_GIT_HOST=$host" "TASKLOOM_GIT_PORT=$port" "TASKLOOM_GIT_USER=$user" "$@"
  exec env "$@"
}
# git itself is what gets the signal, so that it removes what it has begun.
reach() {
  (off= run=apart; quiet "$@" 7<&7) &
  child=$!
  exec 7<&-
  (
    waited=0
    while [ "$waited" -lt "$limit" ] && kill -0 "$child"; do sleep 1; waited=$((waited + 1)); done
    kill -TERM "$child"
  ) >/dev/null 2>&1 &
  watch=$!
  wait "$child"
  code=$?
  kill "$watch" 2>/dev/null
  if [ "$code" -eq 143 ]; then echo "git was ended after $limit seconds"; fi
  return "$code"
}
clone() {
  [ -z "$named" ] || silence
  inside=
  if [ -d "$root" ] && { [ "$root" = "$(pwd -P)" ] || [ ! -w "$(dirname -- "$root")" ]; }; then
    inside=yes draft=$root/.taskloom-git-$$
  fi
  prepare
  reach clone --quiet --no-checkout --no-recurse-submodules --template= --origin origin \${branch:+"--branch=$branch"} -- "$url" "$draft" || return
  [ -z "$inside" ] || { mv -- "$draft/.git" "$root/.git" && rmdir -- "$draft"; } || return
  if [ -n "$inside" ]; then cd -- "$root"; else cd -- "$draft"; fi || return
  # The person's template. A second \`init\` here would change the format as well.
  git init --quiet --bare "$box/template"
  for one in "$box/template"/*; do [ -e ".git/\${one##*/}" ] || cp -R -- "$one" .git/; done
  [ -z "$named" ] || silence
  if git rev-parse --quiet --verify HEAD >/dev/null; then quiet read-tree --reset -u HEAD || return; else hint=empty; fi
  [ ! -e .gitmodules ] || hint="$hint submodules"
  grep -qs 'filter=lfs' .gitattributes && hint="$hint lfs"
  if [ -n "$inside" ] || [ -z "$root" ]; then return 0; fi
  cd / || return
  mkdir -p -- "$(dirname -- "$root")" || return
  if [ -d "$root" ] && [ ! -L "$root" ]; then rmdir -- "$root" 2>/dev/null; fi
  if [ -e "$root" ] || [ -L "$root" ]; then echo "fatal: destination path already exists and is not an empty directory"; return 1; fi
  mv -- "$draft" "$root"
}
pull() {
  represent || return
  wanted=refs/heads/$branch
  if [ "$(git config "branch.$branch.remote")" = origin ] && [ -n "$(git config "branch.$branch.merge")" ]; then
    wanted=
    state "branch.$branch.remote" origin
    copy "branch.$branch.merge"
  fi
  reach fetch --quiet --no-recurse-submodules origin \${wanted:+"$wanted"} || return
  take_over || return
  if ! grep -v '\tnot-for-merge\t' "$box/git/FETCH_HEAD" | grep -q .; then
    echo "fatal: couldn't find remote ref $branch"
    return 1
  fi
  cp -- "$box/git/FETCH_HEAD" "$(git rev-parse --git-path FETCH_HEAD)" || return
  head=$(git rev-parse --quiet --verify HEAD)
  commits=$(git rev-list --count FETCH_HEAD \${head:+"^$head"})
  # git reads these before its settings, so they are set only where those name nobody.
  if [ -z "$(git config user.name)" ]; then export GIT_AUTHOR_NAME="$name" GIT_COMMITTER_NAME="$name"; fi
  if [ -z "$(git config user.email)" ]; then export GIT_AUTHOR_EMAIL="$email" GIT_COMMITTER_EMAIL="$email"; fi
  quiet merge --no-stat --no-edit --ff FETCH_HEAD
}
push() {
  represent || return
  folder=$(git rev-parse --git-path hooks)
  reach push --quiet --no-verify --no-signed --no-recurse-submodules origin "refs/heads/$branch:refs/heads/$branch" || return
  take_over
  git config "branch.$branch.remote" origin
  git config "branch.$branch.merge" "refs/heads/$branch"
  [ ! -x "$folder/pre-push" ] || hook=pre-push
}
look() {
  prepare
  reach ls-remote --quiet -- "$url" "refs/heads/$branch"
}
if [ "$action" = clone ]; then
  [ -n "$draft" ] || exit 1
  if [ -n "$root" ]; then
    find "$(dirname -- "$draft")" -maxdepth 1 -name '.taskloom-git-*' -mmin +20 -exec rm -rf -- {} + 2>/dev/null
  fi
else
  cd -- "$root" || exit 1
  [ -z "$named" ] || silence
fi
exec 2>&1
"$action"
code=$?
[ "$action" != clone ] || { cd /; [ -z "$root" ] && [ "$code" -eq 0 ] || rm -rf -- "$draft"; }
[ "$code" -ne 0 ] || printf '\\036hook %s\\036hint %s\\036commits %s\\036' "$hook" "$hint" "$commits"
finish "$code"`;

const HINTS: Record<string, string> = {
  empty: "The repository is empty: it has no commit yet.",
  submodules: "Its submodules are not cloned: `git submodule update --init` in a command brings those that are public.",
  lfs: "Large files are pointers of Git LFS: `git lfs pull` in a command brings those that are public.",
};

export interface Hints {
  /** That were not run. */
  hooks: string[];
  note: string | undefined;
  commits: number | undefined;
}

/** What the script printed beside git's own output. */
export function readHints(output: string): Hints {
  const read = (name: string) => (output.split(`\x1e${name} `)[1] ?? "").split("\x1e", 1).join("").split(" ");
  const [count = ""] = read("commits");
  const sentences = read("hint").flatMap((name) => HINTS[name] ?? []);
  return {
    hooks: read("hook").filter((name) => name !== ""),
    note: sentences.length === 0 ? undefined : sentences.join(" "),
    commits: count === "" ? undefined : Number(count),
  };
}

/** A shell command; `readOutcome` parses its output. It is sent once: the text holds the password. */
export function writeTransfer(transfer: Transfer): string {
  const { action, root, url, branch, draft = "", login, author, seconds, programs } = transfer;
  const { host, port, protocols } = readHost(url);
  const values = [action, root ?? "", url, branch ?? "", draft, login?.username ?? "", host, port, protocols];
  const rest = [author.name, author.email, String(seconds), ASK];
  const command = writeScript(`${writePrelude(programs)}\n${SCRIPT}`, [...values, ...rest]);
  if (login === null) return `${command} </dev/null`;
  // Another program than the shell's own would have the password among its arguments.
  const lacks = "git was not given the password, since the sandbox's shell has no printf of its own";
  return `if [ "$(command -v printf)" = printf ]; then printf '%s\\n' ${quote(requireLine(login.password))} | ${command}; else printf '${lacks.replaceAll("'", "'\\''")}\\037\\ncode 1'; fi`;
}

function requireLine(password: string): string {
  if (!/[\n\r\0]/.test(password)) return password;
  throw new SandboxError("refused", "The stored credential's password has a line break, which git can't take.");
}

/** As git quotes it when it asks, in lower case, and the port that an address may name beside it. */
function readHost(address: string): { host: string; port: string; protocols: string } {
  const url = /^https?:\/\//i.test(address) ? URL.parse(address) : null;
  if (url === null) return { host: "", port: "", protocols: "file" };
  const is_secure = url.protocol === "https:";
  return {
    host: `${url.protocol}//${url.host}`.toLowerCase(),
    port: url.port === "" ? (is_secure ? ":443" : ":80") : "",
    // A redirect from https to http would send the password in plain text.
    protocols: is_secure ? "https" : "http:https",
  };
}
