// From a name to a started sandbox: looked up, made where there is none, started where it was stopped, waited for where it
// is between states. Two threads of one project may do this at once; the name decides which sandbox both get.
import type { Daytona, Sandbox as SdkSandbox } from "@daytonaio/sdk";
import { type OnSandboxState, SandboxError } from "../agent/sandbox.ts";
import { backoffDelay } from "../lib/retry.ts";
import { type DaytonaFailure, readFailure } from "./daytona-failure.ts";
import type { DaytonaLimits } from "./daytona-limits.ts";
import { pause, race } from "./waiting.ts";

/** Minutes. Longer than Daytona's 15, which a model that thinks for long would outlast: only requests count as activity. */
const AUTO_STOP_MINUTES = 30;

/**
 * A create or start is left to itself after this long, and the state is looked at instead. The SDK waits for the state too,
 * and can't be told to stop: this bounds how long it goes on for a run that was cancelled.
 */
const ORDER_SECONDS = 10;

const RETRY = { base_ms: 250, cap_ms: 2_000 };
const LOOK = { base_ms: 150, cap_ms: 1_500 };

/** An order may meet a change that is under way; more than this many refusals are no coincidence. */
const MAX_ORDERS = 4;

const STARTABLE = new Set(["stopped", "archived", "paused"]);
const BROKEN = new Set(["error", "build_failed"]);
const SLOW = new Set(["archived", "archiving", "restoring"]);

export interface LifecycleSettings {
  client: Daytona;
  name: string;
  snapshot: string | null;
  labels: Record<string, string>;
  host: string;
  limits: DaytonaLimits;
  onState: OnSandboxState;
}

export class DaytonaLifecycle {
  readonly #settings: LifecycleSettings;
  #told = "";
  #hadSandbox = false;
  /** The sandbox that was last opened. */
  #known: string | null = null;
  #isNew = false;

  constructor(settings: LifecycleSettings) {
    this.#settings = settings;
  }

  get name(): string {
    return this.#settings.name;
  }

