// The state of a repository for checks. What the repository says of its remote is a file that any command may write, so
// for the project's own checkout the remote itself is asked.
import type { GitLook, GitSeen } from "../../../agent/checks/place.ts";
import { SandboxError } from "../../../agent/sandbox.ts";
import { hostOfGitUrl } from "../../../protocol/git-credential.ts";
import type { SdkSandbox } from "../client/sdk.ts";
import { AUTHOR } from "../git/git-requests.ts";
import { runGit } from "../git/git-run.ts";
import { writeTransfer } from "../git/remote-script.ts";
import { GIT_SCRIPT, type GitAnswer, readGitAnswer } from "./git-script.ts";
import { type CheckPorts, lacks, run } from "./ports.ts";

const GIT_MS = 60_000;
const REMOTE_MS = 30_000;

type State = Extract<GitAnswer, { kind: "git" }>;

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
  const answer = readGitAnswer(await run(ports, { text: GIT_SCRIPT, values, timeout_ms: GIT_MS }, signal));
  if (answer?.kind === "git") return answer;
  const where = cwd ?? ports.readHome() ?? "The work dir";
  if (answer?.kind === "no_folder") throw new SandboxError("not_found", `${where} is no folder.`);
  if (answer?.kind === "no_repository") throw new SandboxError("failed", `${where} is in no git repository.`);
  if (answer?.kind === "lacks") throw lacks(answer.what);
  const reason = answer?.kind === "stuck" ? `: ${answer.what}` : " in time";
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
      runGit(requests, sandbox, { command, attempt, limit_ms: REMOTE_MS, is_restricted: true }, signal);
    const output = await connection.call(work, signal);
    if (output === null) throw lacks("git");
    return /^([0-9a-f]{40,64})\s/m.exec(output)?.[1] ?? null;
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof SandboxError) || error.code === "unavailable") throw error;
    throw new SandboxError("failed", error.message);
  }
}
