/**
 * The git operations that need a remote: clone, pull, push, and the fetch after a remote was added.
 *
 * A remote over HTTP is reached through a relay, which also holds the password. git itself reaches a remote in the
 * sandbox's own files. Nothing else is reachable.
 */
import { optionalFlag, optionalInteger, optionalText, readJson, requireText, sendEmpty } from "./bodies.ts";
import type { ToolboxContext } from "./context.ts";
import { HttpError } from "./errors.ts";
import { pullAsLibrary } from "./git-library.ts";
import { type GitRun, runGit, tryGit } from "./git-run.ts";
import { type GitService, Relay } from "./relay.ts";
import { mayBePrivate } from "./relay-address.ts";
import type { Exchange } from "./routes.ts";

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

export async function cloneRepository(exchange: Exchange, context: ToolboxContext): Promise<void> {
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

export async function pushChanges(exchange: Exchange, context: ToolboxContext): Promise<void> {
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

export async function pullChanges(exchange: Exchange, context: ToolboxContext): Promise<void> {
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
