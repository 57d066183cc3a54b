import { describe, expect, it } from "vitest";
import { createSandbox, daytona, makeName, statusOf } from "./place.ts";

export function describeStates(): void {
  describe("a stop", () => {
    it("keeps the files and ends the processes; a start gives a new preview token", async () => {
      const made = await createSandbox();
      await made.fs.uploadFile(Buffer.from("kept"), "kept.txt");
      await made.process.createSession("gone");
      const { token } = await made.getPreviewLink(3000);

      // A started sandbox stays as it is (start in apps/api/src/sandbox/services/sandbox.service.ts).
      await made.start();
      expect((await made.getPreviewLink(3000)).token).toBe(token);
      await made.stop();
      expect(made.state).toBe("stopped");
      expect(await statusOf(made.stop())).toBe(400);
      // 400 "… Is the Sandbox started?" once the proxy has checked; 502 just before.
      expect([400, 502]).toContain(await statusOf(made.process.executeCommand("true")));

      await made.start();
      expect(made.state).toBe("started");
      expect((await made.fs.downloadFile("kept.txt")).toString()).toBe("kept");
      expect(await statusOf(made.process.getSession("gone"))).toBe(404);
      // The server may keep the former answer for a second (apps/api/src/sandbox/services/sandbox.service.ts).
      const readToken = async () => (await made.getPreviewLink(3000)).token;
      await expect.poll(readToken, { timeout: 20_000, interval: 200 }).not.toBe(token);
      await made.delete();
    });

    it("is the end of an ephemeral sandbox", async () => {
      const made = await createSandbox({ ephemeral: true });
      expect(made.autoDeleteInterval).toBe(0);
      await made.stop();
      expect(await statusOf(daytona().get(made.id))).toBe(404);
    });
  });

  describe("an archive", () => {
    it("takes a stopped sandbox, and returns it with its files", async () => {
      const made = await createSandbox();
      await made.fs.uploadFile(Buffer.from("kept"), "kept.txt");
      expect(await statusOf(made.archive())).toBe(400);
      await made.stop();
      await made.archive();
      while (made.state === "archiving") {
        await new Promise((resolve) => setTimeout(resolve, 1_000));
        await made.refreshData();
      }
      expect(made.state).toBe("archived");
      await made.start(240);
      expect((await made.fs.downloadFile("kept.txt")).toString()).toBe("kept");
      await made.delete();
    });
  });

  describe("a deletion", () => {
    it("takes started and stopped ones, frees the name, and fails a second time", async () => {
      const name = makeName();
      const first = await createSandbox({ name });
      await first.delete(60, true);
      expect(await statusOf(daytona().get(name))).toBe(404);
      expect(await statusOf(first.delete())).toBe(404);
      const second = await createSandbox({ name });
      expect(second.id).not.toBe(first.id);
      // Its id leads to it at once; its name does when a cache of ten seconds has expired
      // (apps/api/src/sandbox/utils/sandbox-lookup-cache.util.ts).
      expect((await daytona().get(second.id)).name).toBe(name);
      expect([200, 404]).toContain(
        await daytona()
          .get(name)
          .then(
            () => 200,
            (error: { statusCode?: number }) => error.statusCode,
          ),
      );
      await second.stop();
      await second.delete(60, true);
      expect(await statusOf(daytona().get(second.id))).toBe(404);
    });
  });
}
