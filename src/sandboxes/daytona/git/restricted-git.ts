// Git for agents whose commands need a person's approval: it runs no program that a file names. The daemon's git may be
// the sandbox's own, which runs hooks, filters and monitors, and takes no settings with a request. So what needs no
// remote is done by commands here, with those settings off; a clone, push or pull stays with the daemon, and is refused
// where settings name a program that it would run. (The daemon's own git knows none of these settings, and the
// sandbox's runs without hooks when it reaches a remote.)

import { SandboxError } from "../../../agent/sandbox.ts";
import { DaytonaFailure } from "../client/failure.ts";
import type { SdkSandbox } from "../client/sdk.ts";
import { quote } from "../commands/command-line.ts";
import { explainGit, type GitAttempt, type GitFault, readGitFault } from "./git-failure.ts";
import { type GitRequest, type GitRequests, WORK_MS } from "./git-requests.ts";
import { readPorcelain } from "./porcelain.ts";

/** Linux refuses a longer argument, and the script is one, too. */
const MAX_COMMAND_BYTES = 100_000;

/** Settings with a name of their own each. Filters are switched off so that a file that needs one fails. */
const NAMED_PROGRAMS = [
  "filter\\..*\\.(clean|smudge|process)",
  "hook\\..*\\.command",
  "(diff|merge)\\..*\\.(driver|command|textconv)",
  "(gpg|credential|trailer)\\..*\\.(program|defaultkeycommand|helper|command|cmd)",
].join("|");

/** What a clone, push or pull over http would run, beside hooks. An address that is rewritten may name a program. */
const TRANSFER_PROGRAMS = [
  "core\\.(fsmonitor|alternaterefscommand)",
  "filter\\..*\\.(clean|smudge|process)",
  "(hook|merge)\\..*\\.(command|driver)",
  "lfs\\.(extension\\..*|customtransfer\\..*|standalonetransferagent)",
  "gc\\.recentobjectshook",
  "pull\\.(twohead|octopus)",
  "(commit|push)\\.gpgsign",
  "merge\\.verifysignatures",
  "url\\..*",
  "protocol\\.ext\\.allow",
  // A host that asks for a password makes git run these; a strategy that git does not know is a program on the PATH.
  "credential\\.(.*\\.)?helper",
  "core\\.askpass",
  "branch\\..*\\.mergeoptions",
  "submodule\\..*\\.update",
  "remote\\.origin\\.(vcs|uploadpack|receivepack|pushurl)",
].join("|");

/** A switch, where an address would be none; or git's own, which images bring. */
const HARMLESS = new RegExp(
  [
    "^(?!url\\.|remote\\.)\\S+ ?(?:true|false|yes|no|on|off|0|1)?$",
    "^filter\\.lfs\\.\\w+ git-lfs (?:clean|smudge|filter-process)(?: --skip)?(?: -- %f)?$",
    "^credential\\.(?:\\S+\\.)?helper (?:store|cache)(?: --\\w+[= ][\\w./~+-]+)*$",
    "^branch\\.\\S+\\.mergeoptions(?: --(?:no-)?(?:ff|ff-only|commit|edit|log|stat|signoff))+$",
    "^submodule\\.\\S+\\.update (?:checkout|merge|rebase|none)$",
  ].join("|"),
);
const SWITCHED_ON = /^\S+(?:gpgsign|verifysignatures)(?: (?:true|yes|on|1))?$/;

/** What git would run for the operations below, by what it documents of its settings. The later one wins. */
const OFF = [
  "core.fsmonitor=false",
  "core.hooksPath=/dev/null",
  "core.pager=cat",
  "core.editor=:",
  "core.askPass=",
  "core.sshCommand=false",
  "credential.helper=",
  "commit.gpgSign=false",
  "commit.verbose=false",
  "gpg.program=false",
  "gc.auto=0",
  "maintenance.auto=false",
  "protocol.allow=never",
  "protocol.ext.allow=never",
  "submodule.recurse=false",
  "safe.bareRepository=explicit",
]
  .map((setting) => `-c ${setting}`)
  .join(" ");

