import { beforeEach, describe, expect, it } from "vitest";
import type { Terminal } from "../../agent/workspace.ts";
import { bridgeLimits, TerminalBridge } from "./terminal-bridge.ts";

const limits = { ...bridgeLimits, behind_bytes: 100, caught_up_bytes: 10, tail_bytes: 8, input_bytes: 50 };
const bytes = (text: string) => new TextEncoder().encode(text);

let now: number;
let socket: { sent: string[]; bufferedAmount: number; closed: number | null };
let terminal: Terminal & { written: string; sizes: string[]; hasLeft: boolean; unsent_bytes: number };
let bridge: TerminalBridge;
/** Completes the pending resize. */
let takeSize: () => void;

beforeEach(() => {
  now = 0;
  const sent: string[] = [];
  socket = { sent, bufferedAmount: 0, closed: null };
  terminal = {
    written: "",
    sizes: [],
    hasLeft: false,
    unsent_bytes: 0,
    write: (input) => {
      terminal.written += new TextDecoder().decode(input);
    },
    resize: (cols, rows) => {
      terminal.sizes.push(`${cols}x${rows}`);
      return new Promise((resolve) => {
        takeSize = resolve;
      });
    },
    leave: () => {
      terminal.hasLeft = true;
    },
  };
  const side = {
    send: (data: string | Uint8Array) =>
      void sent.push(typeof data === "string" ? data : new TextDecoder().decode(data)),
    close: (code: number) => {
      socket.closed = code;
    },
    get bufferedAmount() {
      return socket.bufferedAmount;
    },
  };
  bridge = new TerminalBridge(side, "main", () => now, limits);
});

const type = (text: string) => bridge.receive(bytes(text).buffer as ArrayBuffer);
const lastMessage = () => JSON.parse(socket.sent.at(-1) ?? "null") as Record<string, unknown>;

describe("a terminal's bridge", () => {
  it("forwards input from before the shell was connected", () => {
    type("ls");
    type("\r");
    bridge.attach(terminal);
    type("pwd\r");
    expect(terminal.written).toBe("ls\rpwd\r");
  });

  it("reports that the shell is ready, and how it ended", () => {
    bridge.sendReady(true);
    expect(lastMessage()).toEqual({ type: "ready", session: "main", resumed: true });
    bridge.attach(terminal);
    bridge.takeOutput(bytes("bye"));
    bridge.end({ exit_code: 3 });
    expect(socket.sent.at(-2)).toBe("bye");
    expect(lastMessage()).toEqual({ type: "exit", exit_code: 3 });
    expect(socket.closed).toBe(1000);
  });

  it("reports why it ends if the sandbox is lost, and then sends nothing more", () => {
    bridge.attach(terminal);
    bridge.end({ error: "the sandbox was stopped" });
    expect(lastMessage()).toEqual({ type: "error", message: "the sandbox was stopped" });
    expect(socket.closed).toBe(1011);
    const { length } = socket.sent;
    bridge.takeOutput(bytes("late"));
    bridge.end({ exit_code: 0 });
    bridge.tick();
    expect(socket.sent).toHaveLength(length);
  });

  it("disconnects from a shell whose person left before it was connected", () => {
    bridge.leave();
    bridge.attach(terminal);
    expect(terminal.hasLeft).toBe(true);
  });

  it("sends one size at a time, and only the last of many", async () => {
    const resize = (cols: number) => bridge.receive(JSON.stringify({ type: "resize", cols, rows: 5 }));
    resize(1);
    bridge.attach(terminal);
    for (const cols of [2, 3, 4]) resize(cols);
    expect(terminal.sizes).toEqual(["1x5"]);
    takeSize();
    await new Promise((resolve) => setImmediate(resolve));
    expect(terminal.sizes).toEqual(["1x5", "4x5"]);
  });

  it.each([
    "ls",
    "{}",
    "null",
    '{"type":"resize","cols":0,"rows":5}',
    '{"type":"resize","cols":5,"rows":1001}',
    '{"type":"resize","cols":5,"rows":5,"more":1}',
    `{"type":"resize","cols":5,"rows":5${" ".repeat(5000)}}`,
  ])("refuses the text frame %s", (text) => {
    bridge.attach(terminal);
    bridge.receive(text);
    expect(lastMessage()).toMatchObject({ type: "error" });
    expect({ code: socket.closed, hasLeft: terminal.hasLeft }).toEqual({ code: 1003, hasLeft: true });
  });

  it("limits input before the shell is connected", () => {
    type("x".repeat(40));
    expect(socket.closed).toBeNull();
    type("x".repeat(11));
    expect(socket.closed).toBe(1008);
  });

  it("limits input that the sandbox has not received", () => {
    bridge.attach(terminal);
    terminal.unsent_bytes = 45;
    type("12345");
    expect(socket.closed).toBeNull();
    type("123456");
    expect({ code: socket.closed, written: terminal.written }).toEqual({ code: 1008, written: "12345" });
  });
});

