// Git in a Daytona sandbox. Older daemons (0.190) push and pull the branch that is checked out, whatever branch the
// request names, and have no call for remotes. So branches are compared here first, and a command reads the remote.

import { SandboxError } from "../../../agent/sandbox.ts";
import type {
  GitAccess,
  GitBranches,
  GitCheckout,
  GitCloneRequest,
  GitCommit,
  GitCommitRequest,
  GitStatus,
  SandboxGit,
} from "../../../agent/sandbox-git.ts";
import { readGitAddress } from "../../../lib/git-address.ts";
import { type GitLogin, hostOfGitUrl } from "../../../protocol/git-credential.ts";
import { showPath } from "../../paths.ts";
import type { CallOptions, DaytonaConnection } from "../client/connection.ts";
import { readFailure } from "../client/failure.ts";
import type { SdkSandbox } from "../client/sdk.ts";
import type { DaytonaFiles } from "../files/files.ts";
import { writeTracking, writeVacancy } from "./checkout-script.ts";
import { explainGit, type GitAttempt, type GitFault } from "./git-failure.ts";
import { type Repository, readInspection, writeInspection } from "./git-remote.ts";
import { type GitRequest, type GitRequests, requireBranchName, TRANSFER_MS, tryBranches } from "./git-requests.ts";
import { mapFiles, readBranches, readStatus } from "./git-status.ts";
import { askRestricted, refuseProgram, requireNoPrograms } from "./restricted-git.ts";

/** The author of commits if neither the call nor git's settings name one. */
const AUTHOR = { name: "Taskloom", email: "taskloom@localhost" };

export interface GitPorts {
  connection: DaytonaConnection;
  requests: GitRequests;
  files: DaytonaFiles;
  access: GitAccess;
  /** The folder of the project's own repository; null if it has none. */
  readHome(): string | null;
  /** Runs no program that files name. */
  is_restricted?: boolean;
}

interface LocatedRepository extends Repository {
  /** The root as callers see it. */
  shown: string;
}

export class DaytonaGit implements SandboxGit {
  readonly #ports: GitPorts;

  constructor(ports: GitPorts) {
    this.#ports = ports;
  }

  async clone(request: GitCloneRequest, signal: AbortSignal): Promise<GitCheckout> {
    const address = readGitAddress(request.url);
    if ("wrong" in address) throw new SandboxError("invalid", `The address ${address.wrong}.`);
    const { files, access } = this.#ports;
    const { absolute, folders } = await files.resolve(request.path ?? address.name, signal);
    const shown = showPath(absolute, folders);
    const login = await access.findLogin(address.url);
    await this.#requireVacancy(absolute, shown, signal);
    await this.#requireNoPrograms(absolute, attemptOf("The clone"), signal);
    await tryBranches(request.branches, async (branch) => {
      const attempt = { what: `The clone of ${address.url}`, host: hostOfGitUrl(address.url), login, branch };
      const json = { url: address.url, path: absolute, ...(branch === null ? {} : { branch }), ...login };
      await this.#change({ path: "clone", json, timeout_ms: TRANSFER_MS }, attempt, signal);
    });
    const made = await this.#inspect(absolute, signal, `${writeTracking(absolute)}; `);
    return { path: shown, branch: made.kind === "repository" ? made.repository.branch : null };
  }

  async status(path: string | null, signal: AbortSignal): Promise<GitStatus> {
    const place = await this.#locate(path, signal);
    const attempt = attemptOf("Reading the status");
    const answer = await this.#ask({ method: "GET", path: "status", query: { path: place.root } }, attempt, signal);
    return { path: place.shown, branch: place.branch, ...readStatus(answer) };
  }

