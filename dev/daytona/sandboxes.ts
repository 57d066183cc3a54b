/**
 * All sandboxes of one server: their records, ids and names.
 */
import { randomUUID } from "node:crypto";
import { HttpError } from "./errors.ts";
import type { Life } from "./life.ts";
import { type Rules, readRules } from "./mode.ts";
import { Names, nameOfDeleted } from "./names.ts";
import { Records, type SandboxRecord, type SandboxState } from "./records.ts";

export interface Sandbox {
  record: SandboxRecord;
  folder: string;
  life: Life | undefined;
  /** The build under way, and how to end it. */
  building: Building | undefined;
}

export interface Building {
  end: AbortController;
  done: Promise<void>;
}

/** Far more than a developer's machine can run at once. */
const maxSandboxes = 1_000;

/** Interrupted when an earlier server ended; these can't be resumed. */
const cutShort: readonly SandboxState[] = ["pending_build", "building_snapshot"];

type Chosen = "user" | "env" | "labels" | "public" | "target" | "snapshot" | "buildInfo" | "image";
type Sizes = "cpu" | "gpu" | "memory" | "disk";
type Network = "networkBlockAll" | "networkAllowList" | "domainAllowList";
type Intervals = "autoStopInterval" | "autoArchiveInterval" | "autoDeleteInterval";

export type NewSandbox = Pick<
  SandboxRecord,
  Chosen | Sizes | Network | Intervals | "autoDestroyAt" | "isIncomplete" | "secrets"
> & {
  name: string | undefined;
};

export class Sandboxes {
  readonly #records: Records;
  readonly #sandboxes = new Map<string, Sandbox>();
  readonly #names: Names;

  constructor(stateDirectory: string, { namesMs, now }: Rules = readRules({})) {
    this.#records = new Records(stateDirectory);
    this.#names = new Names(namesMs, now);
  }

  /** Loads what an earlier server left: its processes are gone, so sandboxes that were started are now stopped. */
  async load(): Promise<void> {
    for (const record of await this.#records.load()) {
      if (record.state === "destroying" || record.state === "destroyed") {
        await this.#records.delete(record.id);
        continue;
      }
      const sandbox = { record, folder: this.#records.folder(record.id), life: undefined, building: undefined };
      this.#sandboxes.set(record.id, sandbox);
      if (record.isIncomplete) {
        record.errorReason = "the server ended while it was created";
        await this.enter(sandbox, "error");
      } else if (cutShort.includes(record.state)) {
        record.errorReason = "the server ended while it was built";
        await this.enter(sandbox, "build_failed");
      } else if (!["stopped", "archived", "error", "build_failed"].includes(record.state)) {
        record.stoppedAt = new Date().toISOString();
        await this.enter(sandbox, "stopped");
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
    const sandbox = this.#sandboxes.get(idOrName) ?? this.#byName(idOrName);
    // apps/api/src/sandbox/services/sandbox.service.ts leaves out what is destroyed, although its row stays for a while.
    if (!sandbox || sandbox.record.state === "destroyed")
      throw new HttpError(404, `Sandbox with ID or name ${idOrName} not found`);
    return sandbox;
  }

  #byName(name: string): Sandbox | undefined {
    const owner = this.all().find(({ record }) => record.name === name);
    const found = this.byId(this.#names.find(name, owner?.record.id) ?? "");
    // A cached id leads to a sandbox that has lost the name meanwhile.
    return found?.record.name === name ? found : undefined;
  }

  async add(wanted: NewSandbox, state: SandboxState): Promise<Sandbox> {
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
      state,
      errorReason: undefined,
      recoverable: false,
      authToken: "",
      signedPreviews: [],
      createdAt: now,
      updatedAt: now,
      lastActivityAt: now,
      stoppedAt: undefined,
    };
    const sandbox: Sandbox = { record, folder: this.#records.folder(id), life: undefined, building: undefined };
    // Reserved before the first await, so that of two creations with one name the second is rejected.
    this.#sandboxes.set(id, sandbox);
    this.#names.forget(name);
    try {
      await this.#records.create(record);
    } catch (error) {
      this.#sandboxes.delete(id);
      throw error;
    }
    return sandbox;
  }

  async enter(sandbox: Sandbox, state: SandboxState): Promise<void> {
    sandbox.record.state = state;
    await this.save(sandbox);
  }

  async save(sandbox: Sandbox): Promise<void> {
    sandbox.record.updatedAt = new Date().toISOString();
    await this.#records.save(sandbox.record);
  }

  /** The first step of a deletion: others may have the name from now on. */
  freeName({ record }: Sandbox): void {
    record.name = nameOfDeleted(record.name);
  }

  /** In memory only: a crash loses at most a few minutes of a stop time, which is cheaper than a write per request. */
  touch(sandbox: Sandbox): void {
    sandbox.record.lastActivityAt = new Date().toISOString();
  }

  async remove(sandbox: Sandbox): Promise<void> {
    sandbox.record.state = "destroyed";
    await this.#records.delete(sandbox.record.id);
    this.#sandboxes.delete(sandbox.record.id);
  }
}
