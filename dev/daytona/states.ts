/**
 * The states of a sandbox: which may follow which, with Daytona's messages for the rest, and the changes: each begins
 * with a transitional state, is carried out, and ends in a resting state. A change that began always finishes, whether
 * its client waits or not. One that fails leaves an error and its reason.
 */

import { setTimeout as pause } from "node:timers/promises";
import { HttpError } from "./http.ts";
import type { Lives } from "./lives.ts";
import type { Rules } from "./rules.ts";
import type { Sandbox, Sandboxes, SandboxRecord, SandboxState } from "./sandboxes.ts";

/** States that last until someone asks for another. All others pass by themselves. */
const restingStates: readonly SandboxState[] = ["started", "stopped", "archived", "error", "build_failed"];

const buildingStates: readonly SandboxState[] = ["pending_build", "building_snapshot"];

function isChanging(state: SandboxState): boolean {
  return !restingStates.includes(state);
}

/** Only a recovery or a deletion leads out. */
function isBroken(state: SandboxState): boolean {
  return state === "error" || state === "build_failed";
}

/** What a client may ask a sandbox to do. */
export type Change = "start" | "stop" | "pause" | "archive" | "recover" | "resize" | "snapshot" | "delete";

interface Rule {
  from: readonly SandboxState[];
  refusal: string;
}

const rules: Record<Exclude<Change, "delete">, Rule> = {
  start: { from: ["stopped", "archived"], refusal: "Sandbox is not in valid state" },
  stop: { from: ["started"], refusal: "Sandbox is not in a stoppable state" },
  pause: { from: ["started"], refusal: "Sandbox is not started" },
  archive: { from: ["stopped"], refusal: "Sandbox is not stopped" },
  recover: { from: ["error"], refusal: "Sandbox must be in error state to recover" },
  resize: { from: ["started", "stopped"], refusal: "Sandbox must be in started or stopped state to resize" },
  snapshot: { from: ["started", "stopped"], refusal: "Sandbox must be in started or stopped state to snapshot" },
};

export function refuseChange(record: SandboxRecord, change: Change): void {
  const mayEnd = change === "delete" && buildingStates.includes(record.state);
  if (isChanging(record.state) && !mayEnd) throw new HttpError(409, "Sandbox state change in progress");
  if (change === "delete") return;
  if (isBroken(record.state) && ["start", "stop", "archive"].includes(change)) {
    throw new HttpError(400, "Sandbox is in an errored state");
  }
  const { from, refusal } = rules[change];
  if (!from.includes(record.state)) throw new HttpError(400, refusal);
  if (change === "archive" && record.autoDeleteInterval === 0) {
    throw new HttpError(400, "Ephemeral sandboxes cannot be archived");
  }
  if (change === "recover" && !record.recoverable) throw new HttpError(400, "Sandbox is not recoverable");
}

export interface Resources {
  cpu: number;
  memory: number;
  disk: number;
}

/** A sandbox's resources after a resize: a running one only grows, and a disk never shrinks. */
export function resizeRecord(record: SandboxRecord, wanted: Partial<Resources>): Resources {
  const { cpu, memory, disk } = record;
  const resized = { cpu: wanted.cpu ?? cpu, memory: wanted.memory ?? memory, disk: wanted.disk ?? disk };
  if (record.state !== "stopped") {
    if (wanted.disk !== undefined) throw new HttpError(400, "Disk resize can only be performed on a stopped sandbox");
    if (resized.cpu < cpu) {
      throw new HttpError(400, "Sandbox must be in stopped state to decrease the number of CPU cores");
    }
    if (resized.memory < memory) throw new HttpError(400, "Sandbox must be in stopped state to decrease memory");
  }
  if (resized.disk < disk) throw new HttpError(400, "Sandbox disk size cannot be decreased");
  if (resized.cpu === cpu && resized.memory === memory && resized.disk === disk) {
    throw new HttpError(400, "No resource changes specified - sandbox is already at the desired configuration");
  }
  return resized;
}

const minuteMs = 60_000;

/** The change that the sandbox's intervals make due now. */
export function findDueChange(record: SandboxRecord, now: number): Change | undefined {
  const { state, autoStopInterval, autoArchiveInterval, autoDeleteInterval } = record;
  if (isChanging(state)) return undefined;
  if (record.autoDestroyAt !== undefined && Date.parse(record.autoDestroyAt) <= now) return "delete";
  if (state === "started") {
    const idleFor = now - Date.parse(record.lastActivityAt);
    return autoStopInterval > 0 && idleFor >= autoStopInterval * minuteMs ? "stop" : undefined;
  }
  if (state !== "stopped" && state !== "archived") return undefined;
  const stoppedFor = now - Date.parse(record.stoppedAt ?? record.updatedAt);
  if (autoDeleteInterval >= 0 && stoppedFor >= autoDeleteInterval * minuteMs) return "delete";
  const archives = state === "stopped" && autoArchiveInterval > 0 && autoDeleteInterval !== 0;
  return archives && stoppedFor >= autoArchiveInterval * minuteMs ? "archive" : undefined;
}

