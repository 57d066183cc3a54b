// Clones a project's repository when its sandbox is first used, and again in a new sandbox. A failed clone leaves the
// sandbox usable: the model sees the reason, and the clone is retried when the credential for its host has changed, or
// after a while if the host was not reached. (After a change of the project's settings this is another instance.)
//
// Every use of the sandbox waits here until the clone has ended. A use that stops waiting does not end the clone for
// the others.

import { type OnSandboxState, SandboxError } from "../../../agent/sandbox.ts";
import type { GitAccess } from "../../../agent/sandbox-git.ts";
import { type GitAddress, isSameRepository, readGitAddress } from "../../../lib/git-address.ts";
import type { TimedCache } from "../../../lib/timed-cache.ts";
import { type GitLogin, hostOfGitUrl } from "../../../protocol/git-credential.ts";
import type { GitSource } from "../../../protocol/project.ts";
import { resolvePath, showPath } from "../../paths.ts";
import { DaytonaFailure } from "../client/failure.ts";
import type { SdkSandbox } from "../client/sdk.ts";
import { retryTransport } from "../client/transport.ts";
import { pause, race, within } from "../client/waiting.ts";
import {
  type CheckoutState,
  type CloneTarget,
  cloneTarget,
  readCheckoutState,
  STALE_SECONDS,
  writeClaim,
  writeFinish,
  writeRelease,
  writeTouch,
} from "./checkout-script.ts";
import { writeClonedCommit } from "./cloned-commit.ts";
import { explainGit, type GitAttempt } from "./git-failure.ts";
import { type GitRequests, TRANSFER_MS, tryBranches } from "./git-requests.ts";
import { runTransfer } from "./git-run.ts";

/** An unreachable remote is retried after this long, without any change. */
const TRY_AGAIN_MS = 300_000;
const TOUCH_MS = (STALE_SECONDS * 1000) / 4;
const BUSY_POLL_MS = 1_000;
/** Enough to wait for another thread's clone, and then to clone. */
const MAX_MS = 2 * TRANSFER_MS;

export interface CheckoutPorts {
  requests: GitRequests;
  access: GitAccess;
  /** Null if the project has none. */
  source: GitSource | null;
  onState: OnSandboxState;
  /** Attempts of earlier instances, for callers that make an instance per request. */
  cache?: CheckoutCache | undefined;
  /** For requests to the API. */
  control?: <Value>(request: () => Promise<Value>, signal: AbortSignal) => Promise<Value>;
}

export type CheckoutCache = TimedCache<{ attempt: Attempt; known: Outcome }>;

interface Outcome {
  /** For the model. */
  text: string;
  /** Null if the clone failed. */
  path: string | null;
  /** A retry may succeed without any change. */
  may_pass: boolean;
}

interface Attempt {
  sandbox: string;
  login: GitLogin | null;
  /** While the attempt lasts: when it began. */
  ended_at: number;
}

export class ProjectCheckout {
  readonly #ports: CheckoutPorts;
  #attempt: Attempt | null = null;
  /** Concurrent uses of one sandbox check once. */
  #check: { sandbox: string; done: Promise<void> } | null = null;
  #known: Outcome | null = null;
  /** "URL into folder" while the clone runs. */
  #doing: string | null = null;
  /** What the last clone's result does not show. */
  #note: string | undefined;

  constructor(ports: CheckoutPorts) {
    this.#ports = ports;
  }

