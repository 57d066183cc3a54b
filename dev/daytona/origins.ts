/**
 * How sandboxes are created: empty, from a snapshot, from a Dockerfile or from another sandbox; and how snapshots are
 * made from them.
 */
import { join } from "node:path";
import { type Builds, nameBuild } from "./builds.ts";
import { type CopyOptions, copyTree, hasRoot, rootFolder, sourceFolder } from "./isolation.ts";
import type { Rules } from "./rules.ts";
import type { BuildInfo, NewSandbox, Sandbox, Sandboxes } from "./sandboxes.ts";
import type { NewSnapshot, SnapshotRecord, Snapshots } from "./snapshots.ts";
import { type Changes, type Ongoing, type Quotas, refuseChange, refuseOversize } from "./states.ts";

interface OriginsOptions {
  sandboxes: Sandboxes;
  snapshots: Snapshots;
  builds: Builds;
  changes: Changes;
  copying: CopyOptions;
  quotas: Quotas;
  rules: Rules;
}

export function describeBuild(dockerfileContent: string): BuildInfo {
  const now = new Date().toISOString();
  return { dockerfileContent, snapshotRef: nameBuild(dockerfileContent), createdAt: now, updatedAt: now };
}

export class Origins {
  readonly #options: OriginsOptions;
  /** Ends the builds of snapshots with the server. */
  readonly #end = new AbortController();
  readonly #snapshotBuilds = new Set<Promise<void>>();

  constructor(options: OriginsOptions) {
    this.#options = options;
  }

  /** Creates a sandbox from its Dockerfile, from a snapshot's files, or empty. */
  async create(wanted: NewSandbox, snapshot?: SnapshotRecord): Promise<Ongoing & { sandbox: Sandbox }> {
    const { sandboxes, snapshots, changes, quotas } = this.#options;
    changes.refuseAtEnd();
    refuseOversize(wanted, quotas);
    changes.refuseOverQuota(wanted);
    const dockerfile = wanted.buildInfo?.dockerfileContent;
    if (dockerfile !== undefined) {
      const sandbox = await sandboxes.add(wanted, "pending_build");
      return { sandbox, ...this.#follow(sandbox, dockerfile) };
    }
    const isIncomplete = snapshot !== undefined && !snapshot.general;
    const sandbox = await sandboxes.add({ ...wanted, isIncomplete }, "creating");
    const work = async (): Promise<void> => {
      if (isIncomplete) await this.#copy(snapshots.folder(snapshot.id), sandbox.folder);
      sandbox.record.isIncomplete = false;
      await changes.bringUp(sandbox);
    };
    return { sandbox, ...changes.follow(sandbox, work) };
  }

  #follow(sandbox: Sandbox, dockerfile: string): Ongoing {
    const { builds } = this.#options;
    const end = new AbortController();
    builds.announce(sandbox.folder);
    const ongoing = this.#options.changes.follow(sandbox, () => this.#build(sandbox, dockerfile, end.signal));
    sandbox.building = { end, ...ongoing };
    return ongoing;
  }

  async #build(sandbox: Sandbox, dockerfile: string, ended: AbortSignal): Promise<void> {
    const { sandboxes, builds, changes } = this.#options;
    const { record, folder } = sandbox;
    const onBegin = async (): Promise<void> => {
      ended.throwIfAborted();
      await changes.pass(sandbox, "building_snapshot");
    };
    try {
      record.image = await builds.build({ folder, dockerfile, onBegin }, ended);
      ended.throwIfAborted();
    } catch (error) {
      // A deletion has begun and owns the sandbox now.
      if (record.state === "destroying") return;
      record.errorReason = error instanceof Error ? error.message : "the build failed";
      await sandboxes.enter(sandbox, "build_failed");
      return;
    } finally {
      sandbox.building = undefined;
    }
    await changes.pass(sandbox, "creating");
    await changes.bringUp(sandbox);
  }

  /** Stores the sandbox's files under a name, for other sandboxes to begin with. */
  async snapshot(sandbox: Sandbox, name: string): Promise<Ongoing> {
    const { snapshots, changes } = this.#options;
    const { record } = sandbox;
    refuseChange(record, "snapshot");
    const { cpu, memory, disk, image, target } = record;
    const wanted = { name, cpu, memory, disk, image, regionId: target, sourceSandboxId: record.id };
    const snapshot = await snapshots.add(wanted, "snapshotting");
    try {
      refuseChange(record, "snapshot");
    } catch (error) {
      await snapshots.enter(snapshot, "error", "the sandbox changed");
      throw error;
    }
    const former = record.state;
    return changes.begin(sandbox, "snapshotting", async () => {
      await this.#copy(sandbox.folder, snapshots.folder(snapshot.id)).then(
        () => snapshots.enter(snapshot, "active"),
        (error: Error) => snapshots.enter(snapshot, "error", error.message),
      );
      await changes.settle(sandbox, former);
    });
  }

  /** Creates a snapshot from the files that a build leaves. */
  async buildSnapshot(wanted: NewSnapshot, dockerfile: string): Promise<SnapshotRecord> {
    const { snapshots, builds, changes, quotas } = this.#options;
    changes.refuseAtEnd();
    refuseOversize(wanted, quotas);
    const snapshot = await snapshots.add({ ...wanted, buildInfo: describeBuild(dockerfile) }, "pending");
    builds.announce(snapshots.folder(snapshot.id));
    const done = this.#carryOut(snapshot, dockerfile).catch(() => undefined);
    this.#snapshotBuilds.add(done);
    void done.finally(() => this.#snapshotBuilds.delete(done));
    return snapshot;
  }

  async #carryOut(snapshot: SnapshotRecord, dockerfile: string): Promise<void> {
    const { snapshots, builds } = this.#options;
    const onBegin = (): Promise<void> => snapshots.enter(snapshot, "building");
    try {
      const job = { folder: snapshots.folder(snapshot.id), dockerfile, onBegin };
      snapshot.image = await builds.build(job, this.#end.signal);
      snapshot.entrypoint = snapshot.image.entrypoint;
      await snapshots.enter(snapshot, "active");
    } catch (error) {
      await snapshots.enter(snapshot, "build_failed", error instanceof Error ? error.message : "the build failed");
    }
  }

  async close(): Promise<void> {
    this.#end.abort();
    await Promise.all(this.#snapshotBuilds);
  }

  async #copy(from: string, to: string): Promise<void> {
    const roots = hasRoot(from) ? [rootFolder, sourceFolder] : [];
    for (const name of ["home", "tmp", ...roots])
      await copyTree(join(from, name), join(to, name), this.#options.copying);
  }
}
