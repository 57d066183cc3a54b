/**
 * The toolbox's git API. git itself does the work, inside the sandbox, made to behave as the library of the real daemon
 * does (`git-library.ts`). Operations that need a remote are in `git-remotes.ts`.
 */
import { type Json, optionalFlag, optionalTexts, readJson, requireText, sendEmpty, sendJson } from "./bodies.ts";
import type { ToolboxContext } from "./context.ts";
import { HttpError } from "./errors.ts";
import { hidePassword } from "./git-failures.ts";
import { findCommit, moveTo, requireHead } from "./git-library.ts";
import { cloneRepository, pullChanges, pushChanges } from "./git-remotes.ts";
import { runGit, tryGit } from "./git-run.ts";
import { parseStatus } from "./git-status.ts";
import { requireCommands } from "./process-routes.ts";
import { type Exchange, type Handler, requireQuery } from "./routes.ts";

/** Applies the command guard: hooks and filters of a repository are commands. */
function guarded(handler: Handler<ToolboxContext>): Handler<ToolboxContext> {
  return (exchange, context) => {
    requireCommands(context);
    return handler(exchange, context);
  };
}

const handlers: Record<string, Handler<ToolboxContext>> = {
  "POST /git/clone": cloneRepository,
  "POST /git/push": pushChanges,
  "POST /git/pull": pullChanges,
  "GET /git/remotes": listRemotes,
  "GET /git/status": sendStatus,
  "GET /git/branches": listBranches,
  "POST /git/branches": createBranch,
  "DELETE /git/branches": deleteBranch,
  "POST /git/checkout": checkOut,
  "POST /git/add": addFiles,
  "POST /git/commit": commitChanges,
};

export const gitRoutes = Object.fromEntries(Object.entries(handlers).map(([key, handler]) => [key, guarded(handler)]));

/** Lists what the global list of ignored files leaves out, as the real daemon does. */
async function sendStatus(exchange: Exchange, context: ToolboxContext): Promise<void> {
  const args = [
    "-c",
    "core.excludesFile=/dev/null",
    "--no-optional-locks",
    "status",
    "--porcelain=v2",
    "--branch",
    "-z",
  ];
  const path = requireQuery(exchange, "path");
  await requireHead(context, path);
  const output = await runGit(context, { path, args: [...args, "--untracked-files=all", "--no-renames"] });
  sendJson(exchange.response, 200, parseStatus(output));
}

async function listBranches(exchange: Exchange, context: ToolboxContext): Promise<void> {
  const path = requireQuery(exchange, "path");
  const output = await runGit(context, { path, args: ["for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads"] });
  const head = await tryGit(context, { path, args: ["symbolic-ref", "--quiet", "--short", "HEAD"] });
  const branches = output.split("\n").filter((name) => name !== "");
  sendJson(exchange.response, 200, { branches, ...(head.exitCode === 0 ? { current: head.stdout.trim() } : {}) });
}

/** Switches to the new branch afterwards, as the real daemon does. */
async function createBranch(exchange: Exchange, context: ToolboxContext): Promise<void> {
  const body = await readJson(exchange.request);
  const [path, name] = [requireText(body, "path"), requireName(body, "name")];
  const head = await requireHead(context, path);
  if (await findCommit(context, path, `refs/heads/${name}`))
    throw new HttpError(500, `a branch named "refs/heads/${name}" already exists`, "INTERNAL_SERVER_ERROR");
  await runGit(context, { path, args: ["update-ref", `refs/heads/${name}`, head] });
  await moveTo(context, path, { branch: name, commit: head });
  sendEmpty(exchange.response, 201);
}

/** Removes the reference and nothing else: also of a branch that is checked out, and none that is not there. */
async function deleteBranch(exchange: Exchange, context: ToolboxContext): Promise<void> {
  const body = await readJson(exchange.request);
  const [path, name] = [requireText(body, "path"), requireText(body, "name")];
  await runGit(context, { path, args: ["update-ref", "-d", `refs/heads/${name}`] });
  sendEmpty(exchange.response, 204);
}

