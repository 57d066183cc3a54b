/**
 * SSH into sandboxes of the Daytona-compatible server: with ssh2's client, and with the system's `ssh` where it exists.
 */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import type { Sandbox } from "@daytonaio/sdk";
import { Client, type ClientChannel } from "ssh2";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startDaytona } from "../../dev/daytona/server.ts";
import {
  awaitPort,
  connectClient,
  eventually,
  type Fixture,
  findProcesses,
  marker,
  runInBackground,
  startFixture,
} from "./daytona-fixture.ts";

let fixture: Fixture;
let sandbox: Sandbox;
let port: number;
let token: string;

beforeAll(async () => {
  // In 0.190 only the gateway may ask whether a token is valid.
  fixture = await startFixture({ mode: "0.218" });
  sandbox = await fixture.client.create();
  ({ port, token } = await enter());
});

afterAll(() => fixture.dispose());

function hasSsh(): boolean {
  return spawnSync("ssh", ["-V"]).status === 0;
}

async function enter(box = sandbox, minutes?: number): Promise<{ port: number; token: string }> {
  const access = await box.createSshAccess(minutes);
  const [, found = "", user = ""] = /^ssh -p (\d+) (\w+)@127\.0\.0\.1$/.exec(access.sshCommand) ?? [];
  expect(user).toBe(access.token);
  return { port: Number(found), token: user };
}

async function login(username = token, to = port): Promise<Client> {
  const client = new Client();
  client.connect({ host: "127.0.0.1", port: to, username });
  await once(client, "ready");
  client.on("error", () => {});
  return client;
}

function execute(client: Client, command: string): Promise<ClientChannel> {
  return promisify<string, ClientChannel>((line, done) => client.exec(line, done))(command);
}

interface Result {
  stdout: string;
  stderr: string;
  code: unknown;
}

async function finish(channel: ClientChannel): Promise<Result> {
  const closed = once(channel, "close");
  const [stdout, stderr, [code]] = await Promise.all([text(channel), text(channel.stderr), closed]);
  return { stdout, stderr, code };
}

async function run(command: string, input?: string, username = token): Promise<Result> {
  const client = await login(username);
  const channel = await execute(client, command);
  channel.end(input);
  const result = await finish(channel);
  client.end();
  return result;
}

describe("SSH access", () => {
  it("is a token with a command, an id and an expiry, and replaces the one before", async () => {
    const box = await fixture.client.create();
    const before = Date.now();
    const access = await box.createSshAccess(5);
    expect(access).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      sandboxId: box.id,
      token: expect.stringMatching(/^[A-Za-z0-9]{32}$/),
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
      expiresAt: expect.any(String),
      sshCommand: `ssh -p ${port} ${access.token}@127.0.0.1`,
    });
    expect(Date.parse(String(access.expiresAt)) - before).toBeGreaterThanOrEqual(5 * 60_000);
    expect(await box.validateSshAccess(access.token)).toEqual({ valid: true, sandboxId: box.id });
    const next = await box.createSshAccess();
    expect(await box.validateSshAccess(access.token)).toEqual({ valid: false, sandboxId: null });
    expect(await box.validateSshAccess(next.token)).toMatchObject({ valid: true });
    await box.revokeSshAccess(access.token);
    expect(await box.validateSshAccess(next.token)).toMatchObject({ valid: true });
    await box.revokeSshAccess(next.token);
    expect(await box.validateSshAccess(next.token)).toMatchObject({ valid: false });
    await expect(login(next.token)).rejects.toThrow("authentication methods failed");
    await box.delete();
  });

  it("is never part of the sandbox's own description, and needs an expiry within the limit", async () => {
    const shown = await fixture.client.get(sandbox.id);
    expect(JSON.stringify(shown)).not.toContain(token);
    for (const minutes of [-1, Number.NaN, 1e9]) {
      await expect(sandbox.createSshAccess(minutes)).rejects.toMatchObject({ statusCode: 400 });
    }
  });

  it("expires for new connections, and not for open ones", async () => {
    const box = await fixture.client.create();
    const short = await enter(box, 0.01);
    const client = await login(short.token);
    await eventually(async () => !(await box.validateSshAccess(short.token)).valid);
    await expect(login(short.token)).rejects.toThrow("authentication methods failed");
    expect((await finish(await execute(client, "echo in"))).stdout).toBe("in\n");
    client.end();
    await box.delete();
  });

  it("is refused without a valid token, with or without a password", async () => {
    await expect(login("root")).rejects.toThrow("authentication methods failed");
    const client = new Client();
    client.connect({ host: "127.0.0.1", port, username: "root", password: token });
    await expect(once(client, "ready")).rejects.toThrow();
    client.end();
  });
});

