/**
 * All sandboxes of one server: their records, their lives, and the rules of their states.
 */
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { join } from "node:path";
import { Container } from "./container.ts";
import { HttpError } from "./errors.ts";
import type { Isolation } from "./isolation.ts";
import { PtySessions } from "./pty-sessions.ts";
import { Records, type SandboxRecord, type SandboxState } from "./records.ts";
import { Sessions } from "./sessions.ts";

/** What exists only while a sandbox is started. */
export interface Life {
  container: Container;
  sessions: Sessions;
  terminals: PtySessions;
  /** Connections of people, which keep the sandbox from being idle. */
  visitors: Set<object>;
}

export interface Sandbox {
  record: SandboxRecord;
  folder: string;
  life: Life | undefined;
}

export interface SandboxesOptions {
  stateDirectory: string;
  socketsDirectory: string;
  etc: string;
  isolation: Isolation;
}

/** Far beyond what a developer's machine can carry at once. */
const maxSandboxes = 1_000;
const minuteMs = 60_000;

export type NewSandbox = Pick<SandboxRecord, "user" | "env" | "labels" | "public" | "networkBlockAll" | "target"> &
  Pick<SandboxRecord, "snapshot" | "cpu" | "gpu" | "memory" | "disk" | "autoStopInterval" | "autoPauseInterval"> &
  Pick<SandboxRecord, "autoArchiveInterval" | "autoDeleteInterval"> & { name: string | undefined };

export class Sandboxes {
  readonly #options: SandboxesOptions;
  readonly #records: Records;
  readonly #sandboxes = new Map<string, Sandbox>();
  /** Starts under way, which the end of the server waits for so as to end them too. */
  readonly #starts = new Set<Promise<void>>();
  #closing = false;

  constructor(options: SandboxesOptions) {
    this.#options = options;
    this.#records = new Records(options.stateDirectory);
  }

  /** Takes up what an earlier server left: its processes are gone, so whatever was started is stopped. */
  async load(): Promise<void> {
    for (const record of await this.#records.load()) {
      const sandbox = { record, folder: this.#records.folder(record.id), life: undefined };
      if (record.state === "destroying" || record.state === "destroyed") {
        await this.#records.delete(record.id);
        continue;
      }
      this.#sandboxes.set(record.id, sandbox);
      if (!["stopped", "archived", "error"].includes(record.state)) {
        record.stoppedAt = new Date().toISOString();
        await this.#enter(sandbox, "stopped");
      }
    }
  }

  all(): Sandbox[] {
    return [...this.#sandboxes.values()];
  }

  byId(id: string): Sandbox | undefined {
    return this.#sandboxes.get(id);
  }

  require(idOrName: string): Sandbox {
    const sandbox = this.#sandboxes.get(idOrName) ?? this.all().find(({ record }) => record.name === idOrName);
    if (!sandbox) throw new HttpError(404, `Sandbox with ID or name ${idOrName} not found`);
    return sandbox;
  }

  async create(wanted: NewSandbox): Promise<Sandbox> {
    this.#refuseAtEnd();
    const id = randomUUID();
    const name = wanted.name ?? id;
    if (this.all().some(({ record }) => record.name === name)) {
      throw new HttpError(409, `Sandbox with name ${name} already exists`);
    }
    if (this.#sandboxes.size >= maxSandboxes) throw new HttpError(403, `Quota exceeded: ${maxSandboxes} sandboxes`);
    const now = new Date().toISOString();
    const record: SandboxRecord = {
      ...wanted,
      id,
      name,
      state: "creating",
      errorReason: undefined,
      authToken: "",
      signedPreviews: [],
      createdAt: now,
      updatedAt: now,
      lastActivityAt: now,
      stoppedAt: undefined,
    };
    const sandbox: Sandbox = { record, folder: this.#records.folder(id), life: undefined };
    // Reserved before the first await, so that of two creations with one name the second is refused.
    this.#sandboxes.set(id, sandbox);
    try {
      await this.#records.create(record);
    } catch (error) {
      this.#sandboxes.delete(id);
      throw error;
    }
    await this.#bringUp(sandbox);
    return sandbox;
  }

  async start(sandbox: Sandbox): Promise<void> {
    this.#refuseAtEnd();
    this.#refuseWhileChanging(sandbox);
    if (!["stopped", "archived", "error"].includes(sandbox.record.state)) {
      throw new HttpError(400, "Sandbox is not in valid state");
    }
    await this.#enter(sandbox, "starting");
    await this.#bringUp(sandbox);
  }

  async #bringUp(sandbox: Sandbox): Promise<void> {
    if (this.#closing) {
      await this.#enter(sandbox, "stopped");
      return;
    }
    const start = this.#launch(sandbox);
    this.#starts.add(start);
    await start.finally(() => this.#starts.delete(start));
  }

  async #launch(sandbox: Sandbox): Promise<void> {
    const { record, folder } = sandbox;
    try {
      const container = await Container.start({
        isolation: this.#options.isolation,
        folder,
        // The socket's path must stay short, and 64 bits of the id tell the sandboxes of one server apart.
        sockets: join(
          this.#options.socketsDirectory,
          createHash("sha256").update(record.id).digest("hex").slice(0, 16),
        ),
        etc: this.#options.etc,
        variables: { ...record.env, DAYTONA_SANDBOX_ID: record.id, DAYTONA_SANDBOX_USER: record.user },
        limits: { memory: record.memory, disk: record.disk },
      });
      const life: Life = {
        container,
        sessions: new Sessions(container, join(folder, "logs")),
        terminals: new PtySessions(container),
        visitors: new Set(),
      };
      sandbox.life = life;
      record.authToken = randomBytes(16).toString("hex");
      record.errorReason = undefined;
      record.lastActivityAt = new Date().toISOString();
      void container.ended.then(() => this.#noticeEnd(sandbox, life));
      await this.#enter(sandbox, "started");
    } catch (error) {
      record.errorReason = error instanceof Error ? error.message : "the sandbox did not start";
      await this.#enter(sandbox, "error");
    }
  }

  /** The keeper ended though nobody stopped the sandbox: a command killed it. As with a container, that is a stop. */
  async #noticeEnd(sandbox: Sandbox, life: Life): Promise<void> {
    life.sessions.close();
    life.terminals.close();
    if (sandbox.life !== life) return;
    sandbox.life = undefined;
    if (sandbox.record.state !== "started") return;
    sandbox.record.stoppedAt = new Date().toISOString();
    await this.#enter(sandbox, "stopped").catch(() => undefined);
  }

  async stop(sandbox: Sandbox): Promise<void> {
    this.#refuseWhileChanging(sandbox);
    if (sandbox.record.state === "stopped") return;
    if (!["started", "error"].includes(sandbox.record.state)) {
      throw new HttpError(400, "Sandbox is not in stoppable state");
    }
    await this.#enter(sandbox, "stopping");
    await this.#bringDown(sandbox);
    if (sandbox.record.autoDeleteInterval === 0) await this.#destroy(sandbox);
    else await this.#enter(sandbox, "stopped");
  }

  async #bringDown(sandbox: Sandbox): Promise<void> {
    const { life } = sandbox;
    sandbox.life = undefined;
    sandbox.record.stoppedAt = new Date().toISOString();
    life?.sessions.close();
    life?.terminals.close();
    await life?.container.stop();
  }

  async archive(sandbox: Sandbox): Promise<void> {
    this.#refuseWhileChanging(sandbox);
    if (sandbox.record.state !== "stopped") throw new HttpError(400, "Sandbox is not stopped");
    if (sandbox.record.autoDeleteInterval === 0) throw new HttpError(400, "Ephemeral sandboxes cannot be archived");
    await this.#enter(sandbox, "archived");
  }

  async delete(sandbox: Sandbox): Promise<void> {
    this.#refuseWhileChanging(sandbox);
    await this.#enter(sandbox, "destroying");
    await this.#bringDown(sandbox);
    await this.#destroy(sandbox);
  }

  async #destroy(sandbox: Sandbox): Promise<void> {
    sandbox.record.state = "destroyed";
    await this.#records.delete(sandbox.record.id);
    this.#sandboxes.delete(sandbox.record.id);
  }

  #refuseAtEnd(): void {
    if (this.#closing) throw new HttpError(503, "the server is stopping");
  }

  #refuseWhileChanging(sandbox: Sandbox): void {
    if (["creating", "starting", "stopping", "destroying"].includes(sandbox.record.state)) {
      throw new HttpError(409, "Sandbox state change in progress");
    }
  }

