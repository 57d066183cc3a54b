/**
 * Pseudo-terminals of the Daytona-compatible server, through the SDK and through plain WebSockets.
 */
import { once } from "node:events";
import type { PtyHandle, Sandbox } from "@daytonaio/sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import {
  apiKey,
  eventually,
  type Fixture,
  findProcesses,
  marker,
  openPty,
  startFixture,
  visit,
} from "./daytona-fixture.ts";
import { ask, Screen } from "./terminal-screen.ts";

let fixture: Fixture;
let sandbox: Sandbox;

beforeAll(async () => {
  process.env.TASKLOOM_TEST_SECRET = "secret-of-the-server";
  fixture = await startFixture();
  sandbox = await fixture.client.create();
});

afterAll(async () => {
  delete process.env.TASKLOOM_TEST_SECRET;
  await fixture.dispose();
});

async function open(
  id: string,
  options: Record<string, unknown> = {},
  box = sandbox,
): Promise<{ handle: PtyHandle; screen: Screen }> {
  const screen = new Screen();
  return { handle: await openPty(box, { id, onData: screen.show, ...options }), screen };
}

async function connect(id: string): Promise<{ handle: PtyHandle; screen: Screen }> {
  const screen = new Screen();
  return { handle: await sandbox.process.connectPty(id, { onData: screen.show }), screen };
}

function toolbox(path: string, box = sandbox): string {
  return `http://127.0.0.1:${fixture.server.port}/toolbox/${box.id}${path}`;
}

