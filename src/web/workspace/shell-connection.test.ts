import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ApiError } from "../client/api.ts";
import { ShellConnection, type ShellSize, type ShellSocket } from "./shell-connection.ts";

class FakeSocket implements ShellSocket {
  binaryType = "";
  readyState = 1;
  readonly sent: unknown[] = [];
  readonly #hearers = new Map<string, ((event: { data: unknown }) => void)[]>();

  send(data: unknown): void {
    this.sent.push(data);
  }

  close(): void {
    this.readyState = 3;
  }

  addEventListener(type: string, hear: (event: { data: unknown }) => void): void {
    this.#hearers.set(type, [...(this.#hearers.get(type) ?? []), hear]);
  }

  say(data: unknown): void {
    for (const hear of this.#hearers.get("message") ?? []) hear({ data });
  }

  cut(): void {
    for (const hear of this.#hearers.get("close") ?? []) hear({ data: null });
  }
}

describe("a connection to a shell", () => {
  const sockets: FakeSocket[] = [];
  const asked: ShellSize[] = [];
  const output: Uint8Array[] = [];
  let refusal: Error | null = null;

  function make(): ShellConnection {
    return new ShellConnection({
      askTicket: async (size) => {
        asked.push(size);
        if (refusal) throw refusal;
        return "ws://x";
      },
      open: () => {
        const socket = new FakeSocket();
        sockets.push(socket);
        return socket;
      },
      onReady: () => {},
      onOutput: (bytes) => output.push(bytes),
    });
  }

  async function makeReady(): Promise<ShellConnection> {
    const shell = make();
    shell.connect({ cols: 80, rows: 24 });
    await vi.advanceTimersByTimeAsync(0);
    sockets.at(-1)?.say('{"type":"ready","session":"main","resumed":false}');
    return shell;
  }

  beforeEach(() => {
    vi.useFakeTimers();
    for (const list of [sockets, asked, output]) list.splice(0);
    refusal = null;
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("opens only when it is asked to connect", async () => {
    make().setShown(true);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked).toEqual([]);
  });

  it("passes bytes both ways, and sizes", async () => {
    const shell = await makeReady();
    expect(shell.state.get()).toEqual({ phase: "ready", resumed: false });
    sockets[0]?.say(new Uint8Array([104, 105]).buffer);
    expect(output).toEqual([new Uint8Array([104, 105])]);
    shell.type(new Uint8Array([108]));
    shell.resize({ cols: 100, rows: 24 });
    shell.resize({ cols: 100, rows: 24 });
    expect(sockets[0]?.sent).toEqual([new Uint8Array([108]), '{"type":"resize","cols":100,"rows":24}']);
  });

  it("reconnects after a drop, with a new ticket", async () => {
    const shell = await makeReady();
    sockets[0]?.cut();
    expect(shell.state.get()).toEqual({ phase: "lost", isPaused: false });
    await vi.advanceTimersByTimeAsync(500);
    sockets[1]?.say('{"type":"ready","session":"main","resumed":true}');
    expect(shell.state.get()).toEqual({ phase: "ready", resumed: true });
    expect(asked).toHaveLength(2);
  });

  it("reconnects only while somebody looks", async () => {
    const shell = await makeReady();
    shell.setShown(false);
    sockets[0]?.cut();
    expect(shell.state.get()).toEqual({ phase: "lost", isPaused: true });
    await vi.advanceTimersByTimeAsync(600_000);
    expect(asked).toHaveLength(1);
    shell.setShown(true);
    await vi.advanceTimersByTimeAsync(500);
    expect(asked).toHaveLength(2);
  });

  it("does not reconnect after the shell's end, or a refusal", async () => {
    const shell = await makeReady();
    sockets[0]?.say('{"type":"exit","exit_code":3}');
    sockets[0]?.cut();
    expect(shell.state.get()).toEqual({ phase: "ended", exitCode: 3 });
    const other = await makeReady();
    sockets.at(-1)?.say('{"type":"error","message":"at a limit"}');
    expect(other.state.get()).toMatchObject({ phase: "refused", message: "at a limit" });
    refusal = new ApiError(404, "not_found", "gone");
    const missing = make();
    missing.connect({ cols: 80, rows: 24 });
    await vi.advanceTimersByTimeAsync(600_000);
    expect(missing.state.get()).toMatchObject({ phase: "refused", error: refusal });
    expect(asked).toHaveLength(3);
  });

  it("takes a silent connection for a dead one", async () => {
    const shell = await makeReady();
    await vi.advanceTimersByTimeAsync(70_000);
    sockets[0]?.say('{"type":"ping"}');
    await vi.advanceTimersByTimeAsync(70_000);
    expect(shell.state.get().phase).toBe("ready");
    await vi.advanceTimersByTimeAsync(10_000);
    expect(shell.state.get().phase).toBe("lost");
  });

  it("gives up after too many failures in a row", async () => {
    refusal = new TypeError("no network");
    const shell = make();
    shell.connect({ cols: 80, rows: 24 });
    await vi.advanceTimersByTimeAsync(600_000);
    expect(shell.state.get().phase).toBe("refused");
    expect(asked).toHaveLength(13);
  });

  it("ignores what a connection that it has left still delivers", async () => {
    const shell = await makeReady();
    shell.leave();
    sockets[0]?.say(new Uint8Array([1]).buffer);
    sockets[0]?.cut();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(output).toEqual([]);
    expect(shell.state.get()).toEqual({ phase: "idle" });
  });
});
