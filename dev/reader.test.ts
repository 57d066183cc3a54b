// `npm run … | head`: the reader of a program's output leaves before its end.
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, type Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { watchReader } from "./reader.ts";

const root = join(import.meta.dirname, "..");

type Child = ChildProcessByStdio<null, Readable, Readable>;
let started: Child[] = [];

afterEach(async () => {
  const running = started.filter((child) => child.exitCode === null && child.signalCode === null);
  await Promise.all(running.map((child) => [once(child, "exit"), child.kill("SIGKILL")][0]));
  started = [];
});

/** Nobody reads what it prints, from the first line on. */
function startUnread(file: string, args: string[]): Child {
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", join(root, file), ...args], {
    cwd: root,
    env: { PATH: process.env.PATH },
    stdio: ["ignore", "pipe", "pipe"],
  });
  child.stdout.destroy();
  started.push(child);
  return child;
}

describe("a program whose reader has left", () => {
  it("ends without a word", async () => {
    const folder = await mkdtemp(join(tmpdir(), "taskloom-reader-"));
    const keys = ["--set", "OPENAI_API_KEY=any", "--set", "DAYTONA_API_KEY=any"];
    const children = [
      startUnread("dev/setup/main.ts", ["--yes", "--no-check", "--folder", folder, ...keys]),
      startUnread("dev/deploy/main.ts", ["--help"]),
    ];
    const ends = children.map((child) => Promise.all([text(child.stderr), once(child, "exit")]));
    for (const [said, [code]] of await Promise.all(ends)) expect([said, code]).toEqual(["", 1]);
    await rm(folder, { recursive: true });
  });

  it("stays if it is a server", async () => {
    const port = await freePort();
    const child = startUnread("dev/model/main.ts", ["--port", String(port)]);
    const ask = () => fetch(`http://127.0.0.1:${port}/v1/models`).then(({ status }) => status);
    let first: number | null = null;
    // It prints once it listens, before it answers.
    while (first === null && child.exitCode === null) first = await ask().catch(() => wait(20).then(() => null));
    expect([first, await ask()]).toEqual([200, 200]);
  });

  it("is told once, and what else can be wrong with an output", () => {
    const heard: (string | null)[] = [];
    const open = () => ({ stdout: new PassThrough(), stderr: new PassThrough() });
    const [left, full] = [open(), open()];
    for (const outputs of [left, full]) watchReader((problem) => heard.push(problem), outputs);
    const gone = Object.assign(new Error("write EPIPE"), { code: "EPIPE" });
    left.stdout.emit("error", gone);
    left.stderr.emit("error", gone);
    full.stdout.emit("error", Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" }));
    expect(heard).toEqual([null, "the output can't be written: ENOSPC: no space left on device"]);
  });

  it("is each that an npm script starts and that prints", async () => {
    const { scripts } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
    const files = Object.values(scripts as Record<string, string>).flatMap(
      (command) =>
        /node (?:--\S+ )*(dev\/\S+\.ts)/.exec(command)?.[1]?.replace("dev/start.ts", "dev/start/main.ts") ?? [],
    );
    expect(files).toContain("dev/deploy/main.ts");
    for (const file of files) {
      expect(await readFile(join(root, file), "utf8"), file).toMatch(/(endWith|outlive)Reader\(/);
    }
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}