describe("a command over SSH", () => {
  it("has its exit code, both outputs and its input", async () => {
    expect(await run("pwd; echo oops >&2; exit 3")).toEqual({ stdout: "/home/daytona\n", stderr: "oops\n", code: 3 });
    expect(await run("cat; cat /nowhere", "a\nb\0é")).toMatchObject({ stdout: "a\nb\0é", code: 1 });
    expect(await run("kill -9 $$")).toMatchObject({ code: 137 });
    expect(await run("cat /dev/stdin >/dev/stderr", "by name")).toEqual({ stdout: "", stderr: "by name", code: 0 });
    expect(await run("exec true", "x".repeat(300_000))).toMatchObject({ code: 0 });
  });

  it("passes megabytes at the pace of the slower side", async () => {
    const input = "0123456789abcdef".repeat(500_000);
    const { stdout, stderr } = await run("tee /dev/stderr", input);
    expect([stdout === input, stderr === input]).toEqual([true, true]);
  });

  it("receives signals", async () => {
    const client = await login();
    const channel = await execute(client, "trap 'echo caught; exit 5' USR1; echo ready; while :; do sleep 0.05; done");
    await once(channel, "data");
    channel.signal("USR1");
    expect(await finish(channel)).toMatchObject({ stdout: "caught\n", code: 5 });
    client.end();
  });

  it("is not an unknown subsystem", async () => {
    const client = await login();
    await expect(promisify((done: (error?: Error) => void) => client.subsys("nonsense", done))()).rejects.toThrow();
    client.end();
  });

  it("may leave a server running when its client disconnects", async () => {
    const mark = marker();
    const client = await login();
    await execute(client, `nohup sleep ${mark} >/dev/null 2>&1 & sleep 0.1; cat`);
    await eventually(async () => (await findProcesses(mark)).length > 0);
    client.end();
    await once(client, "close");
    expect((await run("echo next")).stdout).toBe("next\n");
    expect(await findProcesses(`sleep\0${mark}`)).not.toEqual([]);
  });
});

describe("a shell over SSH", () => {
  async function openShell(client: Client, size = { cols: 90, rows: 20, term: "vt100" }): Promise<ClientChannel> {
    return promisify<object, ClientChannel>((window, done) => client.shell(window, done))(size);
  }

  it("is a terminal of the client's size, with its exit code", async () => {
    const client = await login();
    const shell = await openShell(client);
    const ended = once(shell, "close");
    shell.write("stty size; echo $TERM; tty\n");
    let shown = "";
    await new Promise<void>((resolve) => {
      shell.on("data", (data: Buffer) => {
        shown += data.toString();
        if (/^\/dev\/pts\/\d/m.test(shown)) resolve();
      });
    });
    shell.write(`until [ "$(stty size)" = "33 101" ]; do sleep 0.02; done; exit 4\n`);
    shell.setWindow(33, 101, 0, 0);
    const [code] = await ended;
    for (const part of [/20 90\r\n/, /^vt100\r\n/m]) expect(shown).toMatch(part);
    expect(code).toBe(4);
    client.end();
  });

  it("is hung up when its client disconnects, and not listed among the terminals with an id", async () => {
    const mark = marker();
    const client = await login();
    const shell = await openShell(client);
    shell.write(`sleep ${mark}\n`);
    await eventually(async () => (await findProcesses(`sleep\0${mark}`)).length > 0);
    expect(await sandbox.process.listPtySessions()).toEqual([]);
    client.end();
    await eventually(async () => (await findProcesses(`sleep\0${mark}`)).length === 0);
  });

  it("without a terminal reads commands from its input", async () => {
    const client = await login();
    const shell = await promisify<ClientChannel>((done) => client.shell(false, done))();
    shell.end("echo one\nexit 6\n");
    expect(await finish(shell)).toEqual({ stdout: "one\n", stderr: "", code: 6 });
    client.end();
  });
});

