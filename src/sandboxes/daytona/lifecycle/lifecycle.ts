// From a name to a started sandbox: looked up, made where there is none, started where it was stopped, waited for where it
// is between states (`daytona-states`), given what its project asks for. Two threads of one project may do this at once; the
// name decides which sandbox both get.
import type { Daytona, Sandbox as SdkSandbox } from "@daytonaio/sdk";
import { type OnSandboxState, SandboxError } from "../../../agent/sandbox.ts";
import { backoffDelay } from "../../../lib/retry.ts";
import { type DaytonaFailure, readFailure } from "../client/failure.ts";
import type { DaytonaLimits } from "../client/limits.ts";
import { DaytonaRequests, unavailable } from "../client/requests.ts";
import { pause } from "../client/waiting.ts";
import { adjust, resize } from "./adjust.ts";
import { type BuildLogSettings, DaytonaBuildLog } from "./build-log.ts";
import { beginCourse, type Course, ORDER_SECONDS, orderSeconds } from "./course.ts";
import { describeCreation, findChanges, isBuilt, isOfFormerRecipe, type Recipe } from "./recipe.ts";
import { addAdvice, describeBroken, describeFailedBuild, describeLate } from "./refusals.ts";
import { removeSandbox } from "./removal.ts";
import { activateSnapshot, readInactiveSnapshot } from "./snapshots.ts";
import { StateTeller } from "./state-teller.ts";
import { isBuilding, planFor } from "./states.ts";

/** The same where an image is built, so that who waits soon sees how far it is. */
const BUILD_ORDER_SECONDS = 3;

const LOOK = { base_ms: 150, cap_ms: 1_500 };

/** An order may meet a change that is under way; more than this many refusals are no coincidence. */
const MAX_ORDERS = 4;

/** Of a failed build's log, for the model and for people. */
const BUILD_LINES = 20;

export interface LifecycleSettings extends BuildLogSettings {
  client: Daytona;
  name: string;
  recipe: Recipe;
  labels: Record<string, string>;
  host: string;
  limits: DaytonaLimits;
  onState: OnSandboxState;
  /** The sandbox that was known before this instance; and whichever is from then on. */
  known: string | null;
  onKnown: (id: string) => void;
  /** Whether the project is still there: a sandbox that is made for a deleted one would never be deleted. */
  isWanted: () => Promise<boolean>;
}

export class DaytonaLifecycle {
  readonly #settings: LifecycleSettings;
  readonly #requests: DaytonaRequests;
  readonly #teller: StateTeller;
  /** The sandbox that was last opened, and the one whose files the model knows. */
  #opened: string | null = null;
  #known: string | null;

  constructor(settings: LifecycleSettings) {
    this.#settings = settings;
    this.#requests = new DaytonaRequests(settings.host, settings.limits);
    this.#teller = new StateTeller(settings.onState);
    this.#known = settings.known;
  }

  get name(): string {
    return this.#settings.name;
  }