  /** Resolves when the repository is in its folder, or the clone has failed. Rejects only with the signal's reason. */
  async prepare(sandbox: SdkSandbox, signal: AbortSignal): Promise<void> {
    const { source } = this.#ports;
    if (source === null || (this.#known?.path && this.#attempt?.sandbox === sandbox.id)) return;
    while (this.#check !== null && this.#check.sandbox !== sandbox.id) await race(this.#check.done, signal);
    // A cancelled run may have begun the clone: the current run has its own readers, who see it reported again.
    if (this.#check !== null && this.#doing !== null) this.#reportCloning(this.#doing);
    this.#check ??= { sandbox: sandbox.id, done: this.#checkOnce(sandbox, source) };
    await race(this.#check.done, signal);
  }

  /** The state of the clone, for the model; null if there is nothing to report. */
  readRepositoryNotice(): string | null {
    if (this.#doing === null) return this.#known?.text ?? null;
    return `The project's repository is still being cloned: ${this.#doing}. What uses the sandbox waits for that.`;
  }

  /** The repository's folder as callers see it; null if there is none. */
  readHome(): string | null {
    return this.#known?.path ?? null;
  }

  async #checkOnce(sandbox: SdkSandbox, source: GitSource): Promise<void> {
    try {
      await this.#update(sandbox, source);
    } finally {
      this.#check = null;
      this.#doing = null;
    }
  }

  /**
   * Never rejects. After a failure each use reads the credential, one row beside a request to the sandbox, so that a
   * newly stored one takes effect at once.
   */
  async #update(sandbox: SdkSandbox, source: GitSource): Promise<void> {
    const key = `${sandbox.id} ${JSON.stringify(source)}`;
    if (this.#attempt?.sandbox !== sandbox.id) await this.#readCache(key);
    const last = this.#attempt?.sandbox === sandbox.id ? this.#attempt : null;
    if (last !== null && this.#known?.path) return;
    const login = await this.#findLogin(source);
    if (last !== null) {
      const isDue = this.#known?.may_pass === true && Date.now() - last.ended_at > TRY_AGAIN_MS;
      if (!isDue && JSON.stringify(last.login) === JSON.stringify(login)) return;
    }
    const attempt = { sandbox: sandbox.id, login, ended_at: Date.now() };
    this.#known = null;
    this.#attempt = attempt;
    const known = await this.#fetch(sandbox, source);
    this.#known = known;
    attempt.ended_at = Date.now();
    this.#ports.cache?.forget(key);
    await this.#ports.cache?.read(key, async () => ({ attempt, known }));
  }

  async #readCache(key: string): Promise<void> {
    const cached = await this.#ports.cache?.read(key, async () => null);
    if (!cached) return;
    this.#attempt = cached.attempt;
    this.#known = cached.known;
  }

  /** Used to detect a changed credential. If it can't be read, the clone itself reports that. */
  async #findLogin(source: GitSource): Promise<GitLogin | null> {
    const address = readGitAddress(source.url);
    if ("wrong" in address) return null;
    return this.#ports.access.findLogin(address.url).catch(() => null);
  }

  /** Never rejects. */
  async #fetch(sandbox: SdkSandbox, source: GitSource): Promise<Outcome> {
    const address = readGitAddress(source.url);
    const url = "wrong" in address ? "" : ` ${address.url}`;
    try {
      if ("wrong" in address) throw new SandboxError("invalid", `The address ${address.wrong}.`);
      return await within(MAX_MS, new AbortController().signal, (end) => this.#fetchTo(sandbox, source, address, end));
    } catch (error) {
      const reason = error instanceof SandboxError ? error.message : "It did not come to an end.";
      this.#ports.onState("started", `The project's repository could not be cloned. ${reason}`);
      const may_pass = !(error instanceof SandboxError) || error.code === "failed";
      const again = `${may_pass ? "after a few minutes, or " : ""}once the project's settings or the stored credential have changed`;
      const text = `The project's repository${url} could not be cloned. ${reason} It is tried again ${again}. Go on without it where the work does not need it; else tell the person.`;
      return { path: null, text, may_pass };
    }
  }

  async #fetchTo(sandbox: SdkSandbox, source: GitSource, address: GitAddress, end: AbortSignal): Promise<Outcome> {
    const [work, home] = await retryTransport(() => Promise.all([sandbox.getWorkDir(), sandbox.getUserHomeDir()]), end);
    if (!work?.startsWith("/")) throw new SandboxError("failed", "The sandbox does not say where its work dir is.");
    const folders = { work: work.replace(/(?<=^\/|[^/])\/+$/, ""), home: home?.startsWith("/") ? home : work };
    const path = resolvePath(source.path ?? address.name, folders);
    if (path === folders.work || path === "/") {
      throw new SandboxError("invalid", "The project's `git.path` is the work dir itself. Name a folder in it.");
    }
    const shown = showPath(path, folders);
    const branches = source.branch === undefined ? address.branches : [source.branch];
    const target = cloneTarget(path, crypto.randomUUID());
    const { branch, is_empty } = await this.#clone(sandbox, { url: address.url, branches, target, shown, end });
    const where = branch === null ? shown : `${shown} (branch ${branch})`;
    const still = is_empty ? " It is empty: it has no commit yet." : "";
    const note = this.#note === undefined || is_empty ? "" : ` ${this.#note}`;
    const text = `The project's repository ${address.url} is in the folder ${where}.${still}${note}`;
    return { path: shown, text, may_pass: false };
  }

  async #clone(
    sandbox: SdkSandbox,
    job: { url: string; branches: string[]; target: CloneTarget; shown: string; end: AbortSignal },
  ): Promise<Extract<CheckoutState, { kind: "there" }>> {
    const { url, branches, target, shown, end } = job;
    const until = Date.now() + TRANSFER_MS;
    let state = await this.#run(sandbox, writeClaim(target), end);
    if (state.kind !== "there") {
      this.#doing = `${url} into ${shown}`;
      this.#reportCloning(this.#doing);
    }
    while (state.kind === "busy") {
      if (Date.now() > until) throw new SandboxError("failed", "Another thread of the project is still cloning it.");
      await pause(BUSY_POLL_MS, end);
      state = await this.#run(sandbox, writeClaim(target), end);
    }
    if (state.kind === "claimed") {
      state = await this.#cloneClaimed(sandbox, { url, branches, target, end });
      const note = this.#note === undefined ? "" : ` ${this.#note}`;
      if (state.kind === "there") {
        await this.#remember(sandbox, state.commit, shown, end);
        this.#ports.onState("started", `Cloned ${url} into ${shown}.${note}`);
      }
    }
    if (state.kind === "there" && isSameRepository(state.url, url)) return state;
    const what = state.kind === "there" ? "holds another repository" : "is there already and holds other files";
    throw new SandboxError(
      "invalid",
      `The folder ${shown} ${what}. Move it away, or set another \`git.path\` in the project.`,
    );
  }

  /** A clone without it is as good, but the project's checks are not known from it. */
  async #remember(sandbox: SdkSandbox, commit: string | null, folder: string, end: AbortSignal): Promise<void> {
    const { source, control = (request) => request() } = this.#ports;
    if (commit === null || source === null) return;
    await control(() => writeClonedCommit(sandbox, { url: source.url, folder, commit }), end).catch(() => {});
  }

  #reportCloning(doing: string): void {
    this.#ports.onState("started", `Cloning ${doing} …`);
  }

