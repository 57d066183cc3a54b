import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { checkImageName, defaultSnapshot, Snapshots } from "./snapshots.ts";

let folder: string;
let snapshots: Snapshots;
const wanted = { name: "mine", cpu: 1, memory: 1, disk: 3, regionId: "local" };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "taskloom-snapshots-"));
  snapshots = await reopen();
});

afterEach(() => rm(folder, { recursive: true, force: true }));

async function reopen(): Promise<Snapshots> {
  const opened = new Snapshots(folder);
  await opened.load();
  return opened;
}

it("snapshots survive a server, except for one that was being made when it ended", async () => {
  await snapshots.add({ ...wanted, image: { env: { A: "1" } } }, "active");
  await snapshots.add({ ...wanted, name: "building" }, "building");
  await snapshots.add({ ...wanted, name: "copying" }, "snapshotting");
  const removed = await snapshots.add({ ...wanted, name: "removed" }, "active");
  await snapshots.remove(removed);
  const again = await reopen();
  expect(again.require("mine")).toMatchObject({ state: "active", image: { env: { A: "1" } } });
  expect(again.require("building")).toMatchObject({ state: "build_failed" });
  expect(again.require("copying")).toMatchObject({ state: "error" });
  expect(again.find("removed")).toBeUndefined();
  expect(again.requireActive(defaultSnapshot).general).toBe(true);
});

it("snapshot names are unique, also when two requests ask for one name at once", async () => {
  const results = await Promise.allSettled([1, 2].map(() => snapshots.add(wanted, "active")));
  expect(results.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  await expect(snapshots.add({ ...wanted, name: "no spaces" }, "active")).rejects.toMatchObject({ status: 400 });
});

it("a snapshot can be deactivated, activated and removed, but not removed while it is made", async () => {
  const record = await snapshots.add(wanted, "building");
  await expect(snapshots.remove(record)).rejects.toMatchObject({ status: 409 });
  await expect(snapshots.activate(record)).rejects.toThrow(/is in building state/);
  await snapshots.enter(record, "active");
  await snapshots.deactivate(record);
  expect(() => snapshots.requireActive("mine")).toThrow("Snapshot mine is inactive");
  await Promise.all([snapshots.activate(record), snapshots.save(record), snapshots.save(record)]);
  expect(snapshots.requireActive("mine").lastUsedAt).toBeDefined();
});

it("only image names with a fixed version can be pulled", () => {
  const digest = "a".repeat(64);
  for (const name of ["debian:12", "host:5000/a/b:1", `debian@sha256:${digest}`]) checkImageName(name);
  for (const name of ["debian", "debian:", "debian:latest", "host:5000/a", "a b:1", "x@sha256:1"]) {
    expect(() => checkImageName(name), name).toThrow();
  }
});