function rest(method: string, path: string, body?: unknown): Promise<{ status: number; body: string }> {
  return visit(toolbox(path), {
    method,
    headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

function dial(path: string, protocols: string[] = [], headers = { authorization: `Bearer ${apiKey}` }): WebSocket {
  return new WebSocket(toolbox(path).replace("http", "ws"), protocols, { headers });
}

/** The text frames of a socket until its end, and how it ended. */
async function readControls(socket: WebSocket): Promise<{ controls: unknown[]; code: number; reason: string }> {
  const controls: unknown[] = [];
  socket.on("message", (data, isBinary) => {
    if (!isBinary) controls.push(JSON.parse(String(data)));
  });
  const [code, reason] = (await once(socket, "close")) as [number, Buffer];
  return { controls, code, reason: String(reason) };
}

describe("a terminal", () => {
  it("is a login shell with a size, variables and a folder", async () => {
    await sandbox.fs.createFolder("work", "755");
    const terminal = await open("settings", { cols: 100, rows: 30, cwd: "work", envs: { GREETING: "hé 'quoted'" } });
    expect(await ask(terminal, 'echo "$(stty size) $TERM $GREETING $PWD $-; shopt login_shell"')).toMatch(
      /^30 100 xterm-256color hé 'quoted' \/home\/daytona\/work \w*i\w*/,
    );
    expect(await ask(terminal, "shopt login_shell")).toContain("on");
    await terminal.handle.kill();
  });

  it("has a new size as soon as it is resized", async () => {
    const terminal = await open("sized");
    expect(await ask(terminal, "stty size")).toBe("24 80");
    expect(await terminal.handle.resize(120, 40)).toMatchObject({ id: "sized", cols: 120, rows: 40, active: true });
    expect(await ask(terminal, "stty size")).toBe("40 120");
    await terminal.handle.kill();
  });

  it("passes keys on: Ctrl+C ends a program, Ctrl+D the shell", async () => {
    const { handle, screen } = await open("keys");
    const mark = marker();
    await handle.sendInput(`sleep ${mark}\n`);
    await eventually(async () => (await findProcesses(`sleep\0${mark}`)).length > 0);
    await handle.sendInput(new Uint8Array([3]));
    // Keys before the next prompt may be lost: a shell drops what was typed beside a Ctrl+C, and the kernel hands
    // readline a Ctrl+D as a zero byte if it came while the terminal still edited lines by itself.
    await screen.shows(/\^C.*[$#] $/s);
    screen.text = "";
    await handle.sendInput("echo sta''tus $?\n");
    await screen.shows(/status 130.*[$#] $/s);
    screen.text = "";
    await handle.sendInput("true\n");
    await screen.shows(/[$#] $/);
    await handle.sendInput(new Uint8Array([4]));
    expect(await handle.wait()).toEqual({ exitCode: 0, error: undefined });
  });

  it("reports how its shell ended", async () => {
    const ends: [string, unknown][] = [
      ["exit 0", { exitCode: 0, error: undefined }],
      ["exit 3", { exitCode: 3, error: "non-zero exit" }],
      ["kill -9 $$", { exitCode: 137, error: "SIGKILL" }],
      ["exit 130", { exitCode: 130, error: "Ctrl+C" }],
      ["kill -15 $$; exit 143", { exitCode: 143, error: "SIGTERM" }],
      ["kill -1 $$", { exitCode: 129, error: "signal 1" }],
    ];
    for (const [command, end] of ends) {
      const { handle } = await open("ends");
      await handle.sendInput(`${command}\n`);
      expect(await handle.wait()).toEqual(end);
      expect(await sandbox.process.listPtySessions()).toEqual([]);
    }
  });
});

describe("the connections of a terminal", () => {
  it("share one shell, and may all end before it", async () => {
    const first = await open("shared");
    const second = await connect("shared");
    await first.handle.sendInput("HERE=still; echo one''two\n");
    await Promise.all([first.screen.shows("onetwo"), second.screen.shows("onetwo")]);
    await first.handle.disconnect();
    await second.handle.disconnect();
    const third = await connect("shared");
    expect(await ask(third, "echo $HERE")).toBe("still");
    // As with the real daemon, earlier output is not sent again.
    expect(third.screen.text).not.toContain("onetwo");
    await third.handle.kill();
    expect(await third.handle.wait()).toEqual({ exitCode: 137, error: "SIGKILL" });
  });

  it("get the exit in a control frame where they request it, and in the close reason", async () => {
    expect((await rest("POST", "/process/pty", { id: "told" })).status).toBe(201);
    const [asks, plain] = [
      dial("/process/pty/told/connect", ["X-Daytona-Pty-Exit-Control"]),
      dial("/process/pty/told/connect"),
    ];
    const ends = Promise.all([readControls(asks), readControls(plain)]);
    await Promise.all([once(asks, "open"), once(plain, "open")]);
    asks.send("exit 7\n");
    const connected = { type: "control", status: "connected" };
    const exit = { exitCode: 7, exitReason: "non-zero exit" };
    expect(await ends).toEqual([
      {
        controls: [connected, { type: "control", status: "exited", ...exit }],
        code: 1011,
        reason: JSON.stringify(exit),
      },
      { controls: [connected], code: 1011, reason: JSON.stringify(exit) },
    ]);
  });

  it("carry any byte in both directions, in messages of up to 64 KiB", async () => {
    await rest("POST", "/process/pty", { id: "bytes" });
    const socket = dial("/process/pty/bytes/connect");
    const chunks: Buffer[] = [];
    socket.on("message", (data, isBinary) => isBinary && chunks.push(data as Buffer));
    await once(socket, "open");
    const received = (part: Buffer): Promise<void> => eventually(async () => Buffer.concat(chunks).includes(part));
    socket.send("stty raw -echo; echo rea''dy; exec head -c 70256 | tail -c 256\n");
    await received(Buffer.from("ready"));
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
    socket.send(Buffer.alloc(65_536, "x"));
    socket.send(Buffer.concat([Buffer.alloc(4_464, "x"), bytes]));
    await received(bytes);
    await sandbox.process.killPtySession("bytes");
    await rest("POST", "/process/pty", { id: "big" });
    const big = dial("/process/pty/big/connect");
    await once(big, "open");
    big.send(Buffer.alloc(65_537));
    expect((await once(big, "close"))[0]).toBe(1009);
    await sandbox.process.killPtySession("big");
  });

  it("block neither each other nor the shell: one that stops reading is closed", async () => {
    const printed = 12_000_000;
    let [received, end] = [0, Buffer.alloc(0)];
    const isDone = Promise.withResolvers<void>();
    const handle = await openPty(sandbox, {
      id: "flood",
      onData: (data) => {
        received += data.length;
        end = Buffer.concat([end, data]).subarray(-100);
        if (end.includes("done")) isDone.resolve();
      },
    });
    const slow = dial("/process/pty/flood/connect");
    await once(slow, "open");
    slow.pause();
    await handle.sendInput(`head -c ${printed} /dev/zero | tr '\\0' x; echo; echo do''ne\n`);
    await isDone.promise;
    expect(received).toBeGreaterThanOrEqual(printed);
    let bytes = 0;
    slow.on("message", (data) => {
      bytes += (data as Buffer).length;
    });
    slow.resume();
    const [code, reason] = (await once(slow, "close")) as [number, Buffer];
    expect([code, String(reason)]).toEqual([1008, "slow consumer"]);
    expect(bytes).toBeLessThan(printed);
    await handle.kill();
  });

  it("are refused for a terminal that doesn't exist or can't start, and leave nothing behind", async () => {
    await expect(connect("nowhere")).rejects.toThrow("PTY session nowhere not found");
    await expect(open("wide", { cols: 1001 })).rejects.toThrow("invalid value for cols");
    await expect(open("lost", { cwd: "/nowhere" })).rejects.toThrow("file not found");
    await expect(open("odd", { envs: { "A B": "c" } })).rejects.toThrow("invalid environment variable name");
    const taken = await open("taken");
    await expect(open("taken")).rejects.toThrow("already exists");
    await taken.handle.kill();
    const stranger = dial("/process/pty/stranger/connect", [], { authorization: "" });
    const [, response] = await once(stranger, "unexpected-response");
    expect(response.statusCode).toBe(401);
    expect(await sandbox.process.listPtySessions()).toEqual([]);
  });
});

describe("terminals over HTTP", () => {
  it("are created, described, listed and deleted", async () => {
    expect(await rest("POST", "/process/pty", { id: "plain", envs: { A: "b" } })).toMatchObject({
      status: 201,
      body: '{"sessionId":"plain"}',
    });
    const shown = {
      id: "plain",
      cwd: "/home/daytona",
      envs: { A: "b", TERM: "xterm-256color" },
      cols: 80,
      rows: 24,
      active: true,
      lazyStart: false,
      createdAt: expect.stringMatching(/^\d{4}-/),
    };
    expect(await sandbox.process.getPtySessionInfo("plain")).toEqual(shown);
    expect(await sandbox.process.listPtySessions()).toEqual([shown]);
    expect(await rest("DELETE", "/process/pty/plain")).toMatchObject({
      status: 200,
      body: '{"message":"PTY session deleted"}',
    });
    expect(await sandbox.process.listPtySessions()).toEqual([]);
  });

  it("start at the first connection where requested", async () => {
    await rest("POST", "/process/pty", { id: "lazy", lazyStart: true });
    expect(await sandbox.process.getPtySessionInfo("lazy")).toMatchObject({ active: false, lazyStart: true });
    expect((await rest("POST", "/process/pty/lazy/resize", { cols: 90, rows: 20 })).status).toBe(500);
    const lazy = await connect("lazy");
    expect(await ask(lazy, "stty size")).toBe("24 80");
    expect(await sandbox.process.getPtySessionInfo("lazy")).toMatchObject({ active: true });
    await lazy.handle.kill();
  });

  it("report what is wrong with a request", async () => {
    await rest("POST", "/process/pty", { id: "there" });
    const wrong: [string, string, unknown, number, string][] = [
      ["POST", "/process/pty", {}, 400, "session ID is required"],
      ["POST", "/process/pty", { id: "there" }, 409, "already exists"],
      ["POST", "/process/pty", { id: "x", cols: 1001 }, 400, "cols"],
      ["POST", "/process/pty", { id: "x", rows: 0 }, 400, "rows"],
      ["POST", "/process/pty", { id: "x", cols: "80" }, 400, "cols"],
      ["POST", "/process/pty", { id: "x", cwd: "/nowhere" }, 500, "failed to start PTY session"],
      ["POST", "/process/pty", { id: "x", envs: { "1": "a" } }, 400, "environment variable"],
      ["GET", "/process/pty/x", undefined, 404, "PTY session not found"],
      ["DELETE", "/process/pty/x", undefined, 404, "PTY session not found"],
      ["POST", "/process/pty/x/resize", { cols: 80, rows: 24 }, 410, "not found"],
      ["POST", "/process/pty/there/resize", { cols: 80 }, 400, "rows"],
      ["POST", "/process/pty/there/resize", { cols: 80, rows: 2000 }, 400, "rows"],
    ];
    for (const [method, path, body, status, message] of wrong) {
      const answer = await rest(method, path, body);
      expect(answer.status).toBe(status);
      expect(JSON.parse(answer.body).message).toContain(message);
    }
    await sandbox.process.killPtySession("there");
  });

  it("are bounded in number", async () => {
    const ids = Array.from({ length: 64 }, (_, index) => `many-${index}`);
    for (const id of ids) await rest("POST", "/process/pty", { id, lazyStart: true });
    expect((await rest("POST", "/process/pty", { id: "one-more" })).status).toBe(400);
    for (const id of ids) await sandbox.process.killPtySession(id);
  });
});

describe("the processes of a terminal", () => {
  it("all end when it is deleted, including those that left its process group", async () => {
    const mark = marker();
    const { handle } = await open("family");
    await handle.sendInput(
      `sleep ${mark} & (trap '' HUP TERM; setsid -w sleep ${mark}; true) & nohup sleep ${mark} & sleep ${mark}\n`,
    );
    await eventually(async () => (await findProcesses(mark)).length >= 4);
    await handle.kill();
    await eventually(async () => (await findProcesses(mark)).length === 0);
  });

  it("end with the sandbox, and so do its connections", async () => {
    const box = await fixture.client.create();
    const mark = marker();
    const { handle } = await open("stopped", {}, box);
    await handle.sendInput(`sleep ${mark}\n`);
    await eventually(async () => (await findProcesses(mark)).length > 0);
    const ended = handle.wait();
    await box.stop();
    expect((await ended).exitCode).toBeUndefined();
    expect(await findProcesses(mark)).toEqual([]);
    await box.start();
    expect(await box.process.listPtySessions()).toEqual([]);
    await box.delete();
  });

  it("that stay in the background continue when the shell exits", async () => {
    const mark = marker();
    const { handle } = await open("left");
    await handle.sendInput(`sleep ${mark} & disown; exit\n`);
    await handle.wait();
    expect(await findProcesses(mark)).not.toEqual([]);
    await sandbox.process.executeCommand(`pkill -f 'sleep ${mark}'`);
  });

  it("that read nothing leave their input waiting, and block nobody else", async () => {
    const { handle, screen } = await open("deaf");
    await handle.sendInput("stty raw -echo; echo de''af; sleep 1000\n");
    await screen.shows("deaf");
    for (let index = 0; index < 50; index += 1) await handle.sendInput(new Uint8Array(60_000).fill(97));
    expect((await sandbox.process.executeCommand("echo served")).result).toBe("served\n");
    await handle.kill();
    expect(await sandbox.process.listPtySessions()).toEqual([]);
  });

  it("see no other sandbox, no home directory and nothing of the server, and can write only to their own folders", async () => {
    const other = await fixture.client.create();
    await other.fs.uploadFile(Buffer.from("private"), "/home/daytona/other-secret.txt");
    const terminal = await open("caged", { cols: 1000 });
    expect(await ask(terminal, "env; cat /proc/*/environ | tr '\\0' ' '")).not.toContain("secret-of-the-server");
    expect(await ask(terminal, "find / -xdev -name other-secret.txt 2>/dev/null")).toBe("");
    const listing = await ask(terminal, `ls -d '${fixture.state}' /root '${process.cwd()}' 2>&1`);
    expect(listing.match(/No such file/g)).toHaveLength(3);
    const writing = await ask(
      terminal,
      "for f in /usr/x /opt/daytona/x /opt/daytona/node_modules/@lydell/node-pty/x; do touch $f 2>&1; done",
    );
    expect(writing.match(/Read-only file system/g)).toHaveLength(3);
    await terminal.handle.kill();
    await other.delete();
  });
});

describe("a terminal without isolation", () => {
  it("works, and leaves no process behind", async () => {
    const open = await startFixture({ isolation: "none" });
    const box = await open.client.create();
    const [screen, mark] = [new Screen(), marker()];
    const handle = await openPty(box, { id: "free", onData: screen.show });
    await handle.sendInput(`echo si''ze $(stty size) $PWD; nohup sleep ${mark} & sleep ${mark}\n`);
    await screen.shows(`size 24 80 ${open.state}`);
    await eventually(async () => (await findProcesses(mark)).length >= 2);
    await open.dispose();
    await eventually(async () => (await findProcesses(mark)).length === 0);
  });

  it("is refused where commands are", async () => {
    const strict = await startFixture({ isolation: "none", realModel: true });
    const box = await strict.client.create();
    await expect(openPty(box, { id: "no", onData: () => {} })).rejects.toThrow("commands are refused");
    await strict.dispose();
  });
});
