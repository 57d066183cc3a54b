import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type NewSandbox, Sandboxes } from "./sandboxes.ts";

let folder: string;
let sandboxes: Sandboxes;

const minuteMs = 60_000;
const wanted: NewSandbox = {
  name: "box",
  user: "daytona",
  env: {},
  labels: {},
  public: false,
  networkBlockAll: false,
  target: "local",
  snapshot: undefined,
  cpu: 1,
  gpu: 0,
  memory: 1,
  disk: 3,
  autoStopInterval: 15,
  autoPauseInterval: 0,
  autoArchiveInterval: 60,
  autoDeleteInterval: -1,
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "taskloom-box-"));
  sandboxes = new Sandboxes({
    stateDirectory: folder,
    socketsDirectory: join(folder, "s"),
    etc: folder,
    isolation: "none",
  });
  await sandboxes.load();
});

afterEach(async () => {
  await sandboxes.close();
  await rm(folder, { recursive: true, force: true });
});

describe("sweep", () => {
  it("stops an idle sandbox, archives a stopped one, and keeps both for ever unless told otherwise", async () => {
    const { record } = await sandboxes.create(wanted);
    const start = Date.now();
    await sandboxes.sweep(start + 14 * minuteMs);
    expect(record.state).toBe("started");
    await sandboxes.sweep(start + 16 * minuteMs);
    expect(record.state).toBe("stopped");
    await sandboxes.sweep(start + 59 * minuteMs);
    expect(record.state).toBe("stopped");
    await sandboxes.sweep(start + 100 * minuteMs);
    expect(record.state).toBe("archived");
    await sandboxes.sweep(start + 1e6 * minuteMs);
    expect(sandboxes.all()).toHaveLength(1);
  });

  it("deletes what has been stopped for its interval, and never stops what may run for ever", async () => {
    const box = await sandboxes.create({ ...wanted, autoStopInterval: 0, autoDeleteInterval: 5 });
    await sandboxes.sweep(Date.now() + 1e6 * minuteMs);
    expect(box.record.state).toBe("started");
    await sandboxes.stop(box);
    await sandboxes.sweep(Date.now() + 6 * minuteMs);
    expect(sandboxes.all()).toEqual([]);
  });

  it("counts from the last activity", async () => {
    const box = await sandboxes.create(wanted);
    box.record.lastActivityAt = new Date(Date.now() - 20 * minuteMs).toISOString();
    sandboxes.touch(box);
    await sandboxes.sweep(Date.now());
    expect(box.record.state).toBe("started");
  });
});

describe("transitions", () => {
  it("refuses a change while another one is under way", async () => {
    const box = await sandboxes.create(wanted);
    const stopping = sandboxes.stop(box);
    await expect(sandboxes.start(box)).rejects.toMatchObject({ status: 409 });
    await expect(sandboxes.delete(box)).rejects.toMatchObject({ status: 409 });
    await stopping;
    expect(box.record.state).toBe("stopped");
  });

  it("ends a start that was under way when the server closed", async () => {
    const creating = sandboxes.create(wanted);
    await sandboxes.close();
    const box = await creating;
    expect(box.life).toBeUndefined();
    await expect(sandboxes.create({ ...wanted, name: "late" })).rejects.toMatchObject({ status: 503 });
  });
});
