/**
 * How the Daytona-compatible server begins and ends as a program of its own.
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
import { apiKey, eventually, findProcesses, marker, runInBackground } from "./daytona-fixture.ts";

describe("the end of the server", () => {
  const program = join(import.meta.dirname, "../../dev/daytona/main.ts");

  async function launch(state: string): Promise<{ child: ChildProcess; client: Daytona }> {
    const child = spawn(process.execPath, [program, "--port", "0", "--state", state], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
      const [, apiUrl] = /^ready on (\S+)$/.exec(line) ?? [];
      if (apiUrl) return { child, client: new Daytona({ apiKey, apiUrl, useDeprecatedPolling: true }) };
    }
    throw new Error("the server did not start");
  }

  for (const signal of ["SIGTERM", "SIGINT", "SIGKILL"] as const) {
    it(`by ${signal} ends every process in its sandboxes, and the next one takes up the state`, async () => {
      const state = await mkdtemp(join(tmpdir(), "taskloom-daytona-"));
      const { child, client } = await launch(state);
      const mark = marker();
      const box = await client.create({ name: "box" });
      await runInBackground(box, "s", `trap '' TERM HUP INT; setsid sleep ${mark} & sleep ${mark}`);
      await eventually(async () => (await findProcesses(mark)).length >= 2);
      child.kill(signal);
      const [code] = (await once(child, "exit")) as [number | null];
      expect(code).toBe(signal === "SIGKILL" ? null : 0);
      await eventually(async () => (await findProcesses(mark)).length === 0);
      const second = await launch(state);
      expect((await second.client.get("box")).state).toBe("stopped");
      second.child.kill("SIGTERM");
      await once(second.child, "exit");
      await rm(state, { recursive: true, force: true });
    });
  }

  it("comes with one clear line when the port is taken", async () => {
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
