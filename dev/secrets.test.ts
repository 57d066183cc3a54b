// Every user of a machine can read the arguments of its processes.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { readSecretFile } from "./secrets.ts";

const root = join(import.meta.dirname, "..");
const CANARY = "canary-of-an-argument";

let started: ChildProcess[] = [];
let folders: string[] = [];

afterEach(async () => {
  await Promise.all(
    started.map((child) => {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      return child.exitCode === null && child.signalCode === null ? ended : null;
    }),
  );
  started = [];
  // What is still running writes into them.
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })));
  folders = [];
});

function start(file: string, args: string[]): ChildProcess {
  const options = { cwd: root, env: { PATH: process.env.PATH }, stdio: "pipe" } as const;
  const child = spawn(process.execPath, [join(root, file), ...args], options);
  started.push(child);
  return child;
}

/** What `ps` shows of a process. */
function shown({ pid }: ChildProcess): Promise<string> {
  return readFile(`/proc/${pid}/cmdline`, "utf8");
}

async function untilHidden(child: ChildProcess): Promise<void> {
  while ((await shown(child)).includes(CANARY)) await wait(20);
}

describe.runIf(process.platform === "linux")("a secret in an argument", () => {
  it("of the stand-ins is hidden from ps", async () => {
    await untilHidden(start("dev/slack/main.ts", ["--port", "0", "--signing-secret", CANARY]));
    const state = await mkdtemp(join(tmpdir(), "taskloom-secrets-"));
    folders.push(state);
    await untilHidden(start("dev/daytona/main.ts", ["--port", "0", "--state", state, "--api-key", CANARY]));
  });
});

describe("a secret in a file", () => {
  it("is read without the end of its line, and refused where it is none", async () => {
    const folder = await mkdtemp(join(tmpdir(), "taskloom-secrets-"));
    const path = join(folder, "key");
    try {
      await writeFile(path, `${CANARY}\n`);
      expect(await readSecretFile("--key-file", path)).toBe(CANARY);
      for (const wrong of ["", " \n", "one\ntwo", "two words"]) {
        await writeFile(path, wrong);
        await expect(readSecretFile("--key-file", path)).rejects.toThrow("--key-file");
      }
      await expect(readSecretFile("--key-file", join(folder, "none"))).rejects.toThrow("--key-file");
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

/** A port that nothing uses just now; the server ends before it would. */
async function findPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe("npm start", () => {
  it("begins no server with a key that can be guessed", async () => {
    const state = await mkdtemp(join(tmpdir(), "taskloom-secrets-"));
    try {
      const file = join(state, "short-key");
      await writeFile(file, CANARY);
      const args = ["--port", `${await findPort()}`, "--state", state, "--api-key-file", file];
      const server = start("dev/start.ts", args);
      const said = await new Promise<string>((resolve) => {
        let text = "";
        server.stderr?.on("data", (chunk) => {
          text += String(chunk);
        });
        server.once("close", () => resolve(text));
      });
      expect(server.exitCode).toBe(1);
      expect(said).toMatch(/^ADMIN_API_KEY needs at least 32 characters/);
      expect(said).not.toContain(CANARY);
    } finally {
      await rm(state, { recursive: true, force: true });
    }
  });
});
