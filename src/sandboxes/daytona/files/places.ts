// Where paths lead, and what git makes of them: a link may lead into a repository's own folder, and settings may name
// any folder for hooks and any file for further settings. One script for all paths of a call.
import type { SandboxPlace, SandboxPlaces } from "../../../agent/sandbox.ts";
import { SandboxError } from "../../../agent/sandbox.ts";
import type { DaytonaConnection } from "../client/connection.ts";
import { readFailure } from "../client/failure.ts";
import type { Toolbox } from "../client/toolbox.ts";
import type { DaytonaFiles } from "./files.ts";
import { runScript } from "./scripts.ts";

/** A handful of look-ups on one disk, and three questions to git for each repository. */
const SCRIPT_MS = 15_000;

/** Beside the repository that a path is in: settings of those in the work dir may name files anywhere. */
const MAX_REPOSITORIES = 20;

/** Ends each value of the output. A path that holds it is taken for one that can't be determined. */
const END = "\x1e";

// $1 is the work dir, $2 the home, the rest are absolute paths. The script goes up to the first existing folder,
// resolves that, and goes down again. A name may end with a line feed, which an added dot keeps. A folder with HEAD,
// objects and refs is a repository to git, the latter two perhaps where a file `commondir` says, and the path may be
// what it lacks. A folder that moves takes hooks and settings below it along. Git only reads settings here, which runs
// nothing. A file that settings name and that is not there yet is known by its name and its folders' alone. Then come
// which files variables name for programs, and links to the path from places that programs know, each ended by
// \035: people keep their settings and hooks elsewhere. `follow` says where a path leads, also if parts are not there.
// A path that is not steady leads elsewhere for the daemon (a link to /proc/self/cwd). ENV is a file for shells, and
// for many programs a word such as "production".
const SCRIPT = `LC_ALL=C; export LC_ALL
say() { printf '%s\\036' "$@"; }
lost() { say '' '' ''; }
mark=$(printf '\\035')
steady() { [ "$(cd / && readlink -f -- "$1")" = "$(cd /dev && readlink -f -- "$1")" ]; }
follow() (
  at=$1 rest= up= left=100
  while [ $left -gt 0 ]; do
    left=$((left - 1))
    if [ -L "$at" ] && [ ! -e "$at" ]; then
      next=$(readlink -- "$at") || exit
      case $next in /*) at=$next$up$rest ;; *) at=\${at%/*}/$next$up$rest ;; esac
      rest= up=
    elif [ -e "$at" ]; then
      [ -z "$up" ] || { at=$at$up; up=; continue; }
      [ -d "$at" ] && at=$(cd -P -- "$at" && pwd -P) || at=$(readlink -f -- "$at")
      printf '%s%s\\n' "\${at%/}" "$rest"; exit
    else
      name=\${at##*/}; at=\${at%/*}; [ -n "$at" ] || at=/
      case $name in
      '' | .) ;;
      ..) up=$up/.. ;;
      *) if [ -n "$up" ]; then up=\${up#/..}; else rest=/$name$rest; fi ;;
      esac
    fi
  done
)
guess() {
  git -C "$1" config --get-regexp '^(include(if\\..*)?\\.path|core\\.attributesfile)$' 2>/dev/null | while IFS= read -r line; do
    case "/\${line#* }" in */"\${2##*/}" | *" \${2##*/}" | */"\${2##*/}"/*) echo settings; break ;; esac
  done
}
reads() {
  for setting in core.hooksPath init.templateDir; do
    hooks=$(git -C "$1" config --path --get $setting 2>/dev/null)
    case $hooks in '' | /*) ;; *) hooks=$3/\${hooks#./} ;; esac
    [ -z "$hooks" ] || hooks=$(follow "$hooks")
    case $2/ in "\${hooks:-/dev/null}"/*) echo hook; return ;; esac
    case $hooks in "$2"/*) echo hook; return ;; esac
    [ -z "$hooks" ] || for link in "$hooks"/*; do
      [ -L "$link" ] || continue
      case $(follow "$link")/ in "$2"/*) echo hook; return ;; esac
    done
  done
  git -C "$1" config -z --list --show-origin --name-only 2>/dev/null | tr '\\000' '\\n' | sed -n 's/^file://p' | sort -u |
  while IFS= read -r file; do
    case $file in /*) ;; *) file=$3/$file ;; esac
    [ "$file" -ef "$2" ] && echo settings && break
    case $(readlink -f -- "$file") in "$2"/*) echo settings; break ;; esac
  done
}
say taskloom
work=$(cd -P -- "$1" 2>/dev/null && pwd -P) || work=$1
home=$(cd -P -- "$2" 2>/dev/null && pwd -P) || home=$2
search=
set -f; IFS=:
for folder in $PATH:; do
  case $folder in
  /*) search=$search:$folder:$(follow "$folder") ;;
  *) search=$search:\${folder:-.} ;;
  esac
done
unset IFS; set +f
say "$work" "$home" "$search"
shift 2
case $ENV in */*) ;; *) ENV= ;; esac
for path in "$@"; do
  dir=\${path%/*}; rest=\${path##*/}; [ -n "$dir" ] || dir=/
  while [ ! -d "$dir" ] && [ ! -e "$dir" ] && [ ! -L "$dir" ]; do
    rest=\${dir##*/}/$rest; dir=\${dir%/*}; [ -n "$dir" ] || dir=/
  done
  steady "$dir" && real=$(cd -P -- "$dir" 2>/dev/null && pwd -P && echo .) || { lost; continue; }
  real=\${real%??}; base=$real; real=\${real%/}/$rest
  if [ -L "$real" ]; then
    steady "$real" && real=$(readlink -f -- "$real" 2>/dev/null && echo .) || { lost; continue; }
    real=\${real%??}; base=\${real%/*}; [ -n "$base" ] || base=/
  fi
  [ -d "$real" ] && base=$real
  role=; top=; at=$real
  while [ "$at" != / ]; do
    next=\${at##*/}; at=\${at%/*}; [ -n "$at" ] || at=/
    if { [ -e "$at/HEAD" ] || [ "$next" = HEAD ]; } && { [ -e "$at/commondir" ] || [ "$next" = commondir ] ||
      { { [ -d "$at/objects" ] || [ "$next" = objects ]; } && { [ -d "$at/refs" ] || [ "$next" = refs ]; }; }; }
    then role=git_dir; break; fi
    [ -z "$top" ] && [ -e "$at/.git" ] && top=$at
  done
  [ -e "$real" ] && [ ! -f "$real" ] && [ ! -d "$real" ] && role=pipe
  if [ -z "$role" ] && command -v git >/dev/null 2>&1; then
    role=$({ reads "$base" "$real" "$top"; guess "$base" "$real"; } | head -n 1)
    count=0
    for other in "$work"/.git "$work"/*/.git; do
      other=\${other%/.git}
      [ -z "$role" ] && [ -e "$other/.git" ] && [ "$other" != "$top" ] && [ "$other" != "$real" ] || continue
      count=$((count + 1)); [ $count -le ${MAX_REPOSITORIES} ] || break
      role=$({ reads "$other" "$real" "$other"; [ -e "$real" ] || guess "$other" "$real"; } | head -n 1)
    done
  fi
  for file in "$BASH_ENV" "$ENV" "$PYTHONSTARTUP" "$INPUTRC" "$GIT_CONFIG_GLOBAL" "$GIT_CONFIG_SYSTEM" "$GIT_TEMPLATE_DIR" \\
    "$GIT_EXEC_PATH" "$XDG_CONFIG_HOME" "$ZDOTDIR" "$GNUPGHOME" "$KUBECONFIG" "$AWS_CONFIG_FILE" "$DOCKER_CONFIG" \\
    "$CARGO_HOME" "$RUSTUP_HOME" "$PYTHONUSERBASE" "$IPYTHONDIR" "$NPM_CONFIG_USERCONFIG" "$npm_config_userconfig"; do
    [ -n "$role" ] || [ -z "$file" ] && continue
    case $file in /*) ;; *) file=$work/$file ;; esac
    file=$(follow "$file")
    case $file/ in "$real"/*) role=start ;; esac
    case $real in "\${file:-/dev/null}"/*) role=start ;; esac
  done
  own=$(git -C "$base" rev-parse --git-path hooks 2>/dev/null) || own=/dev/null
  case $own in /*) ;; *) own=$base/$own ;; esac
  links=
  for link in "$home"/.[!.]* "$home"/.[!.]*/* "$home"/.config/*/* "$home"/bin "$home"/bin/* "$home"/.local/bin/* \\
    "$work"/.[!.]* "$work"/.[!.]*/* "$work"/*/.[!.]* "$work"/*/.[!.]*/* "$work"/.git/hooks/* "$work"/*/.git/hooks/* \\
    "$top"/.[!.]* "$top"/.[!.]*/* "$own"/*; do
    [ -L "$link" ] && target=$(follow "$link" 2>/dev/null) && [ -n "$target" ] || continue
    case $real in "$target") ;; "$target"/*) link=$link\${real#"$target"} ;; *)
      case $target in "$real"/*) ;; *) continue ;; esac ;;
    esac
    links=$links$link$mark
  done
  say "$real" "$role" "$links"
done
say end`;

