// Connects a person's WebSocket to a terminal of the sandbox. Binary frames are forwarded in both directions; text
// frames are JSON about the terminal. A WebSocket has no backpressure: it buffers everything that is sent. So the
// bridge measures what a slow reader has not received, and above a limit drops output, except for a notice and the
// newest part. A program that floods the terminal can still be interrupted then.
import { z } from "zod";
import type { Terminal, TerminalEnd } from "../../agent/workspace.ts";

export interface BridgeSocket {
  send(data: string | Uint8Array): void;
  close(code: number, reason: string): void;
  /** Bytes sent and not yet received. */
  readonly bufferedAmount: number;
}

export const bridgeLimits = {
  /** Output that a reader has not received: above the first limit output is dropped until it falls to the second. */
  behind_bytes: 1024 * 1024,
  caught_up_bytes: 256 * 1024,
  /** How much of the dropped output's end is kept: more than a screen. */
  tail_bytes: 8 * 1024,
  /** A reader that receives nothing for this long is considered gone. */
  stalled_ms: 60_000,
  /**
   * Input that the sandbox has not received, or that arrived before the terminal was connected. A program may never
   * read it.
   */
  input_bytes: 1024 * 1024,
  control_characters: 4096,
  /** An open terminal prevents the sandbox's auto-stop, so an unused one is closed. */
  idle_ms: 30 * 60_000,
  /** The same if only a program writes, such as a monitor. */
  unattended_ms: 8 * 60 * 60_000,
  /** Proxies close connections that are silent for a minute or two. */
  ping_ms: 30_000,
};

export type BridgeLimits = typeof bridgeLimits;

/** How often `tick` has to be called. */
export const TICK_MS = 250;

const side = z.int().min(1).max(1000);
const resizeMessage = z.strictObject({ type: z.literal("resize"), cols: side, rows: side });

const close = { done: 1000, unsupported: 1003, policy: 1008, failed: 1011 };

export class TerminalBridge {
  readonly #socket: BridgeSocket;
  readonly #session: string;
  readonly #now: () => number;
  readonly #limits: BridgeLimits;
  #terminal: Terminal | null = null;
  #early: Uint8Array[] = [];
  #earlyBytes = 0;
  #isOver = false;
  /** The number of bytes dropped since the reader fell behind, and their end. */
  #omitted = 0;
  #tail = new Uint8Array();
  #behindSince: number | null = null;
  #usedAt: number;
  #typedAt: number;
  #pingedAt: number;
  #size: { cols: number; rows: number } | null = null;
  #isResizing = false;

  constructor(socket: BridgeSocket, session: string, now: () => number = Date.now, limits = bridgeLimits) {
    this.#socket = socket;
    this.#session = session;
    this.#now = now;
    this.#limits = limits;
    this.#usedAt = this.#typedAt = this.#pingedAt = now();
  }

  get is_over(): boolean {
    return this.#isOver;
  }

  /** Also sends the input that arrived before. */
  attach(terminal: Terminal): void {
    if (this.#isOver) {
      terminal.leave();
      return;
    }
    this.#terminal = terminal;
    for (const bytes of this.#early.splice(0)) terminal.write(bytes);
    this.#resizeNow();
  }

  sendReady(is_resumed: boolean): void {
    this.#send({ type: "ready", session: this.#session, resumed: is_resumed });
  }

  receive(data: string | ArrayBuffer): void {
    if (this.#isOver) return;
    this.#usedAt = this.#typedAt = this.#now();
    if (typeof data === "string") this.#control(data);
    else this.#type(new Uint8Array(data));
  }

  #type(bytes: Uint8Array): void {
    const waiting = this.#terminal?.unsent_bytes ?? this.#earlyBytes;
    if (waiting + bytes.length > this.#limits.input_bytes) {
      this.fail("More was typed than the sandbox takes.", close.policy);
    } else if (this.#terminal) {
      this.#terminal.write(bytes);
    } else {
      this.#early.push(bytes);
      this.#earlyBytes += bytes.length;
    }
  }

  #control(text: string): void {
    const message = text.length > this.#limits.control_characters ? null : readMessage(text);
    if (message === null) {
      const form = '{"type":"resize","cols":80,"rows":24}';
      this.fail(`A text frame is ${form}; input goes in binary frames.`, close.unsupported);
      return;
    }
    this.#size = message;
    this.#resizeNow();
  }

