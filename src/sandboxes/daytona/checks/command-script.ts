// Runs a check's command in the sandbox, apart from the agent's own shell.
//
// One request starts the command and waits for its end; the same request again finds it by its record in `/var/tmp` and
// waits on. The command is watched by a shell of its own, which no request holds: it ends the command at its limit also
// if nobody asks any more. The output goes through pipes into programs that keep its first and last bytes, count it and
// hash it, so a flood costs neither memory nor disk.
import { COMMAND_VARIABLE, ENV_FOLDERS, ENV_PREFIX } from "../commands/command-line.ts";
import { BEGIN, RECORDS, type Said } from "./ports.ts";

/** Of the first bytes of an output, and of its last. */
export const KEPT_BYTES = 32 * 1024;

/** How long one request waits. Proxies end those that are silent for a minute. */
export const WAIT_SECONDS = 20;

/**
 * Names a check's processes in their environment. Its value ends with a dot, so that no name is the start of another.
 */
const MARK = "TASKLOOM_CHECK";

/** Set in an image or by a person, these would run a file before the command, or send programs to another home. */
const DROPPED = [
  ...["BASH_ENV", "ENV", "CDPATH", "GLOBIGNORE", "PROMPT_COMMAND", "PS4", "SHELLOPTS", "BASHOPTS", "OLDPWD"],
  ...["XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "PYTHONSTARTUP", "NODE_REPL_HISTORY"],
];

/** What is installed in the real home, by the variable that says where. Only programs and packages, no settings. */
const INSTALLED = [
  "RUSTUP_HOME=.rustup",
  "PYENV_ROOT=.pyenv",
  "NVM_DIR=.nvm",
  "PYTHONUSERBASE=.local",
  "GOMODCACHE=go/pkg/mod",
  "PLAYWRIGHT_BROWSERS_PATH=.cache/ms-playwright",
  "PUPPETEER_CACHE_DIR=.cache/puppeteer",
];

// Ends all that carries the mark or is in the command's session. A number is not given to another process while a
// session has it. What has left the session and cleared its environment is not found.
// BusyBox's grep looks at no more of a file than its first NUL.
const END_ALL = `has_mark() { tr '\\000' '\\n' 2>/dev/null <"$2" | grep -qxF -- '${MARK}='"$1."; }
if printf 'a\\000b' | grep -qF b; then
  marked() { grep -lF '${MARK}='"$1." /proc/[0-9]*/environ 2>/dev/null | cut -d / -f 3; }
else
  marked() { for each in /proc/[0-9]*; do has_mark "$1" "$each/environ" && echo "\${each#/proc/}"; done; }
fi
members() {
  marked "$1"
  [ -n "$2" ] || return 0
  [ ! -d "/proc/$2" ] || [ "$3" = own ] || has_mark "$1" "/proc/$2/environ" || return 0
  for each in /proc/[0-9]*/stat; do
    { IFS= read -r line <"$each"; } 2>/dev/null || continue
    number=\${each#/proc/}
    case \${line##*) } in Z*) continue ;; esac
    set -- "$1" "$2" "$3" \${line##*) }
    [ "$7" = "$2" ] && echo "\${number%/stat}"
  done
}
end_all() {
  round=0
  while [ "$round" -lt 30 ]; do
    found=$(members "$1" "$2" "$3")
    [ -n "$found" ] || return 0
    kill -STOP $found 2>/dev/null
    kill -KILL $found 2>/dev/null
    round=$((round + 1))
    [ "$round" -lt 5 ] || sleep 0.1 2>/dev/null || sleep 1
  done
}`;

// $1 is the record, $2 the name, $3 the folder, $4 the command, $5 its limit in seconds, $6 the project's PATH, $7 a
// file with values or empty, $8 the real home.
const WATCHER = `${END_ALL}
cd "$1" || exit 1
echo "$$" >pid.new && mv pid.new pid
[ ! -e stop ] || exit 0
mkdir -m 700 home
mkfifo out count sum head.in tail.in || exit 1
wc -c <count >bytes & readers=$!
sha256sum <sum >hash & readers="$readers $!"
{ head -c ${KEPT_BYTES}; cat >/dev/null; } <head.in >head & readers="$readers $!"
tail -c ${KEPT_BYTES} <tail.in >tail & readers="$readers $!"
tee count sum head.in <out >tail.in 2>/dev/null & tee=$!
(
  cd -- "$3" || exit 1
  record=$1 name=$2 run=$4 path=$6 given=$7 real=$8
  for each in ${INSTALLED.join(" ")}; do
    eval "is_set=\\\${\${each%%=*}+yes}"
    if [ -z "$is_set" ] && [ -d "$real/\${each#*=}" ]; then export "\${each%%=*}=$real/\${each#*=}"; fi
  done
  shell=/bin/sh
  for each in /bin/bash /usr/bin/bash /usr/local/bin/bash; do if [ -x "$each" ]; then shell=$each; break; fi; done
  set -- env ${DROPPED.map((name) => `-u ${name}`).join(" ")} "HOME=$record/home" "PATH=$path" "PWD=$PWD" \\
    "PYTHONPYCACHEPREFIX=$record/home/.pycache" "${COMMAND_VARIABLE}=$name" "${MARK}=$name." "$shell" -c "$run"
  if [ -n "$given" ]; then
    set -- "$given" "$@"
    . "$1"
    rm -f -- "$1"
    shift
  fi
  exec setsid "$@"
) </dev/null >out 2>&1 & command=$!
echo "$command" >command
[ ! -e stop ] || end_all "$2" "$command" own
{ trap 'kill "$sleeper" 2>/dev/null; exit 0' TERM
  sleep "$5" & sleeper=$!
  wait "$sleeper"
  : >late
  end_all "$2" "$command" own
} </dev/null >/dev/null 2>&1 & limit=$!
wait "$command"
code=$?
end_all "$2" "$command" own
kill "$limit" 2>/dev/null
round=0
while [ "$round" -lt 20 ] && kill -0 "$tee" 2>/dev/null; do
  case $(sed 's/.*) //' "/proc/$tee/stat" 2>/dev/null) in '' | Z*) break ;; esac
  sleep 0.1 2>/dev/null || sleep 1
  round=$((round + 1))
done
kill "$tee" 2>/dev/null
for reader in $readers; do wait "$reader"; done
[ ! -e late ] || code=late
printf '%s %s %s\\n' "$code" "$(tr -d ' \\n' <bytes)" "$(cut -c 1-64 <hash)" >result.new
rm -rf home out count sum head.in tail.in
mv result.new result`;

const LISTENS = `listens() {
  grep -qiE "^ *[0-9]+: [0-9A-F]+:$(printf '%04X' "$1") [0-9A-F]+:0000 0A " /proc/net/tcp /proc/net/tcp6 2>/dev/null
}`;

const PROLOGUE = `${BEGIN}
rest() { sleep 0.1 2>/dev/null || sleep 1; }`;

const TELL = `tell() {
  [ -f "$record/result" ] || return 0
  printf '\\ntaskloom:ended %s %s\\n' "$(cat "$record/result")" "$(cat "$record/tree" 2>/dev/null)"
  printf 'head %s\\ntail %s\\nend\\n' "$(base64 <"$record/head" | tr -d '\\n')" "$(base64 <"$record/tail" | tr -d '\\n')"
  exit 0
}
watched() {
  [ -f "$record/pid" ] || return 1
  tr '\\000' '\\n' 2>/dev/null <"/proc/$(cat "$record/pid")/cmdline" | grep -qxF -- "$record"
}`;

// $1 is the sandbox, $2 the name, $3 the folder, $4 the command, $5 its limit, $6 how long this request waits, $7 a
// port or empty, $8 the tree before, $9 the real home, $10 `start`, or empty if only a former request may have started
// it. An entry of PATH that is not absolute would lead into the project.
const START = `${PROLOGUE}
sandbox=$1 name=$2 folder=$3 run=$4 limit=$5 wait=$6 port=$7 tree=$8 real=$9 may_start=\${10}
${RECORDS}
record=$records/check-$name
${TELL}
${LISTENS}
if [ ! -d "$record" ]; then
  [ -n "$may_start" ] || say absent
  need setsid mkfifo tee wc sha256sum head tail base64 env
  [ -d "$folder" ] || say no_folder
  if [ -n "$port" ]; then
    [ -r /proc/net/tcp ] || say lacks /proc/net/tcp
    if listens "$port"; then say busy; fi
  fi
  given=
  for each in ${ENV_FOLDERS.join(" ")}; do if [ -f "$each/${ENV_PREFIX}$name" ]; then given=$each/${ENV_PREFIX}$name; break; fi; done
  find "$records" -maxdepth 1 -name 'check-*' -mmin +1440 -exec rm -rf -- {} + 2>/dev/null
  clean=
  before=$IFS; IFS=:; set -f
  for each in $path; do case $each in /*) clean=\${clean:+$clean:}$each ;; esac; done
  IFS=$before; set +f
  if mkdir -m 700 "$record" 2>/dev/null; then
    printf '%s' "$tree" >"$record/tree"
    setsid sh -c "$watcher" taskloom "$record" "$name" "$folder" "$run" "$limit" "\${clean:-$PATH}" "$given" "$real" </dev/null >/dev/null 2>&1 &
  fi
fi
begun=$(date +%s) seen=
while :; do
  tell
  if [ -n "$port" ] && listens "$port"; then say listening; fi
  if [ -e "$record/stop" ] && ! watched; then tell; say lost; fi
  if watched; then seen=yes; elif [ -n "$seen" ] || [ $(($(date +%s) - begun)) -ge 10 ]; then tell; say lost; fi
  [ $(($(date +%s) - begun)) -lt "$wait" ] || say running
  rest
done`;

// $1 is the sandbox, $2 the name. Waits for the watcher, which prints the output of what it watched. The mark `stop`
// also keeps a request that is still on its way from starting it.
const END = `${PROLOGUE}
sandbox=$1 name=$2
${RECORDS}
record=$records/check-$name
${END_ALL}
${TELL}
mkdir -m 700 "$record" 2>/dev/null
: >"$record/stop"
end_all "$name" "$(cat "$record/command" 2>/dev/null)"
round=0
while watched && [ ! -f "$record/result" ] && [ "$round" -lt 50 ]; do rest; round=$((round + 1)); done
end_all "$name" "$(cat "$record/command" 2>/dev/null)"
if watched; then kill -KILL "$(cat "$record/pid")" 2>/dev/null; fi
for each in ${ENV_FOLDERS.join(" ")}; do rm -f -- "$each/${ENV_PREFIX}$name" 2>/dev/null; done
rm -rf -- "$record/home"
tell
say absent`;

export const START_SCRIPT = `watcher=${quoteScript(WATCHER)}\n${START}`;
export const END_SCRIPT = END;

function quoteScript(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

export type CommandAnswer =
  | { kind: "ended"; exit_code: number | null; bytes: number; hash: string; tree: string; head: string; tail: string }
  | { kind: "running" | "listening" | "busy" | "lost" | "no_folder" | "absent" };

const words = new Set(["running", "listening", "busy", "lost", "no_folder", "absent"]);

/** `head` and `tail` are base64. Null if the script did not come to its end. */
export function readCommandAnswer(said: Said | null): CommandAnswer | null {
  if (said === null) return null;
  const { word, lines } = said;
  if (words.has(word)) return { kind: word as "running" };
  const [code = "", bytes = "", hash = "", tree = ""] = said.rest.split(" ");
  const read = (name: string) => lines?.find((each) => each.startsWith(`${name} `))?.slice(name.length + 1) ?? "";
  if (word !== "ended" || lines === null || !/^(?:\d{1,3}|late)$/.test(code)) return null;
  // A command that ended the programs which read its output has left no hash.
  if (!/^\d+$/.test(bytes) || !/^[0-9a-f]{64}$/.test(hash)) return { kind: "lost" };
  const exit_code = code === "late" ? null : Number(code);
  return { kind: "ended", exit_code, bytes: Number(bytes), hash, tree, head: read("head"), tail: read("tail") };
}