// $1 is the repository, $2 the operation, $3 to $5 its values, the rest are files. A name with an equals sign can't be
// set on the command line, so git is not run with such a setting. git also looks for changes in each submodule, which
// has settings of its own and takes these. NUL bytes don't pass the daemon. At the end: \037, what git complained about,
// and its exit code.
const SCRIPT = `LC_ALL=C.UTF-8; export LC_ALL
command -v git >/dev/null 2>&1 || { echo none; exit 0; }
named() {
  git -C "$1" config --name-only --get-regexp '^(${NAMED_PROGRAMS})$' 2>/dev/null
  git -C "$1" -c core.fsmonitor=false ls-files -s -z 2>/dev/null | tr '\\n\\000' '\\036\\n' | sed -n 's/^160000 [^\t]*\t//p' |
  while IFS= read -r part; do [ ! -e "$1/$part/.git" ] || named "$1/$part"; done
}
cd -- "$1" || exit 1
operation=$2 one=$3 two=$4 three=$5; shift 5
GIT_TERMINAL_PROMPT=0 GIT_EDITOR=: GIT_ALLOW_PROTOCOL=none GIT_NO_LAZY_FETCH=1
export GIT_TERMINAL_PROMPT GIT_EDITOR GIT_ALLOW_PROTOCOL GIT_NO_LAZY_FETCH
unset GIT_EXTERNAL_DIFF GIT_SSH GIT_SSH_COMMAND GIT_ASKPASS GIT_PAGER
off=$(named .)
case $off in *=*) printf '\\037%s\\ncode 1' "the name of a setting holds an equals sign: $off"; exit 0 ;; esac
set -f
IFS='
'
quiet() {
  for name in $off; do
    set -- -c "$name=" "$@"
    case $name in
    filter.*) set -- -c "\${name%.*}.required=true" "$@" ;;
    hook.*) set -- -c "\${name%.*}.enabled=false" "$@" ;;
    esac
  done
  git --no-pager ${OFF} "$@"
}
skipped() {
  hooks=$(git rev-parse --git-path hooks)
  for hook in pre-commit prepare-commit-msg commit-msg post-commit; do [ -x "$hooks/$hook" ] && echo "hook $hook"; done
  :
}
work() {
  case $operation in
  status) quiet --no-optional-locks status --porcelain=v2 --branch -z --untracked-files=all --no-renames --ignore-submodules=dirty ;;
  branches) quiet for-each-ref '--format=%(refname:lstrip=2)' refs/heads ;;
  add) printf '%s\\0' "$@" | quiet --literal-pathspecs add --pathspec-from-file=- --pathspec-file-nul ;;
  commit)
    GIT_AUTHOR_NAME=$two GIT_AUTHOR_EMAIL=$three GIT_COMMITTER_NAME=$two GIT_COMMITTER_EMAIL=$three
    export GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL
    printf %s "$one" | quiet commit --quiet --cleanup=verbatim --no-gpg-sign --file=- && quiet rev-parse HEAD && skipped ;;
  create) quiet checkout --quiet -b "$one" ;;
  checkout) quiet checkout --quiet --no-guess "$one" -- ;;
  delete) quiet branch --quiet -D -- "$one" ;;
  esac
}
exec 3>&1
said=$({ { work "$@" 2>&4 4>&-; printf '\\ncode %s' "$?" >&4; } | tr '\\000' '\\036' >&3; } 4>&1)
printf '\\037%s' "$said"`;

// One setting an entry: its name and its value, whose line breaks are spaces. For a folder that is not there yet, beside
// it what settings include under a condition, which the new repository may fulfil, and those that a template brings.
const LIST = `programs() { git config "$@" -z --get-regexp '^(${TRANSFER_PROGRAMS})$' 2>/dev/null; }
mark=$(printf '\\036')
{
  if cd -- "$1" 2>/dev/null; then programs; else
    cd; programs
    for template in "$GIT_TEMPLATE_DIR" "$(git config --path --get init.templateDir 2>/dev/null)"; do
      [ -z "$template" ] || programs --includes --file "$template/config"
    done
    git config -z --path --get-regexp '^includeif\\..*\\.path$' 2>/dev/null | tr '\\n\\000' '\\036\\n' |
    while IFS= read -r line; do programs --includes --file "\${line##*"$mark"}"; done
  fi
} | tr '\\n\\000' ' \\036'`;

