/**
 * Snapshots: what new sandboxes begin with. Some are general, like Daytona's own: only a name and a size, since there
 * are no images here. The others were built from a Dockerfile or made from a sandbox, and have files.
 */
import { randomUUID } from "node:crypto";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { HttpError } from "./http.ts";
import { removeTree } from "./isolation.ts";
import { type BuildInfo, type Image, saveJson } from "./sandboxes.ts";
import type { Resources } from "./states.ts";

type SnapshotState =
  | "pending"
  | "building"
  | "snapshotting"
  | "active"
  | "inactive"
  | "error"
  | "build_failed"
  | "removing";

export interface SnapshotRecord extends Resources {
  id: string;
  name: string;
  general: boolean;
  state: SnapshotState;
  imageName: string | undefined;
  buildInfo: BuildInfo | undefined;
  image: Image;
  entrypoint: string[] | undefined;
  sourceSandboxId: string | undefined;
  regionId: string;
  errorReason: string | undefined;
  createdAt: string;
  updatedAt: string;
  lastUsedAt: string | undefined;
}

export type NewSnapshot = Pick<SnapshotRecord, "name" | "cpu" | "memory" | "disk" | "regionId"> &
  Partial<Pick<SnapshotRecord, "imageName" | "buildInfo" | "image" | "entrypoint" | "sourceSandboxId">>;

export const defaultSnapshot = "daytonaio/sandbox:0.5.0-slim";

/** The default, and the sizes that Daytona's cloud has. */
const generalSnapshots: Record<string, Resources> = {
  [defaultSnapshot]: { cpu: 1, memory: 1, disk: 3 },
  "daytona-small": { cpu: 1, memory: 1, disk: 3 },
  "daytona-medium": { cpu: 2, memory: 4, disk: 8 },
  "daytona-large": { cpu: 4, memory: 8, disk: 10 },
};

const maxSnapshots = 100;
const namePattern = /^[a-zA-Z0-9_.\-:]+(?:\/[a-zA-Z0-9_.\-:]+)*(?:@sha256:[a-f0-9]{64})?$/;
const maxNameLength = 255;
const recordName = "snapshot.json";
const idPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

export class Snapshots {
  readonly #root: string;
  readonly #snapshots = new Map<string, SnapshotRecord>();

  constructor(stateDirectory: string) {
    this.#root = join(stateDirectory, "snapshots");
    for (const [name, resources] of Object.entries(generalSnapshots)) {
      const record = fillRecord({ name, ...resources, regionId: "local", imageName: name });
      this.#snapshots.set(record.id, { ...record, general: true, state: "active" });
    }
  }