interface Ports {
  connection: DaytonaConnection;
  toolbox: Toolbox;
  files: DaytonaFiles;
}

export async function locatePaths(
  { connection, toolbox, files }: Ports,
  paths: string[],
  signal: AbortSignal,
): Promise<SandboxPlaces> {
  const { folders } = await files.resolve("", signal);
  const resolved = await Promise.all(paths.map((path) => files.resolve(path, signal, { takesAnyName: true })));
  const values = [folders.work, folders.home, ...resolved.map(({ absolute }) => absolute)];
  const script = { text: SCRIPT, values, timeout_ms: SCRIPT_MS };
  let output: string;
  try {
    ({ output } = await connection.call((sandbox) => runScript(toolbox, sandbox, script, signal), signal));
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof SandboxError || readFailure(error).status !== 403) throw error;
    // A sandbox that takes files and no scripts: a person decides.
    return { ...folders, places: paths.map(() => ({ real: null, role: null })), search_path: [] };
  }
  const [start, work, home, path, ...answer] = output.slice(output.indexOf(`taskloom${END}`)).split(END);
  const isWhole = start === "taskloom" && answer.length === 3 * paths.length + 2 && answer.at(-2) === "end";
  if (!isWhole || work === undefined || home === undefined || path === undefined)
    throw new SandboxError("failed", "The sandbox does not say where the path leads.");
  const places = paths.map((_, at): SandboxPlace => {
    const [real, role, links = ""] = answer.slice(3 * at);
    return { real: real || null, role: readRole(role), links: links.split("\x1d").filter((link) => link !== "") };
  });
  return { places, work, home, search_path: path.split(":").filter((folder) => folder !== "") };
}

const ROLES = ["git_dir", "hook", "settings", "pipe", "start"] as const;

function readRole(word: string | undefined): SandboxPlace["role"] {
  return ROLES.find((role) => role === word) ?? null;
}
