// From a name to a started sandbox: finds it, creates it if there is none, starts it if it is stopped, waits while its
// state is changing (`states.ts`), and applies its project's settings. Two threads of one project may do this at once;
// the name decides which sandbox both get.

import { type OnSandboxState, SandboxError } from "../../../agent/sandbox.ts";
import { backoffDelay } from "../../../lib/retry.ts";
import type { SandboxCount, SandboxIds } from "../../provider.ts";
import type { DaytonaFailure } from "../client/failure.ts";
import type { DaytonaLimits } from "../client/limits.ts";
import { DaytonaRequests, unavailable } from "../client/requests.ts";
import type { SdkClient, SdkSandbox } from "../client/sdk.ts";
import { pause } from "../client/waiting.ts";
import type { DaytonaSecrets } from "../secrets/secrets.ts";
import { Admission } from "./admission.ts";
import { type BuildLogSettings, DaytonaBuildLog } from "./build-log.ts";
import { Creation, isBuiltInstead } from "./creation.ts";
import { describeUnresized } from "./instead.ts";
import { SandboxLookup } from "./lookup.ts";
import { isBuiltFromFormerRecipe, type Recipe } from "./recipe.ts";
import { addAdvice, describeBroken, describeFailedBuild, describeLate, readRefusal } from "./refusals.ts";
import { type IsTarget, isOfAnother, removeSandbox } from "./removal.ts";
import { again, Sizing } from "./sizing.ts";
import { beginStart, type StartProgress, secondsLeft } from "./start-progress.ts";
import { StateReporter } from "./state-reporter.ts";
import { isBuilding, planFor } from "./states.ts";

const POLL = { base_ms: 150, cap_ms: 1_500 };

/** An order may collide with a change in progress. More refusals than this are no coincidence. */
const MAX_ORDERS = 4;

/** How many lines of a failed build's log the error shows. */
const BUILD_LINES = 20;

export interface LifecycleSettings extends BuildLogSettings {
  client: SdkClient;
  /** Without it the sandbox gets none. */
  secrets?: DaytonaSecrets | undefined;
  name: string;
  /** The region; null for Daytona's default. */
  target?: string | null;
  recipe: Recipe;
  labels: Record<string, string>;
  host: string;
  limits: DaytonaLimits;
  onState: OnSandboxState;
  /** The sandbox whose files the model knows from an earlier life. `onKnown` receives each new id. */
  known: string | null;
  onKnown: (id: string) => void;
  /** Whether the project still exists: a sandbox that is created for a deleted project would never be deleted. */
  isWanted: () => Promise<boolean>;
  count?: SandboxCount | undefined;
  ids?: SandboxIds | undefined;
}

export class DaytonaLifecycle {
  readonly name: string;
  readonly #settings: LifecycleSettings;
  readonly #requests: DaytonaRequests;
  readonly #states: StateReporter;
  readonly #admission: Admission;
  readonly #lookup: SandboxLookup;
  readonly #creation: Creation;
  readonly #sizing: Sizing;
  /** The last opened sandbox, and the sandbox whose files the model knows. */
  #opened: string | null = null;
  #known: string | null;