  async commit(path: string | null, request: GitCommitRequest, signal: AbortSignal): Promise<GitCommit | null> {
    const place = await this.#locate(path, signal);
    const attempt = attemptOf("The commit");
    const query = { path: place.root };
    const { changes } = readStatus(await this.#ask({ method: "GET", path: "status", query }, attempt, signal));
    if (changes.length === 0) return null;
    const files = request.files === null ? ["."] : mapFiles(request.files, place, changes);
    await this.#change({ path: "add", json: { path: place.root, files } }, attempt, signal);
    const author = request.author ?? place.author ?? AUTHOR.name;
    const email = request.email ?? place.email ?? AUTHOR.email;
    const json = { path: place.root, message: request.message, author, email };
    const answer = await this.#change({ path: "commit", json }, attempt, signal, ["nothing_staged"]);
    const { hash, skipped_hooks } = (answer ?? {}) as { hash?: unknown; skipped_hooks?: string[] };
    if (typeof hash !== "string") return null;
    return { path: place.shown, branch: place.branch, hash, ...(skipped_hooks?.length ? { skipped_hooks } : {}) };
  }

  push(path: string | null, branch: string | null, signal: AbortSignal): Promise<GitCheckout> {
    return this.#transfer("push", path, branch, signal);
  }

  pull(path: string | null, branch: string | null, signal: AbortSignal): Promise<GitCheckout> {
    return this.#transfer("pull", path, branch, signal);
  }

  async listBranches(path: string | null, signal: AbortSignal): Promise<GitBranches> {
    const place = await this.#locate(path, signal);
    const query = { path: place.root };
    const answer = await this.#ask({ method: "GET", path: "branches", query }, attemptOf("Listing branches"), signal);
    return { path: place.shown, branch: place.branch, branches: readBranches(answer) };
  }

  createBranch(path: string | null, name: string, signal: AbortSignal): Promise<GitCheckout> {
    return this.#changeBranch(path, name, { path: "branches", json: { name } }, "Making the branch", signal);
  }

  checkoutBranch(path: string | null, name: string, signal: AbortSignal): Promise<GitCheckout> {
    return this.#changeBranch(path, name, { path: "checkout", json: { branch: name } }, "The checkout", signal);
  }

  deleteBranch(path: string | null, name: string, signal: AbortSignal): Promise<GitCheckout> {
    const request: GitRequest = { method: "DELETE", path: "branches", json: { name } };
    return this.#changeBranch(path, name, request, "Deleting the branch", signal);
  }

  async #changeBranch(
    path: string | null,
    name: string,
    { json, ...request }: GitRequest,
    what: string,
    signal: AbortSignal,
  ): Promise<GitCheckout> {
    requireBranchName(name);
    const place = await this.#locate(path, signal);
    if (request.method === "DELETE" && place.branch === name) {
      throw new SandboxError("invalid", `${name} is checked out. Check another branch out first, then delete it.`);
    }
    await this.#change(
      { ...request, json: { path: place.root, ...json } },
      { ...attemptOf(what), branch: name },
      signal,
    );
    const after = await this.#inspect(place.root, signal);
    return { path: place.shown, branch: after.kind === "repository" ? after.repository.branch : null };
  }

  async #transfer(
    action: "push" | "pull",
    path: string | null,
    branch: string | null,
    signal: AbortSignal,
  ): Promise<GitCheckout> {
    const place = await this.#locate(path, signal);
    if (place.branch === null)
      throw new SandboxError("invalid", `No branch is checked out in ${place.shown}. Check one out first.`);
    if (branch !== null && branch !== place.branch) {
      const text = `${place.branch} is checked out in ${place.shown}, not ${branch}. Check ${branch} out with git_branch first.`;
      throw new SandboxError("invalid", text);
    }
    const { host, login } = await this.#openRemote(place, signal);
    const what = action === "push" ? "The push" : "The pull";
    await this.#requireNoPrograms(place.root, attemptOf(what), signal, place.remote);
    const upstream = action === "push" ? { set_upstream: true } : {};
    const json = { path: place.root, remote: "origin", branch: place.branch, ...upstream, ...login };
    const attempt = { what, host, login, branch: place.branch };
    await this.#change({ path: action, json, timeout_ms: TRANSFER_MS }, attempt, signal, ["up_to_date"]);
    return { path: place.shown, branch: place.branch };
  }

  /** The host of a push or pull of this repository, and the login for it. */
  async #openRemote(
    place: LocatedRepository,
    signal: AbortSignal,
  ): Promise<{ host: string | null; login: GitLogin | null }> {
    const remote = place.remote?.url === "" ? await this.#readOrigin(place.root, signal) : place.remote;
    const host = remote === null ? null : hostOfGitUrl(remote.url);
    // Another protocol, or a URL with the sandbox's own password: no stored credential is needed.
    if (remote === null || host === null) return { host, login: null };
    const login = await this.#ports.access.findLogin(remote.url);
    if (login !== null && remote.doubt !== null) {
      throw new SandboxError(
        "refused",
        `The credential that is stored for ${host} is not used here: ${remote.doubt}. Take that setting back, then try again.`,
      );
    }
    return { host, login };
  }

  /** Reads the remote from the daemon if no git is installed. Older daemons don't have this call. */
  async #readOrigin(root: string, signal: AbortSignal): Promise<{ url: string; doubt: null } | null> {
    try {
      const request: GitRequest = { method: "GET", path: "remotes", query: { path: root } };
      const answer = await this.#ask(request, attemptOf("Reading the remotes"), signal);
      const { remotes } = (answer ?? {}) as { remotes?: { name?: unknown; url?: unknown }[] };
      const url = Array.isArray(remotes) ? remotes.find(({ name }) => name === "origin")?.url : undefined;
      return typeof url === "string" ? { url, doubt: null } : null;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof SandboxError && error.code === "unavailable") throw error;
      return null;
    }
  }

  async #locate(path: string | null, signal: AbortSignal): Promise<LocatedRepository> {
    const isNamed = path !== null && path !== "" && path !== ".";
    const home = this.#ports.readHome();
    const found = await this.#tryPlace(isNamed ? path : (home ?? ""), signal);
    if (found.kind === "repository") return found.place;
    if (isNamed && found.kind === "missing")
      throw new SandboxError("not_found", `${path} does not exist, or is no folder.`);
    const inside = isNamed || home === null ? found : await this.#tryPlace("", signal);
    if (inside.kind === "repository") return inside.place;
    const [only, ...more] = inside.kind === "none" ? inside.repositories : [];
    if (!isNamed && only !== undefined && more.length === 0) {
      const below = await this.#tryPlace(only, signal);
      if (below.kind === "repository") return below.place;
    }
    const where = isNamed ? path : "The work dir";
    const advice =
      only === undefined
        ? "Clone one with git_clone, or make one with `git init`."
        : `Give the path of one: ${[only, ...more].join(", ")}.`;
    throw new SandboxError("not_found", `${where} is in no git repository. ${advice}`);
  }

  async #tryPlace(path: string, signal: AbortSignal) {
    const { absolute, folders } = await this.#ports.files.resolve(path, signal);
    const found = await this.#inspect(absolute, signal);
    if (found.kind !== "repository") return found;
    const { repository } = found;
    return { kind: "repository" as const, place: { ...repository, shown: showPath(repository.root, folders) } };
  }

  /** Older daemons clone over existing files. */
  async #requireVacancy(absolute: string, shown: string, signal: AbortSignal): Promise<void> {
    const { connection, requests } = this.#ports;
    const run = (sandbox: SdkSandbox) => requests.run(sandbox, writeVacancy(absolute), signal);
    if ((await connection.call(run, signal)).trim() !== "in_the_way") return;
    const text = `There is something in ${shown || "the work dir"} already. Take another folder, or remove what is there.`;
    throw new SandboxError("invalid", text);
  }

  /** For a restricted git. A remote that is not reached over http runs programs itself. */
  async #requireNoPrograms(
    folder: string,
    attempt: GitAttempt,
    signal: AbortSignal,
    remote?: Repository["remote"],
  ): Promise<void> {
    const { connection, requests, is_restricted = false } = this.#ports;
    // Without git in the sandbox, the URL is not known and the daemon's own git runs nothing.
    if (!is_restricted || remote?.url === "") return;
    if (remote !== undefined && !/^https?:\/\//i.test(remote?.url ?? ""))
      throw refuseProgram(attempt, "the remote `origin`, which is not reached over https");
    await connection.call((sandbox) => requireNoPrograms(requests, { sandbox, folder, attempt }, signal), signal);
  }

  async #inspect(absolute: string, signal: AbortSignal, before = "") {
    const { connection, requests } = this.#ports;
    const run = (sandbox: SdkSandbox) => requests.run(sandbox, before + writeInspection(absolute), signal);
    return readInspection(await connection.call(run, signal));
  }

  #ask(request: GitRequest, attempt: GitAttempt, signal: AbortSignal): Promise<unknown> {
    return this.#call(request, attempt, signal, [], {});
  }

  /** A change is not retried if its outcome is unknown. */
  #change(request: GitRequest, attempt: GitAttempt, signal: AbortSignal, accepted: GitFault[] = []): Promise<unknown> {
    return this.#call(request, attempt, signal, accepted, { is_repeatable: false });
  }

  async #call(
    request: GitRequest,
    attempt: GitAttempt,
    signal: AbortSignal,
    accepted: GitFault[],
    options: CallOptions,
  ): Promise<unknown> {
    const { connection, requests, is_restricted = false } = this.#ports;
    try {
      const work = (sandbox: SdkSandbox) =>
        is_restricted
          ? askRestricted(requests, sandbox, request, attempt, signal, accepted)
          : requests.ask(sandbox, request, attempt, signal, accepted);
      return await connection.call(work, signal, options);
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof SandboxError ? error : explainGit(readFailure(error), attempt);
    }
  }
}

function attemptOf(what: string): GitAttempt {
  return { what, host: null, login: null, branch: null };
}
