/**
 * The stored record of a sandbox: one JSON file beside its folders, replaced as a whole, so that a crash leaves the old
 * record or the new one.
 */
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { removeTree } from "./tree-removal.ts";

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

export interface SignedPreview {
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

const recordName = "sandbox.json";
const idPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

export class Records {
  readonly #root: string;
  /** Writes of one record are serialized: two renames at once could leave the older content. */
  readonly #writes = new Map<string, Promise<void>>();

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
    const before = this.#writes.get(record.id) ?? Promise.resolve();
    const write = before.catch(() => undefined).then(() => this.#write(record));
    this.#writes.set(record.id, write);
    return write;
  }

  async #write(record: SandboxRecord): Promise<void> {
    const path = join(this.folder(record.id), recordName);
    await writeFile(`${path}.new`, JSON.stringify(record, null, 2), { mode: 0o600 });
    await rename(`${path}.new`, path);
  }

  async create(record: SandboxRecord): Promise<void> {
    const folder = this.folder(record.id);
    for (const name of ["home", "tmp", "logs"]) await mkdir(join(folder, name), { recursive: true, mode: 0o700 });
    await this.save(record);
  }

  async delete(id: string): Promise<void> {
    await this.#writes.get(id)?.catch(() => undefined);
    this.#writes.delete(id);
    // The record is removed first: the next start sweeps up what a crash leaves behind.
    await rm(join(this.folder(id), recordName), { force: true });
    await removeTree(this.folder(id));
  }
}
