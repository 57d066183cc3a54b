// Git for agents whose commands need a person's approval: it runs no program that a file names. What needs no remote is
// done with those settings off (`git-shell.ts`); a clone, push or pull is refused where settings name a program.

import { SandboxError } from "../../../agent/sandbox.ts";
import type { SdkSandbox } from "../client/sdk.ts";
import { quote } from "../commands/command-line.ts";
import type { GitAttempt } from "./git-failure.ts";
import type { GitRequests } from "./git-requests.ts";

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

export function refuseProgram({ what }: Pick<GitAttempt, "what">, name: string): SandboxError {
  return new SandboxError(
    "refused",
    `${what} would run a program that git's settings in the sandbox name: ${name}. This agent's commands need a person's approval, and so does that: use git in a command, or take the setting back.`,
  );
}
