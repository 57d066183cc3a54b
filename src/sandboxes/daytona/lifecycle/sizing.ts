// Brings a sandbox to the size and the settings that its project asks for.
//
// Where Daytona can't resize, a sandbox that nobody has used is replaced by a build of the same content in the wanted
// size. Two threads may open one sandbox at once, so a new one of another size than its snapshot's has a label until its
// maker has decided: meanwhile nobody else uses it. Any other sandbox keeps its files, and its size.
import type { SdkClient, SdkSandbox } from "../client/sdk.ts";
import { adjust, type Orders, resize } from "./adjust.ts";
import type { Admission } from "./admission.ts";
import { findInstead } from "./instead.ts";
import { findChanges, type Recipe, type Resources } from "./recipe.ts";
import { type StartProgress, secondsLeft } from "./start-progress.ts";
import type { StateReporter } from "./state-reporter.ts";
import { planFor } from "./states.ts";

/** What a new sandbox makes of an opening's progress. */
export const again = { instead: null, unresized: null, orders: 0, wasAdjusted: false, wasResized: false };

/** The label of a sandbox whose size its maker has not decided on. */
export const UNSIZED = "unsized";

export interface SizingPorts {
  client: SdkClient;
  recipe: Recipe;
  admission: Admission;
  states: StateReporter;
  /** How long another opening waits for the maker, which may have died. */
  hold_ms: number;
  control<Value>(request: () => Promise<Value>, signal: AbortSignal): Promise<Value>;
  order(progress: StartProgress, request: () => Promise<unknown>, signal: AbortSignal): Promise<string | null>;
  remove(sandbox: SdkSandbox, progress: StartProgress, signal: AbortSignal): Promise<void>;
}

export class Sizing {
  readonly #ports: SizingPorts;

  constructor(ports: SizingPorts) {
    this.#ports = ports;
  }

  /**
   * Applies what a running sandbox can take. The rest needs a stop, and only if nobody uses the sandbox yet. False if the
   * state has to be read again.
   */
  async adjust(sandbox: SdkSandbox, progress: StartProgress, signal: AbortSignal): Promise<boolean> {
    const { recipe, states, admission, order } = this.#ports;
    if (this.#isHeld(sandbox, progress)) {
      states.report("creating", planFor("creating").message);
      return false;
    }
    const changes = findChanges(recipe, sandbox);
    if (progress.wasAdjusted || Object.keys(changes).length === 0) return true;
    if (changes.rebuild && progress.isFresh && !progress.wasResized) {
      states.report("stopping", "The sandbox is stopped to be given what the project asks for.");
      await order(progress, () => sandbox.stop(secondsLeft(progress)), signal);
      return false;
    }
    progress.wasAdjusted = true;
    if (changes.growth && !progress.unresized) await admission.grow("started", changes.growth);
    const isResized = await adjust(sandbox, changes, this.#orders(progress, signal), signal);
    if (!changes.growth) return true;
    if (!isResized) await this.#replace(sandbox, changes.growth, progress, signal);
    return false;
  }

  /** True if the state of the stopped sandbox has to be read again before it is started. */
  async resizeStopped(sandbox: SdkSandbox, progress: StartProgress, signal: AbortSignal): Promise<boolean> {
    const { recipe, states, admission } = this.#ports;
    const { rebuild } = findChanges(recipe, sandbox);
    if (!rebuild || progress.wasResized) return false;
    progress.wasResized = true;
    await admission.grow("stopped", rebuild);
    states.report("resizing", planFor("resizing").message);
    if (await resize(sandbox, rebuild, this.#orders(progress, signal), signal)) return true;
    return this.#replace(sandbox, rebuild, progress, signal);
  }

  /** Lets others use the sandbox. */
  async release(sandbox: SdkSandbox, signal: AbortSignal): Promise<void> {
    const { [UNSIZED]: mark, ...labels } = sandbox.labels ?? {};
    if (mark === undefined) return;
    // If it fails, others wait for a while, and then do it.
    await this.#ports.control(() => sandbox.setLabels(labels), signal).catch(() => signal.throwIfAborted());
  }

  #isHeld({ id, labels }: SdkSandbox, progress: StartProgress): boolean {
    if (labels?.[UNSIZED] === undefined || id === progress.madeId) return false;
    progress.heldUntil ||= Date.now() + this.#ports.hold_ms;
    return Date.now() < progress.heldUntil;
  }

  /** Returns whether the sandbox was replaced. */
  async #replace(
    sandbox: SdkSandbox,
    wanted: Resources,
    progress: StartProgress,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { recipe, client, admission, remove } = this.#ports;
    progress.unresized = wanted;
    const isOwn = sandbox.id === progress.madeId && sandbox.labels?.[UNSIZED] !== undefined;
    if (!isOwn || progress.wasInsteadTried) return false;
    const control = <Value>(request: () => Promise<Value>) => this.#ports.control(request, signal);
    const instead = await findInstead(recipe, sandbox, { client, control });
    if (instead === null || !(await admission.build(instead, progress))) return false;
    await remove(sandbox, progress, signal);
    Object.assign(progress, { ...again, instead, wasInsteadTried: true });
    return true;
  }

  #orders(progress: StartProgress, signal: AbortSignal): Orders {
    return { control: (request) => this.#ports.control(request, signal), seconds: secondsLeft(progress) };
  }
}
