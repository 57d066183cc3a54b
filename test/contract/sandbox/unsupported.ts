/**
 * What Daytona offers and the double doesn't: it answers at once with a sentence and 501. A real Daytona is not tested,
 * because these tests are about the double.
 */
import { DaytonaError, Image } from "@daytonaio/sdk";
import { expect, it } from "vitest";
import { askApi, askToolbox, createFromImage, createSandbox, daytona, failureOf, sandbox } from "./place.ts";

/** Name → how the SDK requests it. */
const unsupported: Record<string, () => Promise<unknown>> = {
  "volumes: list": () => daytona().volume.list(),
  "volumes: make": () => daytona().volume.create("contract"),
  "volumes: mount": () => createSandbox({ volumes: [{ volumeId: "v", mountPath: "/mnt" }] }),
  "warm pools": () => daytona().warmPool.list(),
  "images with local files": () => createFromImage({ image: Image.base("python").addLocalFile("package.json", "/p") }),
  "language servers": async () => (await sandbox.createLspServer("python", "/tmp")).start(),
  "computer use": () => sandbox.computerUse.start(),
  "computer use: screenshots": () => sandbox.computerUse.screenshot.takeFullScreen(),
  "the code interpreter": () => sandbox.codeInterpreter.createContext(),
  "metrics of the past": () => sandbox.getMetrics(),
  "code by itself": () => sandbox.process.codeRun("1"),
  "replacements in files": () => sandbox.fs.replaceInFiles(["x"], "a", "b"),
  "links to files": () => sandbox.downloadUrl("x"),
};

export function describeUnsupported(): void {
  for (const [name, ask] of Object.entries(unsupported)) {
    it(name, async () => {
      const error = await failureOf(ask());
      expect(error).toBeInstanceOf(DaytonaError);
      expect(error.statusCode).toBe(501);
      expect(error.message).toMatch(/ /);
    });
  }

  it("a route that does not exist at all gets another answer", async () => {
    for (const response of [await askApi("/no-such-thing"), await askToolbox("/no-such-thing")]) {
      expect([404, 501]).toContain(response.status);
      expect(await response.json()).toMatchObject({ statusCode: response.status });
    }
  });
}