export interface Quotas {
  /** The largest that one sandbox may have. */
  perSandbox: Resources;
  /** The total of the organization; no limit where absent. */
  total?: Partial<Resources>;
}

// apps/api/src/sandbox/services/sandbox.service.ts, validateOrganizationQuotas: all of them are 400.
const contact =
  "Need higher resource limits per-sandbox? Contact us at support@daytona.io and let us know about your use case.";
const upgrade =
  "To increase concurrency limits, upgrade your organization's Tier by visiting http://localhost:3000/limits.";

/** The quotas of a new organization at Daytona. */
export const defaultQuotas: Quotas = { perSandbox: { cpu: 4, memory: 8, disk: 10 } };

export function refuseOversize({ cpu, memory, disk }: Resources, { perSandbox }: Quotas): void {
  const refuse = (what: string, maximum: string): never => {
    throw new HttpError(400, `${what} exceeds maximum allowed per sandbox (${maximum}).\n${contact}`);
  };
  if (cpu > perSandbox.cpu) refuse(`CPU request ${cpu}`, String(perSandbox.cpu));
  if (memory > perSandbox.memory) refuse(`Memory request ${memory}GB`, `${perSandbox.memory}GB`);
  if (disk > perSandbox.disk) refuse(`Disk request ${disk}GB`, `${perSandbox.disk}GB`);
}

/** Processors and memory count while a sandbox runs, its disk until it is archived. */
export function refuseOverQuota(wanted: Resources, others: readonly SandboxRecord[], { total = {} }: Quotas): void {
  const running = others.filter(({ state }) => !["stopped", "archived", "error", "build_failed"].includes(state));
  const stored = others.filter(({ state }) => state !== "archived");
  const cpu = running.reduce((sum, record) => sum + record.cpu, wanted.cpu);
  const memory = running.reduce((sum, record) => sum + record.memory, wanted.memory);
  const disk = stored.reduce((sum, record) => sum + record.disk, wanted.disk);
  const refuse = (what: string, maximum: string): never => {
    throw new HttpError(400, `Total ${what} limit exceeded. Maximum allowed: ${maximum}.\n${upgrade}`);
  };
  if (total.cpu !== undefined && cpu > total.cpu) refuse("CPU", String(total.cpu));
  if (total.memory !== undefined && memory > total.memory) refuse("memory", `${total.memory}GiB`);
  if (total.disk !== undefined && disk > total.disk) refuse("disk", `${total.disk}GiB`);
}

export interface ChangesOptions {
  sandboxes: Sandboxes;
  lives: Lives;
  quotas: Quotas;
  rules: Rules;
  /** Holds a sandbox in a transitional state until it resolves. */
  linger?: ((state: SandboxState, record: SandboxRecord) => Promise<void>) | undefined;
}

/** A change that has begun. */
export interface Ongoing {
  done: Promise<void>;
}

export class Changes {
  readonly #options: ChangesOptions;
  readonly #ongoing = new Set<Promise<void>>();
  readonly #closed = Promise.withResolvers<void>();
  #closing = false;

  constructor(options: ChangesOptions) {
    this.#options = options;
  }

  /** Whether changes are slowed down so that clients see the transitional states. */
  get lingers(): boolean {
    return this.#options.linger !== undefined;
  }

  async start(sandbox: Sandbox): Promise<Ongoing> {
    this.refuseAtEnd();
    // apps/api/src/sandbox/services/sandbox.service.ts, start: it is answered, and nothing happens.
    if (sandbox.record.state === "started") return { done: Promise.resolve() };
    refuseChange(sandbox.record, "start");
    this.refuseOverQuota(sandbox.record, sandbox);
    const state = sandbox.record.state === "archived" ? "restoring" : "starting";
    return this.begin(sandbox, state, () => this.bringUp(sandbox));
  }