  /** A started sandbox, however long that takes within the limits; rejects with `SandboxError("unavailable")`. */
  async open(signal: AbortSignal): Promise<SdkSandbox> {
    const { limits } = this.#settings;
    const begun = Date.now();
    let limit = limits.ready_ms;
    let orders = 0;
    let repairs = 0;
    let refusal = "";
    let sandbox = await this.find(this.#settings.name, signal);
    for (let looks = 1; ; looks++) {
      const state = sandbox === null ? "absent" : (sandbox.state ?? "unknown");
      if (sandbox && state === "started") return this.#welcome(sandbox);
      if (SLOW.has(state)) limit = Math.max(limit, limits.restore_ms);
      const left = begun + limit - Date.now();
      if (left <= 0 || orders >= MAX_ORDERS) throw this.#giveUp(state, refusal, Date.now() - begun);
      if (BROKEN.has(state) && repairs++ > 0) throw this.#describeBroken(state, sandbox?.errorReason);
      if (sandbox === null || STARTABLE.has(state) || BROKEN.has(state)) {
        orders++;
        refusal = (sandbox ? await this.#start(sandbox, left, signal) : await this.#create(left, signal)) ?? refusal;
      } else {
        this.#tell(state, `The sandbox is ${state.replaceAll("_", " ")}.`);
      }
      sandbox = await this.find(this.#settings.name, signal);
      if (sandbox?.state !== "started") await pause(Math.min(backoffDelay(looks, LOOK), left), signal);
    }
  }

  /** By name or id; null where there is none. */
  async find(name: string, signal: AbortSignal): Promise<SdkSandbox | null> {
    try {
      const sandbox = await this.control(() => this.#settings.client.get(name), signal);
      return sandbox.state === "destroyed" ? null : sandbox;
    } catch (error) {
      signal.throwIfAborted();
      if (readFailure(error).status === 404) return null;
      throw error;
    }
  }

  /** Whether the sandbox is another one than before, which is told once. Also where another thread has made it. */
  takeNews(): boolean {
    const isNew = this.#isNew && this.#known !== null;
    if (isNew) this.#isNew = false;
    return isNew;
  }

  async destroy(signal: AbortSignal): Promise<void> {
    const sandbox = await this.find(this.#settings.name, signal);
    if (!sandbox) return;
    try {
      await this.control(() => sandbox.delete(ORDER_SECONDS), signal);
    } catch (error) {
      signal.throwIfAborted();
      const { status } = readFailure(error);
      if (status !== 404) throw error;
    }
    this.#hadSandbox = false;
    this.#known = null;
    this.#tell("destroyed", "The sandbox and its files are deleted.");
  }

  /**
   * A request to Daytona's API: failures of the way are retried for a while, what nobody can retry becomes `unavailable`,
   * every other refusal is thrown as `DaytonaFailure` for the caller to judge.
   */
  async control<Value>(request: () => Promise<Value>, signal: AbortSignal): Promise<Value> {
    const until = Date.now() + this.#settings.limits.retry_ms;
    for (let attempt = 1; ; attempt++) {
      try {
        signal.throwIfAborted();
        return await race(request(), signal);
      } catch (error) {
        signal.throwIfAborted();
        await this.waitAfter(readFailure(error), attempt, until, signal);
      }
    }
  }

  /** Resolves when the request is worth another try; throws what it comes to otherwise. */
  async waitAfter(failure: DaytonaFailure, attempt: number, until: number, signal: AbortSignal): Promise<void> {
    const { limits, host } = this.#settings;
    if (failure.status === 401)
      throw unavailable("Daytona refused the API key. Check DAYTONA_API_KEY and DAYTONA_API_URL.");
    if (failure.status === 429) {
      const seconds = Math.ceil(failure.retry_after_ms / 1000);
      if (failure.retry_after_ms > limits.rate_limit_ms || Date.now() > until + limits.rate_limit_ms) {
        throw unavailable(`Daytona's rate limit is reached. Try again in ${seconds} seconds.`);
      }
      await pause(failure.retry_after_ms, signal);
      return;
    }
    if (failure.is_about_state || !(failure.is_of_the_way || failure.status === 500)) throw failure;
    const delay = backoffDelay(attempt, RETRY);
    // One that was not answered at all has used up the time, and is asked once more all the same.
    if (attempt > 1 && Date.now() + delay > until) {
      const how = failure.status === null ? failure.reason.replace(/\.$/, "") : `status ${failure.status}`;
      throw unavailable(`Daytona at ${host} can't be reached or fails (${how}). Try again later.`);
    }
    await pause(delay, signal);
  }

  async #create(left: number, signal: AbortSignal): Promise<string | null> {
    const { client, name, snapshot, labels } = this.#settings;
    this.#tell(
      "creating",
      this.#hadSandbox
        ? "The sandbox is gone. A new one is being made; the files of the former one are lost."
        : "A sandbox is being made.",
    );
    const parameters = {
      name,
      labels: { ...labels },
      autoStopInterval: AUTO_STOP_MINUTES,
      ...(snapshot ? { snapshot } : {}),
    };
    // A second request is harmless: the name is taken then, and the sandbox is found.
    this.#isNew = true;
    const request = () => client.create(parameters, { timeout: orderSeconds(left) });
    return this.#order(request, "make the sandbox", signal);
  }

  async #start(sandbox: SdkSandbox, left: number, signal: AbortSignal): Promise<string | null> {
    const { state } = sandbox;
    if (state !== "error" && state !== "build_failed") {
      this.#tell(
        "starting",
        state === "archived" ? "The sandbox is being restored from its archive." : "The sandbox is being started.",
      );
      return this.#order(() => sandbox.start(orderSeconds(left)), "start the sandbox", signal);
    }
    this.#tell("starting", "The sandbox is in an error; it is being recovered.");
    const recover = () =>
      sandbox.recoverable ? sandbox.recover(orderSeconds(left)) : sandbox.start(orderSeconds(left));
    return this.#order(recover, "recover the sandbox", signal);
  }

  /** Null when the order was taken, or why not: what comes of either is seen in the sandbox's state. */
  async #order(request: () => Promise<unknown>, what: string, signal: AbortSignal): Promise<string | null> {
    try {
      await this.control(request, signal);
      return null;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof SandboxError) throw error;
      const failure = readFailure(error);
      const { status } = failure;
      if (failure.is_about_state || status === 404 || status === 408 || status === 409) return null;
      const reason = failure.reason === "" ? `status ${status}` : failure.reason;
      // Quotas are answered 400 or 403 with a sentence; a start in the wrong moment is a 400 too.
      if (status === 400 && /valid state|state change/i.test(reason)) return reason;
      throw unavailable(`Daytona would not ${what}: ${reason}`);
    }
  }

  #welcome(sandbox: SdkSandbox): SdkSandbox {
    this.#hadSandbox = true;
    if (this.#known !== null && this.#known !== sandbox.id) this.#isNew = true;
    this.#known = sandbox.id;
    this.#tell("started", "The sandbox is ready.");
    return sandbox;
  }

  #tell(state: string, message: string): void {
    const line = `${state} ${message}`;
    if (line === this.#told) return;
    this.#told = line;
    this.#settings.onState(state, message);
  }

  #giveUp(state: string, refusal: string, ms: number): SandboxError {
    const because = refusal === "" ? "" : ` Daytona says: ${refusal}.`;
    const where = state === "absent" ? "Daytona does not show it" : `its state is "${state}"`;
    this.#tell("error", "The sandbox did not start.");
    return unavailable(
      `The sandbox did not start within ${Math.round(ms / 1000)} seconds; ${where}.${because} Try again in a few minutes.`,
    );
  }

  #describeBroken(state: string, reason: string | undefined): SandboxError {
    this.#tell("error", "The sandbox is in an error.");
    const because = reason ? `: ${reason.slice(0, 300)}` : "";
    return unavailable(
      `The sandbox is in the state "${state}" and could not be recovered${because}. Delete it to get a new one.`,
    );
  }
}

function orderSeconds(left: number): number {
  return Math.max(1, Math.min(ORDER_SECONDS, Math.ceil(left / 1000)));
}

function unavailable(message: string): SandboxError {
  return new SandboxError("unavailable", message);
}
