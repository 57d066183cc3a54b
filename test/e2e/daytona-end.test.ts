/**
 * How the Daytona-compatible server starts and ends as a program of its own.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Daytona } from "@daytonaio/sdk";
import { describe, expect, it } from "vitest";
import { startDaytona } from "../../dev/daytona/server.ts";
import { apiKey, eventually, findProcesses, marker, runInBackground } from "./daytona-fixture.ts";

describe("the Daytona-compatible server", () => {
  const program = join(import.meta.dirname, "../../dev/daytona/main.ts");

  async function launch(state: string, port = 0): Promise<{ child: ChildProcess; client: Daytona; port: number }> {
    const child = spawn(process.execPath, [program, "--port", String(port), "--state", state], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
      const [, apiUrl] = /^ready on (\S+)$/.exec(line) ?? [];
      if (!apiUrl) continue;
      const taken = Number(new URL(apiUrl).port);
      return { child, port: taken, client: new Daytona({ apiKey, apiUrl, useDeprecatedPolling: true }) };
    }
    throw new Error("the server did not start");
  }

  for (const signal of ["SIGTERM", "SIGINT", "SIGKILL"] as const) {
    it(`ends every process in its sandboxes on ${signal}, and the next server loads its state`, async () => {
      const state = await mkdtemp(join(tmpdir(), "taskloom-daytona-"));
      const { child, client, port } = await launch(state);
      const mark = marker();
      const box = await client.create({ name: "box" });
      await runInBackground(box, "s", `trap '' TERM HUP INT; setsid sleep ${mark} & sleep ${mark}`);
      await eventually(async () => (await findProcesses(mark)).length >= 2);
      child.kill(signal);
      const [code] = (await once(child, "exit")) as [number | null];
      expect(code).toBe(signal === "SIGKILL" ? null : 0);
      await eventually(async () => (await findProcesses(mark)).length === 0);
      // On the same port, as `npm start` does it, so that links given out before keep working.
      const second = await launch(state, port);
      expect((await second.client.get("box")).state).toBe("stopped");
      second.child.kill("SIGTERM");
      await once(second.child, "exit");
      await rm(state, { recursive: true, force: true });
    });
  }

  it("starts only once when several start on one state at the same moment", async () => {
    const state = await mkdtemp(join(tmpdir(), "taskloom-daytona-"));
    for (let round = 0; round < 5; round += 1) {
      const starts = await Promise.allSettled([1, 2, 3].map(() => startDaytona({ port: 0, state, isolation: "none" })));
      const servers = starts.flatMap((start) => (start.status === "fulfilled" ? [start.value] : []));
      const reasons = starts.flatMap((start) => (start.status === "rejected" ? [String(start.reason)] : []));
      for (const server of servers) await server.close();
      expect(servers).toHaveLength(1);
      for (const reason of reasons) expect(reason).toContain("another server uses the state directory");
    }
    await rm(state, { recursive: true, force: true });
  });

  it("ends with one clear line when its port is taken", async () => {
    const state = await mkdtemp(join(tmpdir(), "taskloom-daytona-"));
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const child = spawn(process.execPath, [program, "--port", String(port), "--state", state]);
    let text = "";
    child.stderr.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
    const [code] = (await once(child, "close")) as [number];
    expect({ code, text }).toEqual({
      code: 1,
      text: `port ${port} is taken; choose another with --port\n`,
    });
    other.close();
    await rm(state, { recursive: true, force: true });
  });
});
