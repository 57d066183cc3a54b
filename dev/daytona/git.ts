/**
 * The toolbox's git API. git itself does the work, inside the sandbox, made to behave as the real daemon's git does, the
 * library go-git (`apps/daemon/pkg/git` of 0.190.0, go-git 5.19.1). Clients that need git's behaviour run `git` in a
 * command. Where the library differs:
 *
 * - A repository without a commit, and an additional work tree: "reference not found".
 * - A checkout moves HEAD before it looks at changed files, and then empties the index.
 * - A pull is of the branch that is the remote's HEAD, moves HEAD before it looks at changed files, overwrites files
 *   that git does not know, and merges nothing.
 *
 * A remote over HTTP is reached through a relay, which also holds the password. git itself reaches a remote in the
 * sandbox's own files. Nothing else is reachable.
 */

import {
  findCommit,
  type GitRun,
  hidePassword,
  moveTo,
  parseStatus,
  pullAsLibrary,
  requireHead,
  runGit,
  tryGit,
} from "./git-run.ts";
import {
  type Exchange,
  type Handler,
  HttpError,
  type Json,
  optionalFlag,
  optionalInteger,
  optionalText,
  optionalTexts,
  readJson,
  requireQuery,
  requireText,
  sendEmpty,
  sendJson,
} from "./http.ts";
import type { ToolboxContext } from "./parts.ts";
import { requireCommands } from "./process-routes.ts";
import { type GitService, mayBePrivate, Relay } from "./relay.ts";

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

interface Credentials {
  username: string;
  password: string;
}

interface Remote {
  /** The address as the repository stores it. */
  address: string;
  /** The address after the rewrite rules of the sandbox's git. */
  target: string;
}

/** Hosts that a client named, stored with the sandbox. No real project needs more. */
const maxNamedHosts = 100;
const quiet = ["-c", "advice.detachedHead=false"];

async function cloneRepository(exchange: Exchange, context: ToolboxContext): Promise<void> {
  const body = await readJson(exchange.request);
  const path = requireText(body, "path");
  const given = spellAddress(requireText(body, "url"));
  const branch = optionalText(body, "branch") || undefined;
  const commit = optionalText(body, "commit_id") || undefined;
  const depth = optionalInteger(body, "depth", 0) ?? 0;
  if (commit !== undefined && !/^[0-9a-f]{4,64}$/i.test(commit)) throw new HttpError(400, "commit_id must be a hash");
  // A password in the address is for this operation only: the repository stores the address without it.
  const { address, credentials } = takeCredentials(given);
  await nameHost(context, address);
  const options = {
    service: "git-upload-pack",
    isInsecure: optionalFlag(body, "insecure_skip_tls"),
    credentials: readCredentials(body) ?? credentials,
  } as const;
  await throughRelay(exchange, context, { address, target: address }, options, async (access) => {
    const args = [...quiet, "clone", "--single-branch", "--no-recurse-submodules"];
    if (branch !== undefined) args.push(`--branch=${branch}`);
    if (depth > 0) args.push(`--depth=${depth}`);
    await runGit(context, { path, creates: true, args: [...args, "--", address], ...access });
    // The real daemon's clone of the default branch knows the remote's branches by no name of their own.
    if (branch === undefined) await forgetRemoteBranches(context, path);
    if (commit !== undefined) await checkOutCommit(context, path, { commit, depth }, access);
  });
  sendEmpty(exchange.response, 200);
}

async function forgetRemoteBranches(context: ToolboxContext, path: string): Promise<void> {
  const known = await runGit(context, { path, args: ["for-each-ref", "--format=delete %(refname)", "refs/remotes"] });
  const input = known.replace(/^delete refs\/remotes\/origin\/HEAD\n/m, "");
  await tryGit(context, { path, args: ["symbolic-ref", "--delete", "refs/remotes/origin/HEAD"] });
  await runGit(context, { path, args: ["update-ref", "--stdin"], input });
}

/** A commit that the clone did not fetch (a shallow clone, another branch) is fetched by its full hash. */
async function checkOutCommit(
  context: ToolboxContext,
  path: string,
  { commit, depth }: { commit: string; depth: number },
  access: Access,
): Promise<void> {
  const known = await tryGit(context, { path, args: ["cat-file", "-e", `${commit}^{commit}`] });
  if (known.exitCode !== 0 && commit.length >= 40) {
    const cut = depth > 0 ? [`--depth=${depth}`] : [];
    await runGit(context, { path, args: ["fetch", "--quiet", ...cut, "origin", commit], ...access });
  }
  await runGit(context, { path, args: [...quiet, "checkout", "--quiet", "--detach", commit] });
}

async function pushChanges(exchange: Exchange, context: ToolboxContext): Promise<void> {
  const body = await readJson(exchange.request);
  const path = requireText(body, "path");
  const name = optionalText(body, "remote") || "origin";
  const branch = optionalText(body, "branch") || (await requireCurrentBranch(context, path));
  const remote = await findRemote(context, path, name, "git-receive-pack");
  const args = ["push", "--no-recurse-submodules", ...(optionalFlag(body, "set_upstream") ? ["--set-upstream"] : [])];
  const options = { service: "git-receive-pack", isInsecure: false, credentials: readCredentials(body) } as const;
  await throughRelay(exchange, context, remote, options, async (access) => {
    await runGit(context, {
      path,
      args: [...args, "--", name, `refs/heads/${branch}:refs/heads/${branch}`],
      ...access,
    });
  });
  sendEmpty(exchange.response, 200);
}

