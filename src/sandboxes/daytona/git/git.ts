// Git in a Daytona sandbox: the sandbox's own `git`, run by commands. What a person's approval would be needed for is
// off, and the password goes the way that `remote-script.ts` describes. Without a `git` the daemon's own does it, and
// the result says so.

import { SandboxError } from "../../../agent/sandbox.ts";
import type {
  GitBranches,
  GitCheckout,
  GitCloneRequest,
  GitCommit,
  GitCommitRequest,
  GitStatus,
  SandboxGit,
} from "../../../agent/sandbox-git.ts";
import { readGitAddress } from "../../../lib/git-address.ts";
import { hostOfGitUrl } from "../../../protocol/git-credential.ts";
import { showPath } from "../../paths.ts";
import { readFailure } from "../client/failure.ts";
import type { SdkSandbox } from "../client/sdk.ts";
import { writeTracking, writeVacancy } from "./checkout-script.ts";
import { NO_GIT_NOTE } from "./daemon-git.ts";
import { explainGit, type GitAttempt, type GitFault } from "./git-failure.ts";
import { GitPlaces, type LocatedRepository, type PlacePorts } from "./git-place.ts";
import { AUTHOR, requireBranchName, tryBranches } from "./git-requests.ts";
import { type Done, refuseProgram, runTransfer, runWork } from "./git-run.ts";
import { mapFiles, readStatus } from "./git-status.ts";
import type { Hints, Transfer } from "./remote-script.ts";
import type { Work } from "./work-script.ts";

export interface GitPorts extends PlacePorts {
  /** Runs no program that files name. */
  is_restricted?: boolean;
}

export class DaytonaGit implements SandboxGit {
  readonly #ports: GitPorts;
  readonly #places: GitPlaces;

  constructor(ports: GitPorts) {
    this.#ports = ports;
    this.#places = new GitPlaces(ports);
  }

  async clone(request: GitCloneRequest, signal: AbortSignal): Promise<GitCheckout> {
    const address = readGitAddress(request.url);
    if ("wrong" in address) throw new SandboxError("invalid", `The address ${address.wrong}.`);
    const { files, access } = this.#ports;
    const { url } = address;
    const { absolute, folders } = await files.resolve(request.path, signal);
    const shown = showPath(absolute, folders);
    const login = await access.findLogin(url);
    await this.#requireVacancy(absolute, shown, signal);
    // A clone that is not complete is in nobody's way, and never looks like one that is.
    const draft = `${absolute.slice(0, absolute.lastIndexOf("/"))}/.taskloom-git-${crypto.randomUUID()}`;
    let note: string | undefined;
    await tryBranches(request.branches, async (branch) => {
      const attempt = { what: `The clone of ${url}`, host: hostOfGitUrl(url), login, branch };
      const transfer = { action: "clone", root: absolute, url, branch, draft, login } as const;
      ({ note } = await this.#transfer(transfer, attempt, signal));
    });
    const track = note === NO_GIT_NOTE ? `${writeTracking(absolute)}; ` : "";
    const branch = await this.#places.readBranch(absolute, signal, track);
    return { path: shown, branch, ...describeHints({ note }) };
  }

  async status(path: string | null, signal: AbortSignal): Promise<GitStatus> {
    const place = await this.#places.locate(path, signal);
    const done = await this.#work({ name: "status", root: place.root }, place, attemptOf("Reading the status"), signal);
    const note = done.note ?? describeUnderWay(place);
    return { path: place.shown, branch: place.branch, ...readStatus(done.output), ...describeHints({ note }) };
  }

  async commit(path: string | null, request: GitCommitRequest, signal: AbortSignal): Promise<GitCommit | null> {
    const { is_restricted = false } = this.#ports;
    const attempt = attemptOf("The commit");
    if (is_restricted && request.run_hooks) throw refuseProgram(attempt, "the hooks of the repository");
    const place = await this.#places.locate(path, signal);
    const files = request.files === null ? null : await this.#mapFiles(request.files, place, attempt, signal);
    const author = request.author ?? place.author ?? AUTHOR.name;
    const email = request.email ?? place.email ?? AUTHOR.email;
    const { message, run_hooks = false } = request;
    const work: Work = { name: "commit", root: place.root, message, author, email, files };
    const done = await this.#work(work, place, attempt, signal, { accepted: ["nothing_staged"], run_hooks });
    const [hash = "", ...rest] = done.output.split("\n");
    if (!/^[0-9a-f]{40,64}$/.test(hash)) return null;
    const hooks = rest.flatMap((line) => (line.startsWith("hook ") ? [line.slice(5)] : []));
    return { path: place.shown, branch: place.branch, hash, ...describeHints({ hooks, note: done.note }) };
  }

  async push(path: string | null, branch: string | null, signal: AbortSignal): Promise<GitCheckout> {
    return this.#exchange("push", path, branch, signal);
  }

  async pull(path: string | null, branch: string | null, signal: AbortSignal): Promise<GitCheckout> {
    return this.#exchange("pull", path, branch, signal);
  }

  async listBranches(path: string | null, signal: AbortSignal): Promise<GitBranches> {
    const place = await this.#places.locate(path, signal);
    const done = await this.#work({ name: "branches", root: place.root }, place, attemptOf("Listing branches"), signal);
    const branches = done.output.split("\n").filter((name) => name !== "");
    return { path: place.shown, branch: place.branch, branches };
  }

  createBranch(path: string | null, name: string, signal: AbortSignal): Promise<GitCheckout> {
    return this.#changeBranch("create", path, name, "Making the branch", signal);
  }

  checkoutBranch(path: string | null, name: string, signal: AbortSignal): Promise<GitCheckout> {
    return this.#changeBranch("checkout", path, name, "The checkout", signal);
  }

  deleteBranch(path: string | null, name: string, signal: AbortSignal): Promise<GitCheckout> {
    return this.#changeBranch("delete", path, name, "Deleting the branch", signal);
  }

  async #changeBranch(
    action: "create" | "checkout" | "delete",
    path: string | null,
    branch: string,
    what: string,
    signal: AbortSignal,
  ): Promise<GitCheckout> {
    requireBranchName(branch);
    const place = await this.#places.locate(path, signal);
    if (action === "delete" && place.branch === branch) {
      throw new SandboxError("invalid", `${branch} is checked out. Check another branch out first, then delete it.`);
    }
    const attempt = { ...attemptOf(what), branch };
    const { note } = await this.#work({ name: action, root: place.root, branch }, place, attempt, signal);
    const now = await this.#places.readBranch(place.root, signal);
    return { path: place.shown, branch: now, ...describeHints({ note }) };
  }

