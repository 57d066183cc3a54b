/** What a sandbox is built from: images, snapshots, resources. */
import { DaytonaError, Image, type Sandbox } from "@daytonaio/sdk";
import { describe, expect, it } from "vitest";
import {
  askApi,
  createFromImage,
  createSandbox,
  daytona,
  failureOf,
  makeName,
  makeSnapshotName,
  place,
  sandbox,
  skipWithoutRoute,
  statusOf,
} from "./place.ts";

async function refusal(promise: Promise<unknown>): Promise<string> {
  const error = (await failureOf(promise)) as DaytonaError;
  expect(error.statusCode).toBe(400);
  return error.message;
}

export function describeBuilds(): void {
  describe("an image", () => {
    it("is built, with its log, and its variables and files are in the sandbox", async () => {
      const image = Image.base("python:3.12-slim")
        .env({ BUILT_WITH: "love" })
        .runCommands("mkdir -p /home/daytona/contract && echo built > /home/daytona/contract/file");
      const log: string[] = [];
      const made = await createFromImage({ image }, (chunk) => log.push(chunk));
      expect(made.state).toBe("started");
      expect(log.join("\n")).toContain("/home/daytona/contract");
      expect((await made.process.executeCommand("cat /home/daytona/contract/file; echo $BUILT_WITH")).result).toBe(
        "built\nlove\n",
      );
      await made.refreshData();
      expect(made.buildInfo?.dockerfileContent).toContain("FROM python:3.12-slim");
      await made.delete();
    });

    it("whose build fails is reported with the state and a reason", async () => {
      const name = makeName();
      const image = Image.base("python:3.12-slim").runCommands("echo going wrong; exit 9");
      const error = await failureOf(createFromImage({ image, name }));
      expect(error.message).toMatch(/build_failed|error/);
      const failed = await daytona().get(name);
      expect(["build_failed", "error"]).toContain(failed.state);
      expect(failed.errorReason).toMatch(/./);
      await failed.delete();
    });

    it("brings the requested resources, within limits", async () => {
      const image = Image.base("python:3.12-slim");
      const made = await createFromImage({ image, resources: { cpu: 1, memory: 1, disk: 4 } });
      expect(made).toMatchObject({ cpu: 1, memory: 1, disk: 4 });
      await made.delete();
      const greedy = createFromImage({ image, resources: { cpu: 4_096 } });
      const error = await failureOf(greedy);
      // 400 above the limit of one sandbox, 403 above the limit of all.
      expect([400, 403]).toContain(error.statusCode);
      expect(error.message).toMatch(/cpu/i);
    });
  });

  describe("a snapshot", () => {
    it("that does not exist is reported as such, and nothing is built from it", async () => {
      const name = makeName("nobody");
      expect(await statusOf(daytona().snapshot.get(name))).toBe(404);
      const error = await failureOf(createSandbox({ snapshot: name }));
      expect([400, 404]).toContain(error.statusCode);
      expect(error.message).toContain(name);
    });

    it("is built from an image, listed, used and deleted", async () => {
      const name = makeSnapshotName();
      const image = Image.base("python:3.12-slim").runCommands(
        "mkdir -p /home/daytona/contract && echo kept > /home/daytona/contract/f",
      );
      const log: string[] = [];
      const made = await daytona().snapshot.create({ name, image }, { onLogs: (line) => log.push(line) });
      try {
        expect(made).toMatchObject({ name, state: "active" });
        expect(log.at(-1)).toContain(name);
        expect((await daytona().snapshot.get(made.id)).name).toBe(name);
        const { items, total } = await daytona().snapshot.list({ limit: 100 });
        expect(total).toBeGreaterThanOrEqual(1);
        expect(items.map((item) => item.name)).toContain(name);
        const duplicate = await failureOf(daytona().snapshot.create({ name, image }));
        expect(duplicate.statusCode).toBe(409);
        const box = await createSandbox({ snapshot: name });
        expect(box.snapshot).toBe(name);
        expect((await box.process.executeCommand("cat /home/daytona/contract/f")).result).toBe("kept\n");
        await box.delete();

        expect(await refusal(daytona().snapshot.activate(made))).toContain("already active");
        const put = await askApi(`/snapshots/${made.id}/deactivate`, { method: "POST" });
        expect(put.status).toBe(204);
        expect(await refusal(createSandbox({ snapshot: name }))).toContain("is inactive");
        // For ten minutes a real one reports that the deactivation is still in progress.
        const again = await daytona()
          .snapshot.activate(made)
          .catch((error: DaytonaError) => error);
        if (again instanceof DaytonaError) expect(again.message).toContain("still in progress");
        else expect(["active", "pulling", "pending"]).toContain(again.state);
      } finally {
        await daytona().snapshot.delete(made);
      }
      expect(await statusOf(daytona().snapshot.get(name))).toBe(404);
    });

    it("is taken of a sandbox, files included", async ({ skip }) => {
      const name = makeSnapshotName();
      const origin = await createSandbox();
      await origin.fs.uploadFile(Buffer.from("as it was"), "kept.txt");
      const [failure] = await Promise.allSettled([origin.createSnapshot(name)]);
      // Not every class of sandbox and every version can; then it reports that.
      if (failure.status === "rejected") {
        expect([422, 501]).toContain((failure.reason as DaytonaError).statusCode);
        await origin.delete();
        skip("no snapshots of sandboxes");
      }
      try {
        await origin.fs.uploadFile(Buffer.from("changed"), "kept.txt");
        const copy = await createSandbox({ snapshot: name });
        expect((await copy.fs.downloadFile("kept.txt")).toString()).toBe("as it was");
        await Promise.all([copy.delete(), origin.delete()]);
      } finally {
        await daytona().snapshot.delete(name);
      }
    });
  });

  describe("resources", () => {
    async function withSandbox(act: (made: Sandbox) => Promise<void>): Promise<void> {
      const made = await createSandbox();
      await act(made);
      await made.delete();
    }

    it("grow while the sandbox runs, and are replaced when it is stopped", async ({ skip }) => {
      // The flag sandbox_resize of 0.190 is off unless an operator sets it.
      await skipWithoutRoute(skip, "POST", `/sandbox/${sandbox.id}/resize`);
      await withSandbox(async (made) => {
        const { cpu, memory, disk } = made;
        await made.resize({ cpu: cpu + 1, memory: memory + 1 });
        expect(made).toMatchObject({ cpu: cpu + 1, memory: memory + 1, state: "started" });
        expect((await made.process.executeCommand("echo on")).result).toBe("on\n");
        expect(await refusal(made.resize({ cpu }))).toMatch(/stopped/);
        expect(await refusal(made.resize({ disk: disk + 1 }))).toMatch(/stopped/);
        expect(await refusal(made.resize({}))).toMatch(/No resource changes/);
        await made.stop();
        await made.resize({ cpu, memory, disk: disk + 1 });
        await made.refreshData();
        expect(made).toMatchObject({ cpu, memory, disk: disk + 1, state: "stopped" });
        expect(await refusal(made.resize({ disk }))).toMatch(/decreased/);
      });
    });
  });

  describe("build logs", () => {
    it("are empty where nothing was built", async () => {
      const response = await askApi(`/sandbox/${place.sandbox.id}/build-logs-url`);
      expect(response.status).toBe(404);
      await response.body?.cancel();
    });
  });
}