describe("a terminal's reader that is behind", () => {
  it("gets no output until it has caught up, then the number of missing bytes and the newest output", () => {
    bridge.takeOutput(bytes("first"));
    socket.bufferedAmount = 99;
    bridge.takeOutput(bytes("0123456789"));
    for (let index = 0; index < 1000; index++) bridge.takeOutput(bytes("y\n"));
    bridge.takeOutput(bytes("end"));
    expect(socket.sent).toEqual(["first"]);
    socket.bufferedAmount = 50;
    bridge.tick();
    expect(socket.sent).toEqual(["first"]);
    socket.bufferedAmount = 10;
    bridge.tick();
    expect(socket.sent.slice(1)).toEqual(["\r\n[… 2005 bytes left out …]\r\n", "\ny\ny\nend"]);
    bridge.takeOutput(bytes("$ "));
    expect(socket.sent.at(-1)).toBe("$ ");
  });

  it("loses nothing if little was held back", () => {
    socket.bufferedAmount = 100;
    bridge.takeOutput(bytes("abc"));
    bridge.takeOutput(bytes("def"));
    socket.bufferedAmount = 0;
    bridge.tick();
    expect(socket.sent).toEqual(["abcdef"]);
  });

  it("is disconnected if it receives nothing for a minute", () => {
    bridge.attach(terminal);
    socket.bufferedAmount = 100;
    bridge.takeOutput(bytes("abc"));
    now = 59_000;
    bridge.takeOutput(bytes("abc"));
    bridge.tick();
    expect(socket.closed).toBeNull();
    now = 60_000;
    bridge.tick();
    expect({ code: socket.closed, hasLeft: terminal.hasLeft }).toEqual({ code: 1008, hasLeft: true });
  });
});

describe("a terminal that nobody uses", () => {
  const minute = 60_000;

  it("is closed after half an hour, with the reason", () => {
    bridge.attach(terminal);
    now = 20 * minute;
    bridge.takeOutput(bytes("x"));
    now = 49 * minute;
    bridge.tick();
    expect(socket.closed).toBeNull();
    now = 50 * minute;
    bridge.tick();
    expect(lastMessage().message).toContain("30 minutes");
    expect(socket.closed).toBe(1008);
  });

  it("is closed after eight hours of output without input", () => {
    bridge.attach(terminal);
    for (; now < 480 * minute; now += 10 * minute) {
      bridge.takeOutput(bytes("x"));
      bridge.tick();
      expect(socket.closed).toBeNull();
    }
    bridge.tick();
    expect(lastMessage().message).toContain("8 hours");
  });

  it("gets pings, unless its reader receives nothing", () => {
    now = 30_000;
    bridge.tick();
    bridge.tick();
    expect(socket.sent).toEqual(['{"type":"ping"}']);
    now = 60_000;
    socket.bufferedAmount = 5;
    bridge.tick();
    expect(socket.sent).toHaveLength(1);
  });
});