  constructor(settings: LifecycleSettings) {
    this.name = settings.name;
    this.#settings = settings;
    this.#requests = new DaytonaRequests(settings.host, settings.limits);
    this.#states = new StateReporter(settings.onState);
    this.#admission = new Admission(settings.count, this.#states);
    this.#known = settings.known;
    const { client, secrets, name, target = null, labels, known, ids, count, limits } = settings;
    const control = this.control.bind(this);
    this.#lookup = new SandboxLookup({ client, name, known, ids, control });
    this.#creation = new Creation({
      ...{ client, secrets, name, target, labels, control, hidden_ms: limits.hidden_ms },
      ...{ lookup: this.#lookup, admission: this.#admission, states: this.#states },
      requireWanted: (signal) => this.#requireWanted(signal),
      giveBack: async () => count?.giveBack(),
    });
    this.#sizing = new Sizing({
      ...{ client, recipe: settings.recipe, admission: this.#admission, states: this.#states, control },
      hold_ms: limits.hidden_ms,
      order: (progress, request, signal) => this.#order(progress, request, signal),
      remove: (sandbox, progress, signal) => this.#remove(sandbox, progress, signal),
    });
  }

  /** Resolves with a started sandbox, within the time limits. Rejects with `SandboxError("unavailable")`. */
  async open(signal: AbortSignal): Promise<SdkSandbox> {
    const log = new DaytonaBuildLog(this.#settings);
    try {
      return await this.#open(log, signal);
    } finally {
      await log.stop();
    }
  }

  async #open(log: DaytonaBuildLog, signal: AbortSignal): Promise<SdkSandbox> {
    const begun = Date.now();
    const progress = beginStart();
    let sandbox = await this.find(this.#settings.name, signal);
    for (let polls = 1; ; polls++) {
      const state = sandbox === null ? "none" : (sandbox.state ?? "unknown");
      progress.until = Math.max(progress.until, begun + this.#settings.limits[planFor(state).limit]);
      const opened = await this.#move(sandbox, state, { progress, log, begun }, signal);
      progress.mayReplaceBuild = false;
      if (opened !== null) return opened;
      sandbox = await this.find(this.#settings.name, signal);
      const left = Math.max(1, progress.until - Date.now());
      if (sandbox?.state !== "started") await pause(Math.min(backoffDelay(polls, POLL), left), signal);
    }
  }

  /** The sandbox if it is ready; null if its state has to be read again. */
  async #move(
    sandbox: SdkSandbox | null,
    state: string,
    { progress, log, begun }: { progress: StartProgress; log: DaytonaBuildLog; begun: number },
    signal: AbortSignal,
  ): Promise<SdkSandbox | null> {
    const { move, message } = planFor(state);
    const isLeftOver = sandbox !== null && move !== "wait" && isOfAnother(sandbox.labels, this.#settings.labels);
    if (sandbox && move === "use" && !isLeftOver) {
      const isReady = await this.#sizing.adjust(sandbox, progress, signal);
      return isReady ? this.#finish(sandbox, progress, signal) : null;
    }
    if (Date.now() >= progress.until || progress.orders >= MAX_ORDERS) {
      throw this.#giveUp("error", "The sandbox did not start.", describeLate(state, progress.refusal, begun));
    }
    if (sandbox === null) {
      const isLost = this.#opened !== null || this.#known !== null;
      await this.#creation.order(this.#settings.recipe, isLost, progress, signal);
    } else if (isLeftOver || (move === "remake" && !progress.isFresh) || this.#isOutdated(sandbox, state, progress)) {
      await this.#remove(sandbox, progress, signal);
    } else if (move === "remake" && progress.instead !== null) {
      await this.#remove(sandbox, progress, signal);
      Object.assign(progress, again);
    } else if (move === "remake") {
      const text = describeFailedBuild(sandbox.errorReason, await log.readEnd(sandbox, BUILD_LINES));
      throw this.#giveUp(state, text, text);
    } else if (move === "repair" && progress.wasRepaired) {
      throw this.#giveUp("error", "The sandbox is in an error.", describeBroken(state, sandbox.errorReason));
    } else if (isBuilding(state)) {
      // Whoever began the build: if it fails from here on, this opening does not repeat it.
      progress.isFresh = true;
      this.#watchBuild(sandbox, state, log);
    } else if (move === "wait") this.#states.report(state, message);
    else await this.#start(sandbox, progress, signal);
    return null;
  }

  #watchBuild(sandbox: SdkSandbox, state: string, log: DaytonaBuildLog): void {
    log.follow(sandbox);
    const lines = log.takeLines();
    // Without new lines the last report stands.
    if (lines !== null || this.#states.state !== state) this.#states.report(state, lines ?? planFor(state).message);
  }

  /** Finds the project's sandbox by its name or an id; null if there is none. */
  find(name: string, signal: AbortSignal): Promise<SdkSandbox | null> {
    return name === this.name ? this.#lookup.find(signal) : this.#lookup.get(name, signal);
  }

  /** True once after the sandbox was replaced since the model last used it, also by another thread. */
  takeReplaced(): boolean {
    if (this.#opened === null || this.#opened === this.#known) return false;
    this.#setKnown(this.#opened);
    return true;
  }

  /** Does nothing if there is no sandbox, or if `isTarget` rejects its labels. */
  async destroy(signal: AbortSignal, isTarget?: IsTarget): Promise<void> {
    const ports = {
      find: (end: AbortSignal) => this.find(this.#settings.name, end),
      control: this.control.bind(this),
      limit_ms: this.#settings.limits.ready_ms,
    };
    const wasThere = await removeSandbox(ports, isTarget, signal);
    if (wasThere) this.#states.report("destroyed", "The sandbox and its files are deleted.");
  }

  /** Makes a request to Daytona's API (`requests.ts`), and reports a wait for its rate limit. */
  control<Value>(request: () => Promise<Value>, signal: AbortSignal): Promise<Value> {
    return this.#requests.control(request, signal, (seconds) =>
      this.#states.report(
        this.#states.state,
        `Daytona's rate limit is reached; it is asked again in ${seconds} seconds.`,
      ),
    );
  }

  waitAfter(failure: DaytonaFailure, attempt: number, until: number, signal: AbortSignal): Promise<void> {
    return this.#requests.waitAfter(failure, attempt, until, signal);
  }

  /** Throws if the project is deleted. With a signal it first deletes the sandbox that was created meanwhile. */
  async #requireWanted(signal?: AbortSignal): Promise<void> {
    if (await this.#settings.isWanted()) return;
    if (signal) await this.destroy(signal, (labels) => !isOfAnother(labels, this.#settings.labels));
    await this.#settings.count?.giveBack();
    throw this.#giveUp("destroyed", "The project is deleted.", "The project of the sandbox is deleted.");
  }

  async #start(sandbox: SdkSandbox, progress: StartProgress, signal: AbortSignal): Promise<void> {
    const { state } = sandbox;
    const { move, message } = planFor(state ?? "unknown");
    if (state === "stopped" && (await this.#sizing.resizeStopped(sandbox, progress, signal))) return;
    await this.#admission.start(state ?? "unknown");
    this.#states.report("starting", message);
    if (move === "repair") progress.wasRepaired = true;
    const recovers = move === "repair" && sandbox.recoverable;
    const order = () => (recovers ? sandbox.recover(secondsLeft(progress)) : sandbox.start(secondsLeft(progress)));
    const refusal = await this.#order(progress, order, signal);
    if (refusal === null) return;
    if (move === "repair") {
      const text = describeBroken(state ?? "unknown", [sandbox.errorReason, refusal].filter(Boolean).join(": "));
      throw this.#giveUp("error", "The sandbox is in an error.", text);
    }
    throw unavailable(`Daytona would not start the sandbox: ${refusal}`);
  }

  async #remove(sandbox: SdkSandbox, progress: StartProgress, signal: AbortSignal): Promise<void> {
    this.#states.report(
      "destroying",
      planFor(sandbox.state === "build_failed" ? "build_failed" : "destroying").message,
    );
    const refusal = await this.#order(progress, () => sandbox.delete(secondsLeft(progress)), signal);
    // If Daytona refuses to cancel a build, wait for it.
    if (refusal === null || isBuilding(sandbox.state ?? "")) return;
    throw unavailable(`Daytona would not delete the former sandbox: ${refusal}`);
  }

  #isOutdated(sandbox: SdkSandbox, state: string, { mayReplaceBuild }: StartProgress): boolean {
    const { recipe } = this.#settings;
    if (!isBuilding(state) || !mayReplaceBuild || isBuiltInstead(recipe, sandbox.labels)) return false;
    return isBuiltFromFormerRecipe(recipe, sandbox);
  }

  /** The reason of a refusal. Null if the order was accepted or collided with a change: the state shows the result. */
  async #order(progress: StartProgress, request: () => Promise<unknown>, signal: AbortSignal): Promise<string | null> {
    progress.orders++;
    try {
      await this.control(request, signal);
      return null;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof SandboxError) throw error;
      const refusal = readRefusal(error);
      if (refusal === null) return null;
      if (!refusal.may_pass) return addAdvice(refusal.reason, this.#settings.target);
      progress.refusal = refusal.reason;
      return null;
    }
  }

  async #finish(sandbox: SdkSandbox, { unresized }: StartProgress, signal: AbortSignal): Promise<SdkSandbox> {
    await this.#sizing.release(sandbox, signal);
    await this.#settings.count?.note(sandbox);
    this.#opened = sandbox.id;
    if (this.#known === null) this.#setKnown(sandbox.id);
    this.#states.report("started", unresized ? describeUnresized(unresized, sandbox) : planFor("started").message);
    return sandbox;
  }

  #setKnown(id: string): void {
    this.#known = id;
    this.#settings.onKnown(id);
  }

  #giveUp(state: string, report: string, message: string): SandboxError {
    this.#states.report(state, report);
    return unavailable(message);
  }
}