  /** Snapshots that were being made when an earlier server ended count as failed. */
  async load(): Promise<void> {
    await mkdir(this.#root, { recursive: true, mode: 0o700 });
    for (const id of await readdir(this.#root)) {
      if (!idPattern.test(id)) continue;
      const record = await this.#read(id);
      if (!record || record.state === "removing") await removeTree(this.folder(id));
      else {
        this.#snapshots.set(id, record);
        if (record.state === "pending" || record.state === "building") {
          await this.enter(record, "build_failed", "the server ended while it was built");
        } else if (record.state === "snapshotting") {
          await this.enter(record, "error", "the server ended while it was made");
        }
      }
    }
  }

  async #read(id: string): Promise<SnapshotRecord | undefined> {
    try {
      const record = JSON.parse(await readFile(join(this.folder(id), recordName), "utf8")) as SnapshotRecord;
      return record.id === id ? record : undefined;
    } catch {
      return undefined;
    }
  }

  folder(id: string): string {
    return join(this.#root, id);
  }

  all(): SnapshotRecord[] {
    return [...this.#snapshots.values()];
  }

  find(idOrName: string): SnapshotRecord | undefined {
    return this.#snapshots.get(idOrName) ?? this.all().find(({ name }) => name === idOrName);
  }

  require(idOrName: string): SnapshotRecord {
    const record = this.find(idOrName);
    if (!record) throw new HttpError(404, `Snapshot with ID or name ${idOrName} not found`);
    return record;
  }

  /** For a new sandbox. An unknown snapshot is an error of the request. */
  requireActive(idOrName: string): SnapshotRecord {
    const record = this.find(idOrName);
    if (!record) {
      throw new HttpError(400, `Snapshot ${idOrName} not found. Did you add it through the Daytona Dashboard?`);
    }
    if (record.state !== "active") throw new HttpError(400, `Snapshot ${idOrName} is ${record.state}`);
    record.lastUsedAt = new Date().toISOString();
    return record;
  }

  async add(wanted: NewSnapshot, state: SnapshotState): Promise<SnapshotRecord> {
    checkSnapshotName(wanted.name);
    if (this.find(wanted.name)) {
      throw new HttpError(409, `Snapshot with name "${wanted.name}" already exists for this organization`);
    }
    if (this.#snapshots.size >= maxSnapshots) {
      throw new HttpError(403, `Snapshot quota exceeded. Maximum allowed: ${maxSnapshots}`);
    }
    const record: SnapshotRecord = { ...fillRecord(wanted), state };
    // Reserved before the first await, so that of two with one name the second is rejected.
    this.#snapshots.set(record.id, record);
    try {
      for (const name of ["home", "tmp"]) {
        await mkdir(join(this.folder(record.id), name), { recursive: true, mode: 0o700 });
      }
      await this.save(record);
    } catch (error) {
      this.#snapshots.delete(record.id);
      throw error;
    }
    return record;
  }

  async enter(record: SnapshotRecord, state: SnapshotState, errorReason?: string): Promise<void> {
    // It may have been removed while it was being made.
    if (record.state === "removing") return;
    record.state = state;
    record.errorReason = errorReason;
    await this.save(record);
  }

  async save(record: SnapshotRecord): Promise<void> {
    record.updatedAt = new Date().toISOString();
    if (record.general || !this.#snapshots.has(record.id)) return;
    await saveJson(join(this.folder(record.id), recordName), record);
  }

  async activate(record: SnapshotRecord): Promise<void> {
    if (record.state === "active") throw new HttpError(400, `Snapshot ${record.id} is already active`);
    if (record.state !== "inactive") {
      throw new HttpError(400, `Snapshot ${record.id} cannot be activated - it is in ${record.state} state`);
    }
    await this.enter(record, "active");
  }

  /** What Daytona does to a snapshot that nobody used for two weeks. */
  async deactivate(record: SnapshotRecord): Promise<void> {
    if (record.state !== "active") throw new HttpError(400, `Snapshot ${record.id} is not active`);
    await this.enter(record, "inactive");
  }

  async remove(record: SnapshotRecord): Promise<void> {
    if (record.general) throw new HttpError(403, "You cannot delete a general snapshot");
    if (["pending", "building", "snapshotting", "removing"].includes(record.state)) {
      throw new HttpError(409, "Snapshot state change in progress");
    }
    record.state = "removing";
    await this.save(record);
    this.#snapshots.delete(record.id);
    await removeTree(this.folder(record.id));
  }
}

function fillRecord(wanted: NewSnapshot): SnapshotRecord {
  const now = new Date().toISOString();
  return {
    imageName: undefined,
    buildInfo: undefined,
    image: { env: {} },
    entrypoint: undefined,
    sourceSandboxId: undefined,
    ...wanted,
    id: randomUUID(),
    general: false,
    state: "pending",
    errorReason: undefined,
    createdAt: now,
    updatedAt: now,
    lastUsedAt: undefined,
  };
}

function checkSnapshotName(name: string): void {
  if (name.length > maxNameLength || !namePattern.test(name)) {
    throw new HttpError(
      400,
      "Invalid snapshot name format. May contain letters, digits, dots, colons, and dashes, 255 at most",
    );
  }
}

/** The name of an image must mean the same content tomorrow. */
export function checkImageName(name: string): void {
  if (name.includes("@sha256:")) {
    if (/^[^@]+@sha256:[a-f0-9]{64}$/.test(name)) return;
    throw new HttpError(400, "Invalid digest format. Must be image@sha256:64_hex_characters");
  }
  if (!/:[^:/\s]+$/.test(name)) {
    throw new HttpError(400, "Image name must include a tag (e.g., ubuntu:22.04) or digest (@sha256:...)");
  }
  if (name.endsWith(":latest")) throw new HttpError(400, 'Images with tag ":latest" are not allowed');
  if (name.length > maxNameLength || !namePattern.test(name)) throw new HttpError(400, "Invalid image name format");
}