  async #cloneClaimed(
    sandbox: SdkSandbox,
    { url, branches, target, end }: { url: string; branches: string[]; target: CloneTarget; end: AbortSignal },
  ): Promise<CheckoutState> {
    const { requests, access } = this.#ports;
    const alive = setInterval(() => void requests.run(sandbox, writeTouch(target), end).catch(() => {}), TOUCH_MS);
    try {
      const login = await access.findLogin(url);
      const host = hostOfGitUrl(url);
      await tryBranches(branches, (branch) => {
        const attempt = { what: "The clone", host, login, branch };
        const clone = () => this.#cloneOnce(sandbox, { url, branch, login, draft: target.draft }, attempt, end);
        return retryTransport(clone, end).catch((error: unknown) => {
          throw error instanceof DaytonaFailure ? explainGit(error, attempt) : error;
        });
      });
      return await this.#run(sandbox, writeFinish(target), end);
    } catch (error) {
      await requests.run(sandbox, writeRelease(target), end).catch(() => {});
      throw error;
    } finally {
      clearInterval(alive);
    }
  }

  async #cloneOnce(
    sandbox: SdkSandbox,
    what: { url: string; branch: string | null; login: GitLogin | null; draft: string },
    attempt: GitAttempt,
    end: AbortSignal,
  ): Promise<void> {
    // Nobody approved a program that settings in the sandbox name.
    const programs = { is_restricted: true, leaves_filtered: true };
    const ask = { requests: this.#ports.requests, sandbox, attempt };
    const { note } = await runTransfer(ask, { action: "clone", root: null, ...what, programs }, end);
    this.#note = note;
  }

  async #run(sandbox: SdkSandbox, command: string, signal: AbortSignal): Promise<CheckoutState> {
    const read = readCheckoutState(
      await retryTransport(() => this.#ports.requests.run(sandbox, command, signal), signal),
    );
    if (read) return read;
    throw new SandboxError("failed", "The folder for it could not be made in the sandbox.");
  }
}
