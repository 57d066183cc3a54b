/**
 * Where the real daemon's git, the library go-git, differs from git itself. Sources: `apps/daemon/pkg/git` of 0.190.0 and
 * go-git 5.19.1. Clients that need git's behaviour run `git` in a command.
 *
 * - A repository without a commit, and an additional work tree: "reference not found".
 * - A checkout moves HEAD before it looks at changed files, and then empties the index.
 * - A pull is of the branch that is the remote's HEAD, moves HEAD before it looks at changed files, overwrites files
 *   that git does not know, and merges nothing.
 */
import type { ToolboxContext } from "./context.ts";
import { HttpError } from "./errors.ts";
import { type GitRun, runGit, tryGit } from "./git-run.ts";

/** The commit that is checked out. */
export async function requireHead(context: ToolboxContext, path: string): Promise<string> {
  const folders = (await runGit(context, { path, args: ["rev-parse", "--git-dir", "--git-common-dir"] })).trim();
  const [own, common] = folders.split("\n");
  const head = own === common ? await findCommit(context, path, "HEAD") : undefined;
  if (head === undefined) throw new HttpError(404, "reference not found", "GIT_BRANCH_NOT_FOUND");
  return head;
}

export async function findCommit(context: ToolboxContext, path: string, name: string): Promise<string | undefined> {
  const args = ["rev-parse", "--quiet", "--verify", "--end-of-options", `${name}^{commit}`];
  const { exitCode, stdout } = await tryGit(context, { path, args });
  return exitCode === 0 ? stdout.trim() : undefined;
}

/** HEAD first, then files and index, if no file that git knows is changed beside the index. */
export async function moveTo(
  context: ToolboxContext,
  path: string,
  { branch, commit }: { branch: string | undefined; commit: string },
): Promise<void> {
  const args =
    branch === undefined
      ? ["update-ref", "--no-deref", "HEAD", commit]
      : ["symbolic-ref", "HEAD", `refs/heads/${branch}`];
  await runGit(context, { path, args });
  await resetMerge(context, path, commit);
}

async function resetMerge(context: ToolboxContext, path: string, commit: string): Promise<void> {
  await tryGit(context, { path, args: ["update-index", "-q", "--refresh"] });
  const { exitCode } = await tryGit(context, { path, args: ["diff-files", "--quiet"] });
  if (exitCode !== 0) throw new HttpError(409, "worktree contains unstaged changes", "GIT_DIRTY_WORKTREE");
  await runGit(context, { path, args: ["reset", "--hard", "--quiet", commit] });
}

/** `access` is the way to the remote. */
export async function pullAsLibrary(
  context: ToolboxContext,
  { path, remote }: { path: string; remote: string },
  access: Pick<GitRun, "remote" | "signal">,
): Promise<void> {
  const fetch = ["fetch", "--quiet", "--no-recurse-submodules"];
  await runGit(context, { path, args: [...fetch, "--", remote, "HEAD"], ...access });
  const wanted = (await runGit(context, { path, args: ["rev-parse", "FETCH_HEAD"] })).trim();
  const head = await findCommit(context, path, "HEAD");
  if (head !== undefined) {
    if (await isAncestor(context, path, wanted, head)) return;
    if (!(await isAncestor(context, path, head, wanted)))
      throw new HttpError(409, "non-fast-forward update", "GIT_MERGE_CONFLICT");
  }
  const branch = (await tryGit(context, { path, args: ["symbolic-ref", "--quiet", "--short", "HEAD"] })).stdout.trim();
  await runGit(context, { path, args: ["update-ref", "HEAD", wanted] });
  if (branch !== "") await tryGit(context, { path, args: ["update-ref", `refs/remotes/${remote}/${branch}`, wanted] });
  await resetMerge(context, path, wanted);
}

async function isAncestor(context: ToolboxContext, path: string, one: string, other: string): Promise<boolean> {
  return (await tryGit(context, { path, args: ["merge-base", "--is-ancestor", one, other] })).exitCode === 0;
}
