// The state of a repository for checks. All but its commits, its branches and the files themselves is ours: the git
// directory, the settings and the index are made for this look. So no setting or attribute runs a program or hides a
// change, and nothing in the repository is written. What it says of its remote is a file that any command may write, so
// for the project's own checkout the remote itself is asked.
import type { GitLook, GitSeen } from "../../../agent/checks/place.ts";
import { SandboxError } from "../../../agent/sandbox.ts";
import { hostOfGitUrl } from "../../../protocol/git-credential.ts";
import type { SdkSandbox } from "../client/sdk.ts";
import { AUTHOR } from "../git/git-requests.ts";
import { runGit } from "../git/git-run.ts";
import { writeTransfer } from "../git/remote-script.ts";
import { BEGIN, type CheckPorts, lacks, OWN_GIT, run, SWEEP_WORK } from "./ports.ts";
import { MAX_CHANGES } from "./tree-script.ts";

const GIT_MS = 60_000;
const REMOTE_MS = 30_000;

// $1 is the folder, $2 `only` if the one repository right below it is meant where it is in none itself, $3 the commit of
// the branch at its remote, or empty for what the repository knows of it. Changes are what
// differs from the last commit in the work tree, and what is staged.
const GIT_SCRIPT = `${BEGIN}
need git mktemp sed tr sort
cd -P -- "$1" 2>/dev/null || say no_folder
start=$PWD
while [ ! -e .git ] && [ "$PWD" != / ]; do cd ..; done
if [ ! -e .git ]; then
  cd -- "$start" || say no_folder
  found=
  if [ "$2" = only ]; then
    for each in */.git; do [ ! -e "$each" ] || found="$found\${each%/.git}/"; done
  fi
  case $found in '' | */*/) say no_repository ;; esac
  cd -- "\${found%/}" || say no_repository
fi
root=$PWD
real=$root/.git
if [ -f .git ]; then
  real=$(sed -n 's/^gitdir: //p' .git | head -n 1)
  case $real in /*) ;; *) real=$root/$real ;; esac
fi
work=$(mktemp -d /tmp/.taskloom-git-XXXXXX) || say stuck
${SWEEP_WORK}
${OWN_GIT}
theirs() { git --git-dir="$real" -c core.fsmonitor=false -c core.hooksPath=/dev/null "$@" 2>/dev/null; }
ours() { git --git-dir="$work/own/.git" --work-tree="$root" -c core.hooksPath=/dev/null "$@"; }
common=$(theirs rev-parse --git-common-dir) || say no_repository
case $common in /*) ;; *) common=$root/$common ;; esac
git init -q --template= "$work/own" >/dev/null 2>&1 || say stuck
mkdir -p "$work/own/.git/objects/info"
printf '%s\\n' "$common/objects" >"$work/own/.git/objects/info/alternates"
[ ! -f "$common/shallow" ] || cp "$common/shallow" "$work/own/.git/shallow"
branch=$(theirs symbolic-ref -q --short HEAD)
commit=$(theirs rev-parse -q --verify 'HEAD^{commit}')
if [ -n "$commit" ]; then
  printf '%s\\n' "$commit" >"$work/own/.git/HEAD"
  ours read-tree "$commit" 2>"$work/problem" || say stuck "$(head -n 1 "$work/problem")"
fi
upstream=$3
[ -n "$upstream" ] || [ -z "$branch" ] || upstream=$(theirs rev-parse -q --verify '@{upstream}^{commit}')
[ -n "$upstream" ] || [ -z "$branch" ] || upstream=$(theirs rev-parse -q --verify "refs/remotes/origin/$branch^{commit}")
unpushed=none
if [ -n "$upstream" ] && [ -n "$commit" ]; then unpushed=$(ours rev-list --count "$upstream..$commit" 2>/dev/null) || unpushed=none; fi
ours status --porcelain -z --untracked-files=all --no-renames --ignore-submodules=dirty >"$work/status" 2>"$work/problem" || say stuck "$(head -n 1 "$work/problem")"
{
  tr '\\n\\000' '\\036\\n' <"$work/status" | sed 's/^...//'
  index=$(readlink -f -- "$real/index")
  if [ -f "$index" ]; then
    base=$commit
    [ -n "$base" ] || base=$(ours hash-object -t tree -w /dev/null)
    GIT_INDEX_FILE=$index ours diff-index --cached --name-only --no-renames --ignore-submodules=dirty -z "$base" 2>/dev/null | tr '\\n\\000' '\\036\\n'
  fi
} | sort -u >"$work/changes"
printf '\\ntaskloom:git %s %s %s\\n' "\${commit:-none}" "$unpushed" "$branch"
head -n ${MAX_CHANGES} "$work/changes"
echo end`;