/** Rejects if git in this folder would run a program when it reaches a remote. */
export async function requireNoPrograms(
  requests: GitRequests,
  { sandbox, folder, attempt }: { sandbox: SdkSandbox; folder: string; attempt: GitAttempt },
  signal: AbortSignal,
): Promise<void> {
  const listed = await requests.run(sandbox, ["sh -c", ...[LIST, "taskloom", folder].map(quote)].join(" "), signal);
  const found = listed.split("\x1e").find((line) => line !== "" && (SWITCHED_ON.test(line) || !HARMLESS.test(line)));
  if (found !== undefined) throw refuseProgram(attempt, `\`${found.split(" ")[0]}\``);
}

interface Operation {
  name: "status" | "branches" | "add" | "commit" | "create" | "checkout" | "delete";
  root: string;
  values?: string[];
  files?: string[];
}

/** As `GitRequests.ask`, for requests that need no remote. */
export async function askRestricted(
  requests: GitRequests,
  sandbox: SdkSandbox,
  request: GitRequest,
  attempt: GitAttempt,
  signal: AbortSignal,
  accepted: GitFault[] = [],
): Promise<unknown> {
  const operation = readOperation(request);
  if (operation === null) return requests.ask(sandbox, request, attempt, signal, accepted);
  const output = await requests.run(sandbox, writeOperation(operation), signal, WORK_MS);
  // Without a git in the sandbox the daemon has its own, which runs nothing.
  if (output.trim() === "none") return requests.ask(sandbox, request, attempt, signal, accepted);
  const mark = output.lastIndexOf("\x1f");
  const told = output.slice(0, Math.max(0, mark));
  const [, said = "", code = ""] = /^([\s\S]*?)\n?code (\d+)\s*$/.exec(output.slice(mark + 1)) ?? [];
  if (code === "0") return readAnswer(operation, told);
  const failure = new DaytonaFailure(`${said}\n${told}`.trim() || "git did not come to an end", { status: 400 });
  const fault = readGitFault(failure);
  if (fault !== null && accepted.includes(fault)) return null;
  const filter = /(?:clean|smudge) filter '([^']*)' failed/.exec(failure.message)?.[1];
  if (filter !== undefined) throw refuseProgram(attempt, `the filter \`${filter}\``);
  throw explainGit(failure, attempt);
}

export function refuseProgram({ what }: Pick<GitAttempt, "what">, name: string): SandboxError {
  return new SandboxError(
    "refused",
    `${what} would run a program that git's settings in the sandbox name: ${name}. This agent's commands need a person's approval, and so does that: use git in a command, or take the setting back.`,
  );
}

function readOperation({ method = "POST", path, query, json = {} }: GitRequest): Operation | null {
  const text = (name: string) => String(json[name] ?? query?.[name] ?? "");
  const root = text("path");
  switch (`${method} ${path}`) {
    case "GET status":
      return { name: "status", root };
    case "GET branches":
      return { name: "branches", root };
    case "POST branches":
      return { name: "create", root, values: [text("name")] };
    case "DELETE branches":
      return { name: "delete", root, values: [text("name")] };
    case "POST checkout":
      return { name: "checkout", root, values: [text("branch")] };
    case "POST add":
      return { name: "add", root, files: json.files as string[] };
    case "POST commit":
      return { name: "commit", root, values: [text("message"), text("author"), text("email")] };
    default:
      return null;
  }
}

function writeOperation({ name, root, values: [one = "", two = "", three = ""] = [], files = [] }: Operation): string {
  const command = ["sh -c", ...[SCRIPT, "taskloom", root, name, one, two, three, ...files].map(quote)].join(" ");
  if (new TextEncoder().encode(command).length <= MAX_COMMAND_BYTES) return command;
  throw new SandboxError("invalid", "The message or the list of files is too long. Leave the files out to commit all.");
}

/** As the daemon answers. */
function readAnswer({ name }: Operation, told: string): unknown {
  if (name === "status") return readPorcelain(told.split("\x1e"));
  const lines = told.split("\n").filter((line) => line !== "");
  if (name === "branches") return { branches: lines };
  if (name !== "commit") return null;
  const skipped_hooks = lines.flatMap((line) => (line.startsWith("hook ") ? [line.slice(5)] : []));
  return { hash: lines[0], skipped_hooks };
}