  async #enter(sandbox: Sandbox, state: SandboxState): Promise<void> {
    sandbox.record.state = state;
    await this.save(sandbox);
  }

  async save(sandbox: Sandbox): Promise<void> {
    sandbox.record.updatedAt = new Date().toISOString();
    await this.#records.save(sandbox.record);
  }

  /** In memory only: a write per request would cost more than a few minutes of a lost stop time matter. */
  touch(sandbox: Sandbox): void {
    sandbox.record.lastActivityAt = new Date().toISOString();
  }

  /** The intervals of auto-stop, auto-archive and auto-delete; called now and then. One that fails holds up no other. */
  async sweep(now: number): Promise<void> {
    for (const sandbox of this.all()) {
      if (sandbox.life && sandbox.life.visitors.size > 0) this.touch(sandbox);
      await this.#applyIntervals(sandbox, now).catch(() => undefined);
    }
  }

  async #applyIntervals(sandbox: Sandbox, now: number): Promise<void> {
    const { state, autoStopInterval, autoArchiveInterval, autoDeleteInterval, ...times } = sandbox.record;
    if (state === "started") {
      const idleFor = now - Date.parse(times.lastActivityAt);
      if (autoStopInterval > 0 && idleFor >= autoStopInterval * minuteMs) await this.stop(sandbox);
      return;
    }
    if (state !== "stopped" && state !== "archived") return;
    const stoppedFor = now - Date.parse(times.stoppedAt ?? times.updatedAt);
    const archives = state === "stopped" && autoArchiveInterval > 0;
    if (autoDeleteInterval >= 0 && stoppedFor >= autoDeleteInterval * minuteMs) await this.delete(sandbox);
    else if (archives && stoppedFor >= autoArchiveInterval * minuteMs) await this.archive(sandbox);
  }

  /** The end of the server: no process of any sandbox stays. */
  async close(): Promise<void> {
    this.#closing = true;
    await Promise.allSettled(this.#starts);
    await Promise.all(
      this.all().map(async (sandbox) => {
        await this.#bringDown(sandbox);
        if (sandbox.record.state === "started") await this.#enter(sandbox, "stopped");
      }),
    );
  }
}
