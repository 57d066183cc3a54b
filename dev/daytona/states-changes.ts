/**
 * The changes of sandboxes: each begins with a transitional state, is carried out, and ends in a resting state. A
 * change that began always finishes, whether its client waits or not. One that fails leaves an error and its reason.
 */
import { setTimeout as pause } from "node:timers/promises";
import { HttpError } from "./errors.ts";
import type { Lives } from "./lives.ts";
import type { Rules } from "./mode.ts";
import { type Quotas, refuseOverQuota, refuseOversize } from "./quotas.ts";
import type { SandboxRecord, SandboxState } from "./records.ts";
import type { Sandbox, Sandboxes } from "./sandboxes.ts";
import { findDueChange, type Resources, refuseChange, resizeRecord } from "./states.ts";

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