async function pullChanges(exchange: Exchange, context: ToolboxContext): Promise<void> {
  const body = await readJson(exchange.request);
  const path = requireText(body, "path");
  const name = optionalText(body, "remote") || "origin";
  const remote = await findRemote(context, path, name, "git-upload-pack");
  const options = { service: "git-upload-pack", isInsecure: false, credentials: readCredentials(body) } as const;
  await throughRelay(exchange, context, remote, options, (access) =>
    pullAsLibrary(context, { path, remote: name }, access),
  );
  sendEmpty(exchange.response, 200);
}

type Access = Pick<GitRun, "remote" | "signal">;

interface RelaySettings {
  service: GitService;
  isInsecure: boolean;
  credentials: Credentials | undefined;
}

/** Runs an operation through a relay. It ends when the client disconnects, since nobody needs its result then. */
async function throughRelay(
  exchange: Exchange,
  context: ToolboxContext,
  { address, target }: Remote,
  { service, isInsecure, credentials }: RelaySettings,
  act: (access: Access) => Promise<void>,
): Promise<void> {
  const gone = new AbortController();
  exchange.response.once("close", () => gone.abort());
  const { address: repository, credentials: own } = takeCredentials(target);
  if (!isWeb(repository)) {
    refuseUnreachable(repository);
    return act({ signal: gone.signal });
  }
  const url = new URL(repository);
  if (url.search !== "" || url.hash !== "") throw new HttpError(400, "a repository's address can't have a query");
  const relay = new Relay({
    ...{ repository: url, service, isInsecure },
    authorization: spellAuthorization(credentials ?? own),
    findAuthorization: async () => undefined,
    mayBePrivate: mayBePrivate(url, context.sandbox.record.gitHosts ?? [], context.privateUrlsAllowed),
  });
  try {
    await act({ remote: { address, relay }, signal: gone.signal });
  } finally {
    relay.close();
  }
}

function spellAuthorization(credentials: Credentials | undefined): string | undefined {
  if (!credentials) return undefined;
  const { username, password } = credentials;
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

/** Records that a client, and not only code in the sandbox, named this host. */
async function nameHost(context: ToolboxContext, address: string): Promise<void> {
  const { record } = context.sandbox;
  if (!isWeb(address)) return;
  const { host } = new URL(address);
  const hosts = record.gitHosts ?? [];
  if (hosts.includes(host)) return;
  record.gitHosts = [...hosts, host].slice(-maxNamedHosts);
  await context.sandboxes.save(context.sandbox);
}

async function findRemote(context: ToolboxContext, path: string, name: string, service: GitService): Promise<Remote> {
  const pushes = service === "git-receive-pack";
  const args = ["remote", "get-url", ...(pushes ? ["--push"] : []), "--", name];
  const [target = ""] = (await runGit(context, { path, args })).split("\n");
  const keys = pushes ? [`remote.${name}.pushurl`, `remote.${name}.url`] : [`remote.${name}.url`];
  for (const key of keys) {
    const { exitCode, stdout } = await tryGit(context, { path, args: ["config", "--get", key] });
    const address = stdout.replace(/\n$/, "");
    if (exitCode === 0 && address !== "") return { address, target };
  }
  throw new HttpError(404, `the remote ${name} has no address`, "GIT_REPO_NOT_FOUND");
}

async function requireCurrentBranch(context: ToolboxContext, path: string): Promise<string> {
  const { exitCode, stdout, stderr } = await tryGit(context, { path, args: ["symbolic-ref", "--short", "HEAD"] });
  if (exitCode === 0) return stdout.trim();
  if (/not a git repository/.test(stderr)) throw new HttpError(404, stderr.trim(), "GIT_REPO_NOT_FOUND");
  throw new HttpError(404, "HEAD is detached: name a branch", "GIT_BRANCH_NOT_FOUND");
}

/** Completes an address: without a scheme it is a host, unless it is a path or an SSH address. */
function spellAddress(url: string): string {
  if (url.includes("://") || /^[./~]/.test(url) || /^[^/]+@[^/]+:/.test(url)) return url;
  return `https://${url}`;
}

function isWeb(address: string): boolean {
  return /^https?:\/\//i.test(address) && URL.canParse(address);
}

function refuseUnreachable(address: string): void {
  if (/^[./~]/.test(address) || address.startsWith("file://")) return;
  throw new HttpError(401, "invalid auth method", "GIT_AUTH_FAILED");
}

function takeCredentials(given: string): { address: string; credentials: Credentials | undefined } {
  if (!isWeb(given)) return { address: given, credentials: undefined };
  const url = new URL(given);
  if (url.username === "" && url.password === "") return { address: given, credentials: undefined };
  const credentials = { username: decodeURIComponent(url.username), password: decodeURIComponent(url.password) };
  url.username = "";
  url.password = "";
  return { address: url.href, credentials };
}

function readCredentials(body: Record<string, unknown>): Credentials | undefined {
  const username = optionalText(body, "username") ?? "";
  const password = optionalText(body, "password") ?? "";
  return username === "" && password === "" ? undefined : { username, password };
}