  async #exchange(
    action: "push" | "pull",
    path: string | null,
    branch: string | null,
    signal: AbortSignal,
  ): Promise<GitCheckout> {
    const place = await this.#places.locate(path, signal);
    if (place.branch === null) {
      const text = `No branch is checked out in ${place.shown}. ${describeUnderWay(place) ?? "Check one out first."}`;
      throw new SandboxError("invalid", text);
    }
    if (branch !== null && branch !== place.branch) {
      const text = `${place.branch} is checked out in ${place.shown}, not ${branch}. Check ${branch} out with git_branch first.`;
      throw new SandboxError("invalid", text);
    }
    const { url, host, login } = await this.#places.openRemote(place, action, signal);
    const attempt = { what: action === "push" ? "The push" : "The pull", host, login, branch: place.branch };
    // Such a remote runs programs itself. Without git in the sandbox the address may not be known; the daemon runs none.
    if (this.#ports.is_restricted && url !== "" && !/^https?:\/\//i.test(url))
      throw refuseProgram(attempt, "the remote `origin`, which is not reached over https");
    const transfer = { action, root: place.root, url, branch: place.branch, login };
    const hints = await this.#transfer(transfer, attempt, signal);
    return { path: place.shown, branch: place.branch, ...describeHints(hints) };
  }

  async #mapFiles(
    files: string[],
    place: LocatedRepository,
    attempt: GitAttempt,
    signal: AbortSignal,
  ): Promise<string[] | null> {
    const done = await this.#work({ name: "status", root: place.root }, place, attempt, signal);
    const mapped = mapFiles(files, place, readStatus(done.output).changes);
    return mapped.includes(".") ? null : mapped;
  }

  /** Older daemons clone over existing files. */
  async #requireVacancy(absolute: string, shown: string, signal: AbortSignal): Promise<void> {
    const { connection, requests } = this.#ports;
    const run = (sandbox: SdkSandbox) => requests.run(sandbox, writeVacancy(absolute), signal);
    if ((await connection.call(run, signal)).trim() !== "in_the_way") return;
    const text = `There is something in ${shown || "the work dir"} already. Take another folder, or remove what is there.`;
    throw new SandboxError("invalid", text);
  }

  #work(
    work: Work,
    place: LocatedRepository,
    attempt: GitAttempt,
    signal: AbortSignal,
    { accepted = [], run_hooks = false }: { accepted?: GitFault[]; run_hooks?: boolean } = {},
  ): Promise<Done> {
    const { requests, is_restricted = false } = this.#ports;
    const programs = { is_restricted, has_hooks: run_hooks };
    return this.#call(attempt, signal, work.name === "status" || work.name === "branches", (sandbox) =>
      runWork({ requests, sandbox, attempt, accepted }, { work, place, programs }, signal),
    );
  }

  #transfer(
    what: Pick<Transfer, "action" | "root" | "url" | "branch" | "draft" | "login">,
    attempt: GitAttempt,
    signal: AbortSignal,
  ): Promise<Hints> {
    const { requests, is_restricted = false } = this.#ports;
    const transfer = { ...what, programs: { is_restricted } };
    return this.#call(attempt, signal, false, (sandbox) =>
      runTransfer({ requests, sandbox, attempt }, transfer, signal),
    );
  }

  /** A change is not retried if its outcome is unknown. */
  async #call<Value>(
    attempt: GitAttempt,
    signal: AbortSignal,
    is_repeatable: boolean,
    work: (sandbox: SdkSandbox) => Promise<Value>,
  ): Promise<Value> {
    try {
      return await this.#ports.connection.call(work, signal, { is_repeatable });
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof SandboxError ? error : explainGit(readFailure(error), attempt);
    }
  }
}

function describeHints({ hooks = [], note, commits }: Partial<Hints>) {
  return {
    ...(commits === undefined ? {} : { commits }),
    ...(hooks.length > 0 ? { skipped_hooks: hooks } : {}),
    ...(note ? { note } : {}),
  };
}

function attemptOf(what: string): GitAttempt {
  return { what, host: null, login: null, branch: null };
}

function describeUnderWay({ under_way }: LocatedRepository): string | undefined {
  if (under_way === null) return undefined;
  if (under_way === "merge") return "A merge is under way: git_commit ends it, `git merge --abort` takes it back.";
  return `A ${under_way} is under way: \`git ${under_way} --continue\` ends it, \`git ${under_way} --abort\` takes it back.`;
}