  /** A started sandbox, however long that takes within the limits; rejects with `SandboxError("unavailable")`. */
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
    const course = beginCourse();
    let sandbox = await this.find(this.#settings.name, signal);
    for (let looks = 1; ; looks++) {
      const state = sandbox === null ? "none" : (sandbox.state ?? "unknown");
      course.until = Math.max(course.until, begun + this.#settings.limits[planFor(state).limit]);
      const opened = await this.#move(sandbox, state, { course, log, begun }, signal);
      course.mayReplaceBuild = false;
      if (opened !== null) return opened;
      sandbox = await this.find(this.#settings.name, signal);
      const left = Math.max(1, course.until - Date.now());
      if (sandbox?.state !== "started") await pause(Math.min(backoffDelay(looks, LOOK), left), signal);
    }
  }

  /** The sandbox where it is ready; null where it has to be looked at again. */
  async #move(
    sandbox: SdkSandbox | null,
    state: string,
    { course, log, begun }: { course: Course; log: DaytonaBuildLog; begun: number },
    signal: AbortSignal,
  ): Promise<SdkSandbox | null> {
    const { move, message } = planFor(state);
    const isLeftOver = sandbox !== null && move !== "wait" && this.#isOfAnother(sandbox.labels);
    if (sandbox && move === "use" && !isLeftOver) return this.#adjust(sandbox, course, signal);
    if (Date.now() >= course.until || course.orders >= MAX_ORDERS) {
      throw this.#giveUp("error", "The sandbox did not start.", describeLate(state, course.refusal, begun));
    }
    if (sandbox === null) await this.#create(course, signal);
    else if (isLeftOver || (move === "remake" && !course.isFresh) || this.#isOutdated(sandbox, state, course)) {
      await this.#remove(sandbox, course, signal);
    } else if (move === "remake") {
      const text = describeFailedBuild(sandbox.errorReason, await log.readEnd(sandbox, BUILD_LINES));
      throw this.#giveUp(state, text, text);
    } else if (move === "repair" && course.wasRepaired) {
      throw this.#giveUp("error", "The sandbox is in an error.", describeBroken(state, sandbox.errorReason));
    } else if (isBuilding(state)) {
      // Whoever made it: a build that fails from here on is not repeated on this way.
      course.isFresh = true;
      this.#watchBuild(sandbox, state, log);
    } else if (move === "wait") this.#teller.tell(state, message);
    else await this.#start(sandbox, course, signal);
    return null;
  }

  #watchBuild(sandbox: SdkSandbox, state: string, log: DaytonaBuildLog): void {
    log.follow(sandbox);
    const news = log.takeNews();
    // Between two pieces of news the last one stands.
    if (news !== null || this.#teller.state !== state) this.#teller.tell(state, news ?? planFor(state).message);
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
    if (this.#opened === null || this.#opened === this.#known) return false;
    this.#know(this.#opened);
    return true;
  }

  /** Nothing where there is none, or where `isMeant` says that it is another one. */
  async destroy(signal: AbortSignal, isMeant: (labels: Record<string, string>) => boolean = () => true): Promise<void> {
    const ports = {
      find: (end: AbortSignal) => this.find(this.#settings.name, end),
      control: this.control.bind(this),
      limit_ms: this.#settings.limits.ready_ms,
    };
    const wasThere = await removeSandbox(ports, isMeant, signal);
    if (wasThere) this.#teller.tell("destroyed", "The sandbox and its files are deleted.");
  }

  /** A request to Daytona's API (`daytona-requests`). Who waits for a rate limit is told. */
  control<Value>(request: () => Promise<Value>, signal: AbortSignal): Promise<Value> {
    return this.#requests.control(request, signal, (seconds) =>
      this.#teller.tell(
        this.#teller.state,
        `Daytona's rate limit is reached; it is asked again in ${seconds} seconds.`,
      ),
    );
  }

  waitAfter(failure: DaytonaFailure, attempt: number, until: number, signal: AbortSignal): Promise<void> {
    return this.#requests.waitAfter(failure, attempt, until, signal);
  }

  async #create(course: Course, signal: AbortSignal): Promise<void> {
    const { client, name, recipe, labels } = this.#settings;
    const isLost = this.#opened !== null || this.#known !== null;
    this.#teller.tell(
      "creating",
      isLost
        ? "The sandbox is gone. A new one is being made; the files of the former one are lost."
        : planFor("none").message,
    );
    const timeout = Math.min(orderSeconds(course), isBuilt(recipe) ? BUILD_ORDER_SECONDS : ORDER_SECONDS);
    const parameters = { name, labels: { ...labels }, ...describeCreation(recipe) };
    // A second request is harmless: the name is taken then, and the sandbox is found.
    await this.#requireWanted();
    const refusal = await this.#order(course, () => client.create(parameters, { timeout }), signal);
    if (refusal === null) {
      course.isFresh = true;
      return this.#requireWanted(signal);
    }
    const snapshot = readInactiveSnapshot(refusal);
    if (snapshot === null || course.wasActivated) throw unavailable(`Daytona would not make the sandbox: ${refusal}`);
    course.wasActivated = true;
    this.#teller.tell("creating", `The snapshot ${snapshot} was not used for long; it is being activated.`);
    await activateSnapshot(snapshot, { client, control: this.control.bind(this), until: course.until }, signal);
  }

  /** With a signal: what was made for a project that is gone by now is deleted. */
  async #requireWanted(signal?: AbortSignal): Promise<void> {
    if (await this.#settings.isWanted()) return;
    if (signal) await this.destroy(signal, (labels) => !this.#isOfAnother(labels));
    throw this.#giveUp("destroyed", "The project is deleted.", "The project of the sandbox is deleted.");
  }

  async #start(sandbox: SdkSandbox, course: Course, signal: AbortSignal): Promise<void> {
    const { state } = sandbox;
    const { move, message } = planFor(state ?? "unknown");
    const { rebuild } = findChanges(this.#settings.recipe, sandbox);
    if (state === "stopped" && rebuild && !course.wasResized) {
      course.wasResized = true;
      this.#teller.tell("resizing", planFor("resizing").message);
      const seconds = orderSeconds(course);
      return resize(sandbox, rebuild, { control: (request) => this.control(request, signal), seconds }, signal);
    }
    this.#teller.tell("starting", message);
    if (move === "repair") course.wasRepaired = true;
    const recovers = move === "repair" && sandbox.recoverable;
    const order = () => (recovers ? sandbox.recover(orderSeconds(course)) : sandbox.start(orderSeconds(course)));
    const refusal = await this.#order(course, order, signal);
    if (refusal === null) return;
    if (move === "repair") {
      const text = describeBroken(state ?? "unknown", [sandbox.errorReason, refusal].filter(Boolean).join(": "));
      throw this.#giveUp("error", "The sandbox is in an error.", text);
    }
    throw unavailable(`Daytona would not start the sandbox: ${refusal}`);
  }

  /** A started sandbox gets what can be given to a running one; the rest only while nobody can be using it. */
  async #adjust(sandbox: SdkSandbox, course: Course, signal: AbortSignal): Promise<SdkSandbox | null> {
    const changes = findChanges(this.#settings.recipe, sandbox);
    if (course.wasAdjusted || Object.keys(changes).length === 0) return this.#welcome(sandbox);
    const seconds = orderSeconds(course);
    if (changes.rebuild && course.isFresh && !course.wasResized) {
      this.#teller.tell("stopping", "The sandbox is stopped to be given what the project asks for.");
      await this.#order(course, () => sandbox.stop(seconds), signal);
      return null;
    }
    course.wasAdjusted = true;
    await adjust(sandbox, changes, { control: (request) => this.control(request, signal), seconds }, signal);
    return changes.growth ? null : this.#welcome(sandbox);
  }

  async #remove(sandbox: SdkSandbox, course: Course, signal: AbortSignal): Promise<void> {
    this.#teller.tell("destroying", planFor(sandbox.state === "build_failed" ? "build_failed" : "destroying").message);
    const refusal = await this.#order(course, () => sandbox.delete(orderSeconds(course)), signal);
    // A build that Daytona won't end is waited for.
    if (refusal === null || isBuilding(sandbox.state ?? "")) return;
    throw unavailable(`Daytona would not delete the former sandbox: ${refusal}`);
  }

  /** A project of the same id was deleted, and its sandbox could not be. */
  #isOfAnother(labels: Record<string, string> | undefined): boolean {
    const [theirs, ours] = [labels?.project_created_at, this.#settings.labels.project_created_at];
    return theirs !== undefined && ours !== undefined && theirs !== ours;
  }

  #isOutdated(sandbox: SdkSandbox, state: string, { mayReplaceBuild }: Course): boolean {
    return isBuilding(state) && mayReplaceBuild && isOfFormerRecipe(this.#settings.recipe, sandbox);
  }

  /** Null when the order was taken, or came in a wrong moment: what comes of it is seen in the sandbox's state. Else why not. */
  async #order(course: Course, request: () => Promise<unknown>, signal: AbortSignal): Promise<string | null> {
    course.orders++;
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
      if (status !== 400 || !/valid state|state change/i.test(reason)) return addAdvice(reason);
      course.refusal = reason;
      return null;
    }
  }

  #welcome(sandbox: SdkSandbox): SdkSandbox {
    this.#opened = sandbox.id;
    if (this.#known === null) this.#know(sandbox.id);
    this.#teller.tell("started", planFor("started").message);
    return sandbox;
  }

  #know(id: string): void {
    this.#known = id;
    this.#settings.onKnown(id);
  }

  #giveUp(state: string, told: string, message: string): SandboxError {
    this.#teller.tell(state, told);
    return unavailable(message);
  }
}