  async bringUp(sandbox: Sandbox): Promise<void> {
    const { sandboxes, lives } = this.#options;
    if (this.#closing) return sandboxes.enter(sandbox, "stopped");
    await lives.begin(sandbox, () => void this.#noticeEnd(sandbox).catch(() => undefined));
    await this.settle(sandbox, "started");
  }

  /**
   * The keeper ended though nobody stopped the sandbox: a command killed it. As with a container, that counts as a
   * stop.
   */
  async #noticeEnd(sandbox: Sandbox): Promise<void> {
    if (sandbox.record.state === "started") await this.#options.sandboxes.enter(sandbox, "stopped");
  }

  async stop(sandbox: Sandbox): Promise<Ongoing> {
    const { sandboxes } = this.#options;
    const { record } = sandbox;
    refuseChange(record, "stop");
    return this.begin(sandbox, "stopping", async () => {
      await this.#options.lives.end(sandbox);
      if (record.autoDeleteInterval === 0) await sandboxes.remove(sandbox);
      else await sandboxes.enter(sandbox, "stopped");
    });
  }

  /** apps/api/src/sandbox/services/sandbox.service.ts, pause: only virtual machines. */
  pause(sandbox: Sandbox): never {
    refuseChange(sandbox.record, "pause");
    throw new HttpError(422, "Pausing is not supported for this sandbox");
  }

  async archive(sandbox: Sandbox): Promise<Ongoing> {
    refuseChange(sandbox.record, "archive");
    const { sandboxes, rules } = this.#options;
    return this.begin(sandbox, "archiving", async () => {
      if (rules.archiveMs > 0)
        await Promise.race([pause(rules.archiveMs, undefined, { ref: false }), this.#closed.promise]);
      await sandboxes.enter(sandbox, "archived");
    });
  }

  async recover(sandbox: Sandbox, skipStart: boolean): Promise<Ongoing> {
    this.refuseAtEnd();
    refuseChange(sandbox.record, "recover");
    return this.begin(sandbox, "starting", async () => {
      if (!skipStart) return this.bringUp(sandbox);
      sandbox.record.errorReason = undefined;
      sandbox.record.recoverable = false;
      await this.#options.sandboxes.enter(sandbox, "stopped");
    });
  }

  async resize(sandbox: Sandbox, wanted: Partial<Resources>): Promise<Ongoing> {
    const { record } = sandbox;
    refuseChange(record, "resize");
    const resized = resizeRecord(record, wanted);
    refuseOversize(resized, this.#options.quotas);
    this.refuseOverQuota(resized, sandbox);
    const former = record.state;
    return this.begin(sandbox, "resizing", async () => {
      Object.assign(record, resized);
      await this.settle(sandbox, former);
    });
  }

  async delete(sandbox: Sandbox): Promise<Ongoing> {
    refuseChange(sandbox.record, "delete");
    const { building } = sandbox;
    building?.end.abort();
    this.#options.sandboxes.freeName(sandbox);
    return this.begin(sandbox, "destroying", async () => {
      await building?.done;
      await this.#options.lives.end(sandbox);
      await this.#options.sandboxes.remove(sandbox);
    });
  }

  /** Makes the changes that intervals have made due. One that fails holds up no other. */
  async sweep(now: number): Promise<void> {
    const { sandboxes } = this.#options;
    for (const sandbox of sandboxes.all()) {
      if (sandbox.life && sandbox.life.visitors.size > 0) sandboxes.touch(sandbox);
      const due = findDueChange(sandbox.record, now);
      if (due === "stop" || due === "archive" || due === "delete") {
        await this[due](sandbox)
          .then(({ done }) => done)
          .catch(() => undefined);
      }
    }
  }

  /** Returns to a state that needs processes, unless they have ended meanwhile. */
  async settle(sandbox: Sandbox, former: SandboxState): Promise<void> {
    const state = sandbox.life === undefined && former !== "stopped" ? "stopped" : former;
    await this.#options.sandboxes.enter(sandbox, state);
  }

  refuseAtEnd(): void {
    if (this.#closing) throw new HttpError(503, "the server is stopping");
  }

  refuseOverQuota(wanted: Resources, except?: Sandbox): void {
    const { sandboxes, quotas } = this.#options;
    const others = sandboxes.all().filter((sandbox) => sandbox !== except);
    refuseOverQuota(
      wanted,
      others.map(({ record }) => record),
      quotas,
    );
  }

  async begin(sandbox: Sandbox, state: SandboxState, work: () => Promise<void>): Promise<Ongoing> {
    try {
      await this.#options.sandboxes.enter(sandbox, state);
    } catch (error) {
      await this.#fail(sandbox, error);
      throw error;
    }
    return this.follow(sandbox, work);
  }

  follow(sandbox: Sandbox, work: () => Promise<void>): Ongoing {
    const done = this.#linger(sandbox)
      .then(work)
      .catch((error: unknown) => this.#fail(sandbox, error));
    this.#ongoing.add(done);
    void done.finally(() => this.#ongoing.delete(done));
    return { done };
  }

  /** Enters the next transitional state. */
  async pass(sandbox: Sandbox, state: SandboxState): Promise<void> {
    await this.#options.sandboxes.enter(sandbox, state);
    await this.#linger(sandbox);
  }

  async #linger({ record }: Sandbox): Promise<void> {
    if (this.#options.linger) await Promise.race([this.#options.linger(record.state, record), this.#closed.promise]);
  }

  async #fail(sandbox: Sandbox, error: unknown): Promise<void> {
    // A system error's message would name folders of this machine.
    const isReportable = error instanceof Error && !("syscall" in error);
    sandbox.record.errorReason = isReportable ? error.message : "the sandbox did not start";
    sandbox.record.recoverable = sandbox.record.isIncomplete !== true;
    // If the record can't be written, the sandbox is in the error state all the same.
    await this.#options.sandboxes.enter(sandbox, "error").catch(() => undefined);
  }

  /** Called when the server ends: no process of any sandbox stays. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#closed.resolve();
    const { sandboxes } = this.#options;
    for (const { building } of sandboxes.all()) building?.end.abort();
    await Promise.allSettled(this.#ongoing);
    await Promise.all(
      sandboxes.all().map(async (sandbox) => {
        await this.#options.lives.end(sandbox);
        if (sandbox.record.state === "started") await sandboxes.enter(sandbox, "stopped");
      }),
    );
  }
}