  /** Sends one size at a time, and then only the latest one: dragging a window's edge produces many. */
  #resizeNow(): void {
    const size = this.#size;
    if (!this.#terminal || size === null || this.#isResizing) return;
    this.#size = null;
    this.#isResizing = true;
    // A refused size only makes the terminal look wrong.
    const resized = this.#terminal.resize(size.cols, size.rows).catch(() => undefined);
    void resized.then(() => {
      this.#isResizing = false;
      this.#resizeNow();
    });
  }

  takeOutput(bytes: Uint8Array): void {
    if (this.#isOver) return;
    this.#usedAt = this.#now();
    if (this.#behindSince === null && this.#socket.bufferedAmount + bytes.length <= this.#limits.behind_bytes) {
      this.#socket.send(bytes);
      return;
    }
    this.#behindSince ??= this.#now();
    this.#omitted += bytes.length;
    this.#tail = joinEnd(this.#tail, bytes, this.#limits.tail_bytes);
    this.#catchUp();
  }

  #catchUp(): void {
    if (this.#behindSince === null || this.#socket.bufferedAmount > this.#limits.caught_up_bytes) return;
    const lost = this.#omitted - this.#tail.length;
    if (lost > 0) this.#socket.send(new TextEncoder().encode(`\r\n[… ${lost} bytes left out …]\r\n`));
    this.#socket.send(this.#tail);
    this.#behindSince = null;
    this.#omitted = 0;
    this.#tail = new Uint8Array();
  }

  end(end: TerminalEnd): void {
    if ("error" in end) {
      this.fail(end.error, close.failed);
      return;
    }
    if (this.#isOver) return;
    if (this.#omitted > 0) this.#socket.send(this.#tail);
    this.#send({ type: "exit", exit_code: end.exit_code });
    this.#finish(close.done, "the shell has ended");
  }

  fail(message: string, code = close.failed): void {
    if (this.#isOver) return;
    this.#send({ type: "error", message });
    this.#finish(code, "see the message before this");
  }

  /** The person may no longer use the terminal; the shell continues. */
  refuse(message: string): void {
    this.fail(message, close.policy);
  }

  /** The person has disconnected; the shell continues. */
  leave(): void {
    if (!this.#isOver) this.#finish(close.done, "");
  }

  /** Checks the time limits, and whether the reader has caught up. */
  tick(): void {
    if (this.#isOver) return;
    const now = this.#now();
    this.#catchUp();
    const { stalled_ms, idle_ms, unattended_ms, ping_ms } = this.#limits;
    if (this.#behindSince !== null && now - this.#behindSince >= stalled_ms) {
      this.fail("Nothing of the output was taken for a minute.", close.policy);
    } else if (now - this.#usedAt >= idle_ms) {
      this.fail(
        "Closed after 30 minutes without input or output. The shell keeps running while the sandbox runs.",
        close.policy,
      );
    } else if (now - this.#typedAt >= unattended_ms) {
      this.fail("Closed after 8 hours without input. The shell keeps running while the sandbox runs.", close.policy);
    } else if (now - this.#pingedAt >= ping_ms) {
      this.#pingedAt = now;
      // Unreceived pings are of no use and would accumulate.
      if (this.#socket.bufferedAmount === 0) this.#send({ type: "ping" });
    }
  }

  #send(message: Record<string, unknown>): void {
    this.#socket.send(JSON.stringify(message));
  }

  #finish(code: number, reason: string): void {
    this.#isOver = true;
    this.#early = [];
    this.#tail = new Uint8Array();
    this.#terminal?.leave();
    this.#socket.close(code, reason);
  }
}

function readMessage(text: string): { cols: number; rows: number } | null {
  try {
    return resizeMessage.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}

/** The last `limit` bytes of both together. */
function joinEnd(one: Uint8Array, other: Uint8Array, limit: number): Uint8Array<ArrayBuffer> {
  const kept = one.subarray(Math.max(0, one.length + Math.min(other.length, limit) - limit));
  const added = other.subarray(Math.max(0, other.length - limit));
  const joined = new Uint8Array(kept.length + added.length);
  joined.set(kept);
  joined.set(added, kept.length);
  return joined;
}