interface State {
  branch: string | null;
  commit: string | null;
  unpushed: number | null;
  changed: string[];
}

export async function readGit(
  ports: CheckPorts,
  cwd: string | null,
  signal: AbortSignal,
  { asks_remote = false }: GitLook = {},
): Promise<GitSeen> {
  const { files } = ports;
  const { absolute } = await files.resolve(cwd ?? ports.readHome() ?? "", signal, { takesAnyName: true });
  const home = ports.readHome();
  const look = async (remote: string) => {
    const mask = await ports.secrets.readMask(signal);
    const hide = (name: string) => mask?.apply(name) ?? name;
    const found = await lookAt(ports, { absolute, cwd, remote }, signal);
    return { ...found, shown: { branch: found.branch && hide(found.branch), changed: found.changed.map(hide) } };
  };
  const state = await look("");
  const isOwn = home !== null && (await files.resolve(home, signal, { takesAnyName: true })).absolute === absolute;
  if (!asks_remote || !isOwn || ports.source_url === null || state.branch === null) return toSeen(state);
  const remote = await askRemote(ports, ports.source_url, state.branch, signal);
  if (remote === null) return { ...toSeen(state), unpushed: null };
  if (remote === state.commit) return { ...toSeen(state), unpushed: 0 };
  const counted = await look(remote);
  if (counted.unpushed !== null) return toSeen(counted);
  const text =
    "The remote's branch has commits that are not in the sandbox, so what is pushed can't be determined. Pull first.";
  throw new SandboxError("failed", text);
}

function toSeen({ commit, unpushed, shown }: State & { shown: Pick<GitSeen, "branch" | "changed"> }): GitSeen {
  return { ...shown, commit, unpushed };
}

async function lookAt(
  ports: CheckPorts,
  { absolute, cwd, remote }: { absolute: string; cwd: string | null; remote: string },
  signal: AbortSignal,
): Promise<State> {
  const values = () => [absolute, cwd === null ? "only" : "", remote];
  const said = await run(ports, { text: GIT_SCRIPT, values, timeout_ms: GIT_MS }, signal);
  const where = cwd ?? ports.readHome() ?? "The work dir";
  if (said?.word === "no_folder") throw new SandboxError("not_found", `${where} is no folder.`);
  if (said?.word === "no_repository") throw new SandboxError("failed", `${where} is in no git repository.`);
  const [, commit, unpushed, branch] = /^(\w+) (\w+) (.*)$/.exec(said?.word === "git" ? said.rest : "") ?? [];
  if (commit !== undefined && said?.lines) {
    return {
      branch: branch === "" || branch === undefined ? null : branch,
      commit: commit === "none" ? null : commit,
      unpushed: unpushed === "none" ? null : Number(unpushed),
      changed: said.lines.filter((name) => name !== ""),
    };
  }
  const reason = said?.word === "stuck" ? `: ${said.rest}` : " in time";
  throw new SandboxError("failed", `git could not read the repository${reason}.`);
}

/**
 * The commit of the branch at the remote; null if it has no such branch. Rejects with `failed` if it can't be asked.
 */
async function askRemote(
  { connection, requests, access }: CheckPorts,
  url: string,
  branch: string,
  signal: AbortSignal,
): Promise<string | null> {
  try {
    const login = await access.findLogin(url);
    const attempt = { what: "The look at the remote", host: hostOfGitUrl(url), login, branch };
    const programs = { is_restricted: true };
    const transfer = { action: "look", root: "/", url, branch, login, author: AUTHOR, programs } as const;
    const command = writeTransfer({ ...transfer, seconds: REMOTE_MS / 1000 });
    const work = (sandbox: SdkSandbox) =>
      runGit({ requests, sandbox, attempt }, { command, limit_ms: REMOTE_MS, programs }, signal);
    const output = await connection.call(work, signal);
    if (output === null) throw lacks("git");
    return /^([0-9a-f]{40,64})\s/m.exec(output)?.[1] ?? null;
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof SandboxError) || error.code === "unavailable") throw error;
    throw new SandboxError("failed", error.message);
  }
}
