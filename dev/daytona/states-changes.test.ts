import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createParts, type Parts, type PartsOptions } from "./parts.ts";
import type { NewSandbox, Sandbox, SandboxState } from "./sandboxes.ts";
import type { Ongoing } from "./states.ts";

let folder: string;
let parts: Parts;

const minuteMs = 60_000;
const wanted: NewSandbox = {
  name: "box",
  user: "daytona",
  env: {},
  labels: {},
  public: false,
  networkBlockAll: false,
  networkAllowList: undefined,
  domainAllowList: undefined,
  target: "local",
  snapshot: undefined,
  buildInfo: undefined,
  image: { env: {} },
  cpu: 1,
  gpu: 0,
  memory: 1,
  disk: 3,
  autoStopInterval: 15,
  autoArchiveInterval: 60,
  autoDeleteInterval: -1,
  autoDestroyAt: undefined,
};

async function open(options: PartsOptions = {}): Promise<void> {
  const place = { stateDirectory: folder, socketsDirectory: join(folder, "s"), etc: folder, refusal: undefined };
  parts = await createParts(options, { ...place, isolation: "none", privateUrlsAllowed: false });
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "taskloom-box-"));
  await open();
});

afterEach(async () => {
  await parts.changes.close();
  await rm(folder, { recursive: true, force: true });
});

async function create(more: Partial<NewSandbox> = {}): Promise<Sandbox> {
  const { sandbox, done } = await parts.origins.create({ ...wanted, ...more });
  await done;
  return sandbox;
}

async function finish(ongoing: Promise<Ongoing>): Promise<void> {
  await (await ongoing).done;
}

describe("sweep", () => {
  it("stops an idle sandbox, archives a stopped one, and does neither where the interval is off", async () => {
    const { record } = await create();
    const start = Date.now();
    await parts.changes.sweep(start + 14 * minuteMs);
    expect(record.state).toBe("started");
    await parts.changes.sweep(start + 16 * minuteMs);
    expect(record.state).toBe("stopped");
    await parts.changes.sweep(start + 59 * minuteMs);
    expect(record.state).toBe("stopped");
    await parts.changes.sweep(start + 100 * minuteMs);
    expect(record.state).toBe("archived");
    await parts.changes.sweep(start + 1e6 * minuteMs);
    expect(parts.sandboxes.all()).toHaveLength(1);
  });

  it("deletes what has been stopped for its interval, and never stops what may run for ever", async () => {
    const box = await create({ autoStopInterval: 0, autoDeleteInterval: 5 });
    await parts.changes.sweep(Date.now() + 1e6 * minuteMs);
    expect(box.record.state).toBe("started");
    await finish(parts.changes.stop(box));
    await parts.changes.sweep(Date.now() + 6 * minuteMs);
    expect(parts.sandboxes.all()).toEqual([]);
  });

  it("counts from the last activity", async () => {
    const box = await create();
    box.record.lastActivityAt = new Date(Date.now() - 20 * minuteMs).toISOString();
    parts.sandboxes.touch(box);
    await parts.changes.sweep(Date.now());
    expect(box.record.state).toBe("started");
  });
});

describe("a change of state", () => {
  it("is rejected while another one is under way", async () => {
    const box = await create();
    const stopping = parts.changes.stop(box);
    await expect(parts.changes.start(box)).rejects.toMatchObject({ status: 409 });
    await expect(parts.changes.delete(box)).rejects.toMatchObject({ status: 409 });
    await finish(stopping);
    expect(box.record.state).toBe("stopped");
  });

  it("ends when the server closes during a start", async () => {
    const creating = create();
    await parts.changes.close();
    const box = await creating;
    expect(box.life).toBeUndefined();
    await expect(create({ name: "late" })).rejects.toMatchObject({ status: 503 });
  });

  it("leaves an error with its reason when a start fails, and recovers once the cause is gone", async () => {
    const box = await create();
    await finish(parts.changes.stop(box));
    // Puts a file where the folder of the sockets belongs.
    await rm(join(folder, "s"), { recursive: true });
    await writeFile(join(folder, "s"), "");
    await finish(parts.changes.start(box));
    expect(box.record).toMatchObject({ state: "error", recoverable: true, errorReason: expect.stringMatching(/./) });
    await rm(join(folder, "s"));
    await finish(parts.changes.recover(box, false));
    expect(box.record).toMatchObject({ state: "started", recoverable: false, errorReason: undefined });
    await expect(parts.changes.recover(box, false)).rejects.toMatchObject({ status: 400 });
  });

  it("passes through the transitional states, each for as long as it is held", async () => {
    const seen: SandboxState[] = [];
    await open({
      mode: "0.218",
      linger: async (state) => {
        seen.push(state);
      },
    });
    const box = await create({ name: "slow" });
    const { changes } = parts;
    await finish(changes.stop(box));
    await finish(changes.resize(box, { disk: 4 }));
    await finish(changes.archive(box));
    await finish(changes.start(box));
    await finish(changes.stop(box));
    await finish(changes.start(box));
    await finish(changes.delete(box));
    const stops = ["stopping", "resizing", "archiving", "restoring", "stopping", "starting", "destroying"];
    expect(seen).toEqual(["creating", ...stops]);
  });

  it("ends with the server while it is held in a transitional state", async () => {
    await open({ linger: () => new Promise(() => {}) });
    const { sandbox, done } = await parts.origins.create({ ...wanted, name: "held" });
    expect(sandbox.record.state).toBe("creating");
    await parts.changes.close();
    await done;
    expect(sandbox.record.state).toBe("stopped");
  });
});

describe("quotas", () => {
  it("bound one sandbox by its size, and all together by what runs and what is stored", async () => {
    await open({ quotas: { perSandbox: { cpu: 4, memory: 8, disk: 10 }, total: { cpu: 2, disk: 10 } } });
    const message = /^CPU request 5 exceeds maximum allowed per sandbox \(4\)/;
    await expect(create({ cpu: 5 })).rejects.toMatchObject({ status: 400, message: expect.stringMatching(message) });
    const first = await create({ name: "first", cpu: 2 });
    await expect(create({ name: "second" })).rejects.toMatchObject({ status: 400 });
    await finish(parts.changes.stop(first));
    const second = await create({ name: "second" });
    await expect(parts.changes.start(first)).rejects.toMatchObject({ status: 400 });
    await expect(create({ name: "third", disk: 5 })).rejects.toMatchObject({ status: 400 });
    await finish(parts.changes.archive(first));
    await create({ name: "third", disk: 5 });
    await expect(parts.changes.resize(second, { cpu: 2 })).rejects.toMatchObject({ status: 400 });
  });
});
