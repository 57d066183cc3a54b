/** Terminals: shells on a PTY, over a WebSocket that may drop and reconnect. */
import { DaytonaConnectionError, type PtyHandle } from "@daytonaio/sdk";
import { beforeEach, describe, expect, it } from "vitest";
import { askToolbox, awaitSilence, beat, eventually, makeName, sandbox, skipOnOldDaemon, statusOf } from "./place.ts";

interface Terminal {
  id: string;
  handle: PtyHandle;
  /** Everything received, as text. */
  text(): string;
  /** Waits until the received text matches. */
  sees(pattern: RegExp): Promise<void>;
}

function collect(): { text: () => string; onData: (data: Uint8Array) => void } {
  const decoder = new TextDecoder();
  let text = "";
  return {
    text: () => text,
    onData: (data) => {
      text += decoder.decode(data, { stream: true });
    },
  };
}

interface Options {
  cols?: number;
  rows?: number;
  cwd?: string;
  envs?: Record<string, string>;
}

/** In two requests: the SDK's own in Node is `create-connect`, which only newer daemons have. */
async function openPty({ onData, ...settings }: Options & { id: string; onData: (data: Uint8Array) => void }) {
  const init = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(settings) };
  const response = await askToolbox("/process/pty", init);
  const { message } = (await response.json()) as { message?: string };
  if (!response.ok) throw new Error(message);
  return sandbox.process.connectPty(settings.id, { onData });
}

async function open(options: Options = {}): Promise<Terminal> {
  const id = makeName("pty");
  const { text, onData } = collect();
  const handle = await openPty({ id, ...options, onData });
  return withText(id, handle, text);
}

async function join(id: string): Promise<Terminal> {
  const { text, onData } = collect();
  return withText(id, await sandbox.process.connectPty(id, { onData }), text);
}

function withText(id: string, handle: PtyHandle, text: () => string): Terminal {
  const sees = async (pattern: RegExp): Promise<void> => {
    await eventually(async () => pattern.test(text()), 10);
  };
  return { id, handle, text, sees };
}

