// Creates the sandbox: asks the quotas, orders it, keeps its id, and says why it was refused.
import { SandboxError } from "../../../agent/sandbox.ts";
import { readFailure } from "../client/failure.ts";
import { unavailable } from "../client/requests.ts";
import type { SdkClient } from "../client/sdk.ts";
import { ATTACHED, type DaytonaSecrets } from "../secrets/secrets.ts";
import type { Admission } from "./admission.ts";
import type { SandboxLookup } from "./lookup.ts";
import { describeCreation, isBuilt, type Recipe } from "./recipe.ts";
import { addAdvice, describeHidden, readRefusal } from "./refusals.ts";
import { again, UNSIZED } from "./sizing.ts";
import { activateSnapshot, readInactiveSnapshot } from "./snapshots.ts";
import { ORDER_SECONDS, type StartProgress, secondsLeft } from "./start-progress.ts";
import type { StateReporter } from "./state-reporter.ts";
import { planFor } from "./states.ts";

/** Shorter than `ORDER_SECONDS`, so that readers soon see the progress of an image's build. */
const BUILD_ORDER_SECONDS = 3;

/** The label of a sandbox that was built since Daytona can't resize: the snapshot that it stands for, or nothing. */
const INSTEAD = "built_instead_of";

export interface CreationPorts {
  client: SdkClient;
  secrets: DaytonaSecrets | undefined;
  name: string;
  target: string | null;
  labels: Record<string, string>;
  lookup: SandboxLookup;
  admission: Admission;
  states: StateReporter;
  hidden_ms: number;
  control<Value>(request: () => Promise<Value>, signal: AbortSignal): Promise<Value>;
  /** Throws if the project is deleted. With a signal it first deletes the sandbox that was created meanwhile. */
  requireWanted(signal?: AbortSignal): Promise<void>;
  giveBack(): Promise<void>;
}

export class Creation {
  readonly #ports: CreationPorts;

  constructor(ports: CreationPorts) {
    this.#ports = ports;
  }

  /** Returns when the order was accepted, or if it collided with another one: the sandbox's state shows the result. */
  async order(recipe: Recipe, isLost: boolean, progress: StartProgress, signal: AbortSignal): Promise<void> {
    const { states, admission, requireWanted } = this.#ports;
    if (Date.now() < progress.hiddenUntil) {
      states.report("creating", "The sandbox is being made. Daytona does not show it yet.");
      return;
    }
    const asked = progress.instead ?? recipe;
    await admission.create(asked, progress);
    const lost = "The sandbox is gone. A new one is being made; the files of the former one are lost.";
    states.report("creating", isLost ? lost : planFor("none").message);
    await requireWanted();
    progress.orders++;
    try {
      await this.#send(asked, recipe, progress, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof SandboxError) throw error;
      return await this.#explain(error, progress, signal);
    }
    progress.isFresh = true;
    await requireWanted(signal);
  }

  async #send(asked: Recipe, recipe: Recipe, progress: StartProgress, signal: AbortSignal): Promise<void> {
    const { client, secrets, name, labels, lookup, control } = this.#ports;
    const { cpu, memory, disk } = asked;
    const attachment = await secrets?.forCreation(signal);
    const labelled: Record<string, string> = { ...labels };
    if (asked !== recipe) labelled[INSTEAD] = recipe.snapshot ?? "";
    else if (!isBuilt(asked) && (cpu ?? memory ?? disk) !== undefined) labelled[UNSIZED] = "yes";
    if (attachment?.label) labelled[ATTACHED] = attachment.label;
    const parameters = { name, labels: labelled, ...(await describeCreation(asked, attachment?.names)) };
    const timeout = Math.min(secondsLeft(progress), isBuilt(asked) ? BUILD_ORDER_SECONDS : ORDER_SECONDS);
    try {
      // A repeated request is harmless: the name is then taken, and the sandbox is found.
      const { id } = await control(async () => (await client()).create(parameters, { timeout }), signal);
      progress.madeId = id;
      await lookup.keep(id);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof SandboxError) throw error;
      const { is_state_error, status } = readFailure(error);
      // Daytona accepted the order and has not finished it.
      if (!is_state_error && status !== 408) throw error;
    }
  }

  async #explain(error: unknown, progress: StartProgress, signal: AbortSignal): Promise<void> {
    const { client, name, target, states, control, hidden_ms, giveBack } = this.#ports;
    const { status, reason } = readFailure(error);
    if (status === 409) {
      if (progress.hiddenUntil > 0) throw unavailable(describeHidden(name));
      progress.hiddenUntil = Date.now() + hidden_ms;
      return;
    }
    if (readRefusal(error)?.may_pass) {
      progress.refusal = reason;
      return;
    }
    if (progress.instead !== null) {
      Object.assign(progress, again);
      return;
    }
    const refusal = addAdvice(reason || `status ${status}`, target);
    const snapshot = readInactiveSnapshot(refusal);
    if (snapshot === null || progress.wasActivated) {
      await giveBack();
      throw unavailable(`Daytona would not make the sandbox: ${refusal}`);
    }
    progress.wasActivated = true;
    states.report("creating", `The snapshot ${snapshot} was not used for long; it is being activated.`);
    await activateSnapshot(snapshot, { client, control, until: progress.until }, signal);
  }
}

/** Whether a sandbox was built in place of the snapshot that the project names. */
export function isBuiltInstead(recipe: Recipe, labels: Record<string, string> | undefined): boolean {
  return !isBuilt(recipe) && labels?.[INSTEAD] === (recipe.snapshot ?? "");
}
