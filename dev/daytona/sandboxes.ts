/**
 * All sandboxes of one server: their ids and names, and their stored records, one JSON file each beside their folders,
 * replaced as a whole, so that a crash leaves the old record or the new one.
 */

import { randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Container } from "./container.ts";
import { HttpError } from "./http.ts";
import { removeTree } from "./isolation.ts";
import { Names, nameOfDeleted, type Rules, readRules } from "./rules.ts";
import type { Sessions } from "./sessions.ts";
import type { PtySessions, Visitor } from "./terminals.ts";

export interface Life {
  container: Container;
  sessions: Sessions;
  terminals: PtySessions;
  /** Connections of people, which count as activity. */
  visitors: Set<Visitor>;
}

const sandboxStates = [
  "pending_build",
  "building_snapshot",
  "build_failed",
  "creating",
  "starting",
  "started",
  "stopping",
  "stopped",
  "archiving",
  "archived",
  "restoring",
  "resizing",
  "snapshotting",
  "destroying",
  "destroyed",
  "error",
] as const;

export type SandboxState = (typeof sandboxStates)[number];

/** What a Dockerfile defines for the processes of a sandbox. */
export interface Image {
  env: Record<string, string>;
  /** Where commands start and relative paths begin; the home directory if absent. */
  workDir?: string | undefined;
  entrypoint?: string[] | undefined;
}

export interface BuildInfo {
  dockerfileContent: string;
  snapshotRef: string;
  createdAt: string;
  updatedAt: string;
}

interface SignedPreview {
  token: string;
  port: number;
  expiresAt: number;
}

export interface SshAccess {
  id: string;
  token: string;
  expiresAt: string;
  createdAt: string;
  updatedAt: string;
}

export interface SandboxRecord {
  id: string;
  name: string;
  user: string;
  env: Record<string, string>;
  /** Names of secrets by variable. */
  secrets?: Record<string, string>;
  labels: Record<string, string>;
  public: boolean;
  networkBlockAll: boolean;
  networkAllowList: string | undefined;
  domainAllowList: string | undefined;
  target: string;
  snapshot: string | undefined;
  buildInfo: BuildInfo | undefined;
  image: Image;
  cpu: number;
  gpu: number;
  memory: number;
  disk: number;
  state: SandboxState;
  /** Its initial files are still being copied. */
  isIncomplete?: boolean | undefined;
  errorReason: string | undefined;
  recoverable: boolean;
  /** The preview token; a new one at each start. */
  authToken: string;
  signedPreviews: SignedPreview[];
  /** Absent until someone requests it. */
  sshAccess?: SshAccess | undefined;
  /** Hosts of repositories that a client of the API named (see `relay-address.ts`). */
  gitHosts?: string[];
  autoStopInterval: number;
  autoArchiveInterval: number;
  autoDeleteInterval: number;
  /** Set by its time to live. */
  autoDestroyAt: string | undefined;
  createdAt: string;
  updatedAt: string;
  stoppedAt: string | undefined;
  lastActivityAt: string;
}

/** Writes of one file are serialized: two renames at once could leave the older content. */
const writes = new Map<string, Promise<void>>();

/** Replaces a file as a whole, so that a crash leaves the old content or the new. */
export function saveJson(path: string, value: unknown): Promise<void> {
  const write = (writes.get(path) ?? Promise.resolve())
    .catch(() => undefined)
    .then(async () => {
      await writeFile(`${path}.new`, JSON.stringify(value, null, 2), { mode: 0o600 });
      await rename(`${path}.new`, path);
    });
  writes.set(path, write);
  return write;
}

const recordName = "sandbox.json";
const idPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

export class Records {
  readonly #root: string;

  constructor(stateDirectory: string) {
    this.#root = join(stateDirectory, "sandboxes");
  }

  folder(id: string): string {
    return join(this.#root, id);
  }

  async load(): Promise<SandboxRecord[]> {
    await mkdir(this.#root, { recursive: true, mode: 0o700 });
    const records: SandboxRecord[] = [];
    for (const id of await readdir(this.#root)) {
      const record = await this.#read(id);
      if (record) records.push(record);
      // A sandbox folder without a record is a creation or deletion that a crash interrupted.
      else if (idPattern.test(id)) await removeTree(this.folder(id));
    }
    return records;
  }

  async #read(id: string): Promise<SandboxRecord | undefined> {
    try {
      const record = JSON.parse(await readFile(join(this.folder(id), recordName), "utf8")) as SandboxRecord;
      return record.id === id ? record : undefined;
    } catch {
      return undefined;
    }
  }

  save(record: SandboxRecord): Promise<void> {
    return saveJson(join(this.folder(record.id), recordName), record);
  }

  async create(record: SandboxRecord): Promise<void> {
    const folder = this.folder(record.id);
    for (const name of ["home", "tmp", "logs"]) await mkdir(join(folder, name), { recursive: true, mode: 0o700 });
    await this.save(record);
  }

  async delete(id: string): Promise<void> {
    const path = join(this.folder(id), recordName);
    await writes.get(path)?.catch(() => undefined);
    writes.delete(path);
    // The record is removed first: the next start sweeps up what a crash leaves behind.
    await rm(path, { force: true });
    await removeTree(this.folder(id));
  }
}

export interface Sandbox {
  record: SandboxRecord;
  folder: string;
  life: Life | undefined;
  /** The build under way, and how to end it. */
  building: Building | undefined;
}

interface Building {
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