describe("a port over SSH", () => {
  const reach = (client: Client, host: string, to: number): Promise<ClientChannel> =>
    promisify<ClientChannel>((done) => client.forwardOut("127.0.0.1", 0, host, to, done))();

  it("is one of the sandbox and of nothing else", async () => {
    const server = `require("http").createServer((q, s) => s.end("from the sandbox")).listen(3000, "127.0.0.1")`;
    await sandbox.fs.uploadFile(Buffer.from(server), "server.cjs");
    await runInBackground(sandbox, "server", "node server.cjs");
    await awaitPort(sandbox, 3000);
    const client = await login();
    const channel = await reach(client, "localhost", 3000);
    channel.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    expect(await text(channel)).toContain("from the sandbox");
    await expect(reach(client, "localhost", fixture.server.port)).rejects.toThrow();
    await expect(reach(client, "example.com", 80)).rejects.toThrow();
    client.end();
  });
});

describe.skipIf(!hasSsh())("the ssh command that the API returns", () => {
  const options = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"];

  function start(args: string[]): ChildProcessWithoutNullStreams {
    return spawn("ssh", ["-F", "none", ...options, "-p", String(port), `${token}@127.0.0.1`, ...args]);
  }

  it("works unchanged, for a command and for a shell", async () => {
    const command = start(["cat; echo oops >&2; exit 3"]);
    command.stdin.end("piped");
    const end = once(command, "close");
    expect(await Promise.all([text(command.stdout), text(command.stderr)])).toEqual(["piped", "oops\n"]);
    expect((await end)[0]).toBe(3);
    const shell = start(["-tt"]);
    const shellEnd = once(shell, "close");
    shell.stdin.write("tty; exit 4\n");
    expect(await text(shell.stdout)).toMatch(/\/dev\/pts\/\d/);
    expect((await shellEnd)[0]).toBe(4);
  });
});

describe("the SSH gateway", () => {
  it("ends connections when their sandbox stops, and gives later clients the reason", async () => {
    const box = await fixture.client.create();
    const { token: own } = await enter(box);
    const client = await login(own);
    const ended = finish(await execute(client, "echo up; sleep 1000"));
    const closed = once(client, "close");
    await box.stop();
    await closed;
    expect(await ended).toMatchObject({ code: undefined });
    expect(await run("true", "", own)).toEqual({
      stdout: "",
      stderr: "Sandbox is not started (state: stopped). Start it, then connect again.\r\n",
      code: 255,
    });
    await box.start();
    expect((await run("echo again", "", own)).stdout).toBe("again\n");
    await box.delete();
    await expect(login(own)).rejects.toThrow("authentication methods failed");
  });

  it("ends with the server, and has its key and its port again with the next one", async () => {
    const state = await mkdtemp(join(tmpdir(), "taskloom-daytona-"));
    const first = await startDaytona({ port: 0, state, isolation: "bubblewrap" });
    const own = await enter(await connectClient(first).create());
    const path = join(state, "ssh-host-key");
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const key = await readFile(path, "utf8");
    const client = await login(own.token, own.port);
    const closed = once(client, "close");
    await first.close();
    await closed;
    await expect(login(own.token, own.port)).rejects.toThrow("ECONNREFUSED");
    const second = await startDaytona({ port: 0, state, isolation: "bubblewrap" });
    (await login(own.token, own.port)).end();
    expect(await readFile(path, "utf8")).toBe(key);
    await second.close();
    await rm(state, { recursive: true, force: true });
  });

  it("survives clients that send garbage", async () => {
    const { connect } = await import("node:net");
    for (const bytes of ["GET / HTTP/1.1\r\n\r\n", `SSH-2.0-x\r\n${"\0".repeat(1000)}`, Buffer.alloc(100_000, 255)]) {
      const socket = connect(port, "127.0.0.1");
      socket.on("error", () => {});
      socket.end(bytes);
      socket.resume();
      await once(socket, "close");
    }
    expect((await run("echo alive")).stdout).toBe("alive\n");
  });
});