/** Does not guess: a branch that exists only on the remote is not found, as in the real daemon. */
async function checkOut(exchange: Exchange, context: ToolboxContext): Promise<void> {
  const body = await readJson(exchange.request);
  const [path, name] = [requireText(body, "path"), requireName(body, "branch")];
  await requireHead(context, path);
  const branch = await findCommit(context, path, `refs/heads/${name}`);
  const commit = branch ?? (/^[0-9a-f]{40}$/.test(name) ? await findCommit(context, path, name) : undefined);
  if (commit === undefined) {
    const message = `failed to checkout branch or commit '${name}': reference not found`;
    throw new HttpError(404, message, "GIT_BRANCH_NOT_FOUND");
  }
  await moveTo(context, path, { branch: branch === undefined ? undefined : name, commit });
  sendEmpty(exchange.response, 200);
}

/** git would take a name that begins with a dash for an option. */
function requireName(body: Json, field: string): string {
  const name = requireText(body, field);
  if (name.startsWith("-")) throw new HttpError(400, `${field} can't begin with a dash`);
  return name;
}

/** Files go through stdin: there may be more of them than arguments can hold. */
function spellFiles(files: string[]): { args: string[]; input: string } {
  if (files.some((file) => file === "" || file.includes("\0"))) throw new HttpError(400, "files must be paths");
  return { args: ["--pathspec-from-file=-", "--pathspec-file-nul"], input: files.join("\0") };
}

async function addFiles(exchange: Exchange, context: ToolboxContext): Promise<void> {
  const body = await readJson(exchange.request);
  const files = optionalTexts(body, "files");
  if (files.length === 0) throw new HttpError(400, "files is required");
  const { args, input } = spellFiles(files);
  const path = requireText(body, "path");
  await runGit(context, { path, args: ["--literal-pathspecs", "add", ...args], input });
  sendEmpty(exchange.response, 200);
}

/** One parent, also while a merge is under way, and no hooks: as the real daemon does. */
async function commitChanges(exchange: Exchange, context: ToolboxContext): Promise<void> {
  const body = await readJson(exchange.request);
  const path = requireText(body, "path");
  const name = requireText(body, "author");
  const email = requireText(body, "email");
  const message = requireText(body, "message");
  const variables = {
    ...{ GIT_AUTHOR_NAME: name, GIT_AUTHOR_EMAIL: email },
    ...{ GIT_COMMITTER_NAME: name, GIT_COMMITTER_EMAIL: email },
  };
  const head = await requireHead(context, path);
  const tree = (await runGit(context, { path, args: ["write-tree"] })).trim();
  const former = (await runGit(context, { path, args: ["rev-parse", "HEAD^{tree}"] })).trim();
  if (tree === former && !optionalFlag(body, "allow_empty"))
    throw new HttpError(500, "cannot create empty commit: clean working tree", "INTERNAL_SERVER_ERROR");
  const commit = { path, args: ["commit-tree", tree, "-p", head, "-F", "-"], input: message, variables };
  const hash = (await runGit(context, commit)).trim();
  await runGit(context, { path, args: ["update-ref", "HEAD", hash] });
  sendJson(exchange.response, 200, { hash });
}

async function listRemotes(exchange: Exchange, context: ToolboxContext): Promise<void> {
  const path = requireQuery(exchange, "path");
  const { exitCode, stdout, stderr } = await tryGit(context, {
    path,
    args: ["config", "--null", "--get-regexp", "^remote\\..*\\.url$"],
  });
  // Without a match git prints nothing and exits with 1, also outside of a repository, so that is checked here.
  if (exitCode !== 0) await runGit(context, { path, args: ["rev-parse", "--git-dir"] });
  if (exitCode > 1) throw new HttpError(400, stderr.trim());
  const remotes = new Map<string, string>();
  for (const entry of stdout.split("\0")) {
    const [key = "", url = ""] = entry.split("\n");
    const name = key.replace(/^remote\./, "").replace(/\.url$/, "");
    if (key !== "" && !remotes.has(name)) remotes.set(name, hidePassword(url));
  }
  sendJson(exchange.response, 200, { remotes: [...remotes].map(([name, url]) => ({ name, url })) });
}
