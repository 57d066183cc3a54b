// The repository that a project's files come from: cloned when its sandbox is first used, whoever uses it, and again when
// the sandbox is another one. A clone that fails leaves the sandbox usable: the model is told why, and it is tried again
// when the credential for its host has changed, or after a while where the host was not reached. (Where the project's
// settings have changed this is another instance.)
//
// Everything that uses the sandbox waits here until the clone has come to an end; a use that gives up waiting leaves the
// clone to the others.
import type { Sandbox as SdkSandbox } from "@daytonaio/sdk";
import { type OnSandboxState, SandboxError } from "../../../agent/sandbox.ts";
import type { GitAccess } from "../../../agent/sandbox-git.ts";
import { type GitAddress, readGitAddress } from "../../../lib/git-address.ts";
import { backoffDelay } from "../../../lib/retry.ts";
import type { TimedCache } from "../../../lib/timed-cache.ts";
import { type GitLogin, hostOfGitUrl } from "../../../protocol/git-credential.ts";
import type { GitSource } from "../../../protocol/project.ts";
import { resolvePath, showPath } from "../../paths.ts";
import { DaytonaFailure, readFailure } from "../client/failure.ts";
import { pause, race, within } from "../client/waiting.ts";
import {
  type Beginning,
  draftOf,
  readBeginning,
  type Spot,
  STALE_SECONDS,
  writeBeginning,
  writeFinish,
  writeRelease,
  writeTouch,
} from "./checkout-script.ts";
import { explainGit } from "./git-failure.ts";
import { type GitRequests, TRANSFER_MS, tryBranches } from "./git-requests.ts";

/** A remote that could not be reached is tried again after this long, though nothing was changed. */
const TRY_AGAIN_MS = 300_000;
const TOUCH_MS = (STALE_SECONDS * 1000) / 4;
const BUSY_LOOK_MS = 1_000;
/** Waiting for another thread's clone, then one's own. */
const MAX_MS = 2 * TRANSFER_MS;
/** How long failures of the way to a sandbox that has just started are retried. */
const WAY_ATTEMPTS = 4;
const RETRY = { base_ms: 250, cap_ms: 2_000 };

export interface CheckoutPorts {
  requests: GitRequests;
  access: GitAccess;
  /** Null where the project has none. */
  source: GitSource | null;
  onState: OnSandboxState;
  /** For who makes one of these for each request: what came of an earlier one's attempt. */
  past?: CheckoutPast | undefined;
}

export type CheckoutPast = TimedCache<{ attempt: Attempt; known: Outcome }>;

/** What came of it; `text` is for the model. */
interface Outcome {
  text: string;
  /** Null where it failed. */
  path: string | null;
  /** It may go well another time though nothing was changed. */
  may_pass: boolean;
}

interface Attempt {
  sandbox: string;
  login: GitLogin | null;
  /** As long as it goes on: when it began. */
  ended_at: number;
}

export class ProjectCheckout {
  readonly #ports: CheckoutPorts;
  #attempt: Attempt | null = null;
  /** Uses of one sandbox that come at the same time look once. */
  #looking: { sandbox: string; done: Promise<void> } | null = null;
  #known: Outcome | null = null;
  /** What is cloned where, as long as it is. */
  #doing: string | null = null;

  constructor(ports: CheckoutPorts) {
    this.#ports = ports;
  }