export function describeTerminals(): void {
  beforeEach(({ skip }) => skipOnOldDaemon(skip));

  describe("a terminal", () => {
    it("runs a shell that knows it has one, with the requested size, folder and variables", async () => {
      const one = await open({ cols: 97, rows: 31, cwd: "/tmp", envs: { COLOUR: "a b 店" } });
      expect(one.handle.isConnected()).toBe(true);
      await one.handle.sendInput('stty size; pwd; echo "[$COLOUR|$TERM]"; test -t 0 && echo on a terminal\n');
      await one.sees(/31 97\r\n/);
      await one.sees(/\/tmp\r\n/);
      await one.sees(/\[a b 店\|xterm-256color\]\r\n/);
      await one.sees(/\non a terminal\r\n/);
      await one.handle.sendInput("exit\n");
      expect(await one.handle.wait()).toEqual({ exitCode: 0, error: undefined });
    });

    it("echoes typed text, passes keys to a foreground job, and handles Ctrl-C", async () => {
      const one = await open();
      const job = "trap 'echo caught; exit 5' INT; echo ready $((1 + 1)); cat; while :; do sleep 0.05; done";
      await one.handle.sendInput(`sh -c "${job.replaceAll("$", "\\$")}"; exit $?\n`);
      await one.sees(/ready 2\r\n/);
      await one.handle.sendInput("typed 商店\n");
      await one.sees(/typed 商店\r\n[\s\S]*typed 商店\r\n/);
      await one.handle.sendInput("\u0003");
      await one.sees(/caught\r\n/);
      expect((await one.handle.wait()).exitCode).toBe(5);
    });

    it("reports how it ended", async () => {
      const one = await open();
      await one.handle.sendInput("exit 7\n");
      expect(await one.handle.wait()).toEqual({ exitCode: 7, error: "non-zero exit" });
      expect(one.handle.isConnected()).toBe(false);
      await eventually(async () => !(await sandbox.process.listPtySessions()).some(({ id }) => id === one.id));
    });

    it("is killed with everything that runs in it", async () => {
      const one = await open();
      const file = `/tmp/${makeName("beat")}`;
      await one.handle.sendInput(`${beat(file)}\n`);
      await eventually(async () => (await sandbox.process.executeCommand(`cat ${file}`)).exitCode === 0);
      await one.handle.kill();
      expect((await one.handle.wait()).exitCode).toBe(137);
      await awaitSilence(file);
      expect(await statusOf(sandbox.process.getPtySessionInfo(one.id))).toBe(404);
      expect(await statusOf(sandbox.process.killPtySession(one.id))).toBe(404);
    });
  });

  describe("a terminal's record", () => {
    it("is listed and found while it lives", async () => {
      const one = await open({ cols: 91, rows: 21 });
      const info = { id: one.id, cols: 91, rows: 21, active: true };
      expect(await sandbox.process.getPtySessionInfo(one.id)).toMatchObject(info);
      expect(await sandbox.process.listPtySessions()).toContainEqual(expect.objectContaining(info));
      await one.handle.kill();
    });

    it("changes its size, which the shell sees", async () => {
      const one = await open();
      expect(await one.handle.resize(111, 41)).toMatchObject({ cols: 111, rows: 41 });
      await one.handle.sendInput("stty size\n");
      await one.sees(/41 111\r\n/);
      expect(await statusOf(sandbox.process.resizePtySession(one.id, 1_001, 24))).toBe(400);
      await one.handle.kill();
      expect([404, 410]).toContain(await statusOf(sandbox.process.resizePtySession(one.id, 80, 24)));
    });

    it("can be created before anybody connects, and starts when somebody does", async () => {
      const id = makeName("pty");
      const make = (): Promise<Response> =>
        askToolbox("/process/pty", {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ id, cols: 90, rows: 20, envs: { COLOUR: "red" }, lazyStart: true }),
        });
      const response = await make();
      expect(response.status).toBe(201);
      expect(await response.json()).toEqual({ sessionId: id });
      const again = await make();
      expect(again.status).toBe(409);
      await again.body?.cancel();
      expect(await sandbox.process.getPtySessionInfo(id)).toMatchObject({ active: false, lazyStart: true });
      const one = await join(id);
      expect((await sandbox.process.getPtySessionInfo(id)).active).toBe(true);
      await one.handle.sendInput("echo [$COLOUR]; stty size\n");
      await one.sees(/\[red\]\r\n20 90\r\n/);
      await one.handle.kill();
    });
  });

  describe("a terminal's connection", () => {
    it("may drop and reconnect to the same shell", async () => {
      const one = await open();
      await one.handle.sendInput("KEPT=yes; echo ready $((1 + 1))\n");
      await one.sees(/ready 2\r\n/);
      await one.handle.disconnect();
      const again = await join(one.id);
      await again.handle.sendInput("echo [$KEPT]\n");
      await again.sees(/\[yes\]\r\n/);
      await again.handle.kill();
    });

    it("may be one of several, which see the same", async () => {
      const one = await open();
      const other = await join(one.id);
      await one.handle.sendInput("echo both $((1 + 1))\n");
      await Promise.all([one.sees(/both 2\r\n/), other.sees(/both 2\r\n/)]);
      await other.handle.sendInput("exit 3\n");
      expect((await Promise.all([one.handle.wait(), other.handle.wait()])).map(({ exitCode }) => exitCode)).toEqual([
        3, 3,
      ]);
    });

    it("is refused where there is no such terminal, or one already", async () => {
      const refused = await join(makeName("nobody")).catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(DaytonaConnectionError);
      const one = await open();
      const taken = await openPty({ id: one.id, onData: () => {} }).catch((error: unknown) => error);
      expect(String(taken)).toContain("already exists");
      await one.handle.kill();
    });
  });
}