  /** Resolves when the repository is where it belongs, or can't be had. Rejects with the signal's reason only. */
  async prepare(sandbox: SdkSandbox, signal: AbortSignal): Promise<void> {
    const { source } = this.#ports;
    if (source === null || (this.#known?.path && this.#attempt?.sandbox === sandbox.id)) return;
    while (this.#looking !== null && this.#looking.sandbox !== sandbox.id) await race(this.#looking.done, signal);
    // The clone may go on from a run that was cancelled: who waits for it now has readers of his own.
    if (this.#looking !== null && this.#doing !== null) this.#tellOf(this.#doing);
    this.#looking ??= { sandbox: sandbox.id, done: this.#lookOnce(sandbox, source) };
    await race(this.#looking.done, signal);
  }

  /** What a model has to know of it. */
  readNews(): string | null {
    if (this.#doing === null) return this.#known?.text ?? null;
    return `The project's repository is still being cloned: ${this.#doing}. What uses the sandbox waits for that.`;
  }

  /** The repository's folder as files are named; null where there is none. */
  readHome(): string | null {
    return this.#known?.path ?? null;
  }

  async #lookOnce(sandbox: SdkSandbox, source: GitSource): Promise<void> {
    try {
      await this.#look(sandbox, source);
    } finally {
      this.#looking = null;
      this.#doing = null;
    }
  }

  /**
   * Never rejects. After a failure the credential is read at each use, one row beside a request to the sandbox: who has
   * stored one a moment ago expects it to be used.
   */
  async #look(sandbox: SdkSandbox, source: GitSource): Promise<void> {
    const past = `${sandbox.id} ${JSON.stringify(source)}`;
    if (this.#attempt?.sandbox !== sandbox.id) await this.#recall(past);
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
    this.#ports.past?.forget(past);
    await this.#ports.past?.read(past, async () => ({ attempt, known }));
  }

  async #recall(past: string): Promise<void> {
    const recalled = await this.#ports.past?.read(past, async () => null);
    if (!recalled) return;
    this.#attempt = recalled.attempt;
    this.#known = recalled.known;
  }

  /** To see whether it has changed; where it can't be had the clone says so. */
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
    const [work, home] = await this.#retry(() => Promise.all([sandbox.getWorkDir(), sandbox.getUserHomeDir()]), end);
    if (!work?.startsWith("/")) throw new SandboxError("failed", "The sandbox does not say where its work dir is.");
    const folders = { work: work.replace(/(?<=.)\/+$/, ""), home: home?.startsWith("/") ? home : work };
    const path = resolvePath(source.path ?? address.name, folders);
    if (path === folders.work || path === "/") {
      throw new SandboxError("invalid", "The project's `git.path` is the work dir itself. Name a folder in it.");
    }
    const shown = showPath(path, folders);
    const branches = source.branch === undefined ? address.branches : [source.branch];
    const spot = draftOf(path, crypto.randomUUID());
    const { branch, is_empty } = await this.#clone(sandbox, { url: address.url, branches, spot, shown, end });
    const where = branch === null ? shown : `${shown} (branch ${branch})`;
    const still = is_empty ? " It is empty: it has no commit yet." : "";
    const text = `The project's repository ${address.url} is in the folder ${where}.${still}`;
    return { path: shown, text, may_pass: false };
  }

  async #clone(
    sandbox: SdkSandbox,
    job: { url: string; branches: string[]; spot: Spot; shown: string; end: AbortSignal },
  ): Promise<Extract<Beginning, { kind: "there" }>> {
    const { url, branches, spot, shown, end } = job;
    const until = Date.now() + TRANSFER_MS;
    let begun = await this.#run(sandbox, writeBeginning(spot), end);
    if (begun.kind !== "there") {
      this.#doing = `${url} into ${shown}`;
      this.#tellOf(this.#doing);
    }
    while (begun.kind === "busy") {
      if (Date.now() > until) throw new SandboxError("failed", "Another thread of the project is still cloning it.");
      await pause(BUSY_LOOK_MS, end);
      begun = await this.#run(sandbox, writeBeginning(spot), end);
    }
    if (begun.kind === "claimed") {
      begun = await this.#cloneClaimed(sandbox, { url, branches, spot, end });
      if (begun.kind === "there") this.#ports.onState("started", `Cloned ${url} into ${shown}.`);
    }
    if (begun.kind === "there" && isSameRepository(begun.url, url)) return begun;
    const what = begun.kind === "there" ? "holds another repository" : "is there already and holds other files";
    throw new SandboxError(
      "invalid",
      `The folder ${shown} ${what}. Move it away, or set another \`git.path\` in the project.`,
    );
  }

  #tellOf(doing: string): void {
    this.#ports.onState("started", `Cloning ${doing} …`);
  }

  async #cloneClaimed(
    sandbox: SdkSandbox,
    { url, branches, spot, end }: { url: string; branches: string[]; spot: Spot; end: AbortSignal },
  ): Promise<Beginning> {
    const { requests, access } = this.#ports;
    const alive = setInterval(() => void requests.run(sandbox, writeTouch(spot), end).catch(() => {}), TOUCH_MS);
    try {
      const login = await access.findLogin(url);
      const host = hostOfGitUrl(url);
      await tryBranches(branches, (branch) => {
        const attempt = { what: "The clone", host, login, branch };
        const json = { url, path: spot.draft, ...(branch === null ? {} : { branch }), ...login };
        const request = { path: "clone", json, timeout_ms: TRANSFER_MS };
        return this.#retry(() => requests.ask(sandbox, request, attempt, end), end).catch((error: unknown) => {
          throw error instanceof DaytonaFailure ? explainGit(error, attempt) : error;
        });
      });
      return await this.#run(sandbox, writeFinish(spot), end);
    } catch (error) {
      await requests.run(sandbox, writeRelease(spot), end).catch(() => {});
      throw error;
    } finally {
      clearInterval(alive);
    }
  }

  async #run(sandbox: SdkSandbox, command: string, signal: AbortSignal): Promise<Beginning> {
    const read = readBeginning(await this.#retry(() => this.#ports.requests.run(sandbox, command, signal), signal));
    if (read) return read;
    throw new SandboxError("failed", "The folder for it could not be made in the sandbox.");
  }

  /** A sandbox that has just started is not always reached at once. */
  async #retry<Value>(work: () => Promise<Value>, signal: AbortSignal): Promise<Value> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await work();
      } catch (error) {
        if (error instanceof SandboxError) throw error;
        const failure = readFailure(error);
        if (!failure.is_of_the_way || failure.status === null || attempt >= WAY_ATTEMPTS) throw describeWay(failure);
        await pause(backoffDelay(attempt, RETRY), signal);
      }
    }
  }
}

function describeWay(failure: DaytonaFailure): Error {
  return failure.is_of_the_way ? new SandboxError("failed", "The sandbox could not be reached.") : failure;
}

/** Whether two addresses are of one repository, however they are written. */
function isSameRepository(one: string | null, other: string): boolean {
  return one !== null && plainAddress(one) === plainAddress(other);
}

function plainAddress(text: string): string {
  const url = URL.parse(text);
  if (url === null) return text;
  return `${url.host}${url.pathname}`.replace(/\/+$/, "").replace(/\.git$/, "");
}
