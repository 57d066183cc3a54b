// Terminals of the sandbox: pseudo-terminals of its daemon, reached by name. A terminal exists as long as its shell,
// whoever is connected. From a Worker the SDK could only connect with a key in the URL; `fetch` can open a WebSocket
// there with the key in a header.
import { SandboxError } from "../../../agent/sandbox.ts";
import type { Terminal, TerminalEnd, TerminalEvents, TerminalRequest } from "../../../agent/workspace.ts";
import type { DaytonaClient } from "../client/client.ts";
import { readFailure } from "../client/failure.ts";
import { within } from "../client/waiting.ts";
import { readBytes } from "../files/json-stream.ts";

/** Distinguishes our terminals from those that people open in other ways. */
const PREFIX = "taskloom-";

/** With it newer daemons send the exit code as a message. All daemons send it in the close reason. */
const EXIT_PROTOCOL = "X-Daytona-Pty-Exit-Control";

/** The daemon refuses messages over 64 KiB. */
const PIECE_BYTES = 32 * 1024;

const ANSWER_BYTES = 64 * 1024;

/** A shell may end between the look-up and the connection. */
const ATTEMPTS = 3;

const LOST = "The connection to the shell was lost: the sandbox was stopped, or can't be reached.";

export class DaytonaTerminals {
  readonly #client: DaytonaClient;

  constructor(client: DaytonaClient) {
    this.#client = client;
  }

  async open(request: TerminalRequest, events: TerminalEvents, signal: AbortSignal): Promise<Terminal> {
    const id = PREFIX + request.session;
    for (let attempt = 1; ; attempt++) {
      const is_resumed = await this.#require(id, request, signal);
      const socket = await this.#connect(id, signal);
      const terminal = new TerminalConnection(socket, (cols, rows) => this.#resize(id, cols, rows));
      const { request_ms } = this.#client.limits;
      const refusal = await within(request_ms, signal, () => terminal.awaitConnection()).catch((error: unknown) => {
        terminal.leave();
        signal.throwIfAborted();
        if (error instanceof SandboxError) throw error;
        throw new SandboxError("failed", "The sandbox does not answer on its terminal.");
      });
      if (refusal === null) {
        terminal.begin(events, is_resumed);
        if (is_resumed) await this.#redraw(terminal, request);
        return terminal;
      }
      terminal.leave();
      if (attempt >= ATTEMPTS) throw new SandboxError("failed", `The sandbox opens no terminal: ${refusal}`);
      await this.#remove(id, signal);
    }
  }

  /** Ensures a terminal of this name and returns whether it already existed. Replaces one whose shell has ended. */
  async #require(id: string, { cols, rows }: TerminalRequest, signal: AbortSignal): Promise<boolean> {
    const { connection, toolbox, limits, secrets } = this.#client;
    try {
      const { active } = await connection.call(({ process }) => process.getPtySessionInfo(id), signal);
      if (active) return true;
      await this.#remove(id, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof SandboxError || readFailure(error).status !== 404) throw error;
    }
    try {
      await connection.call(async (sandbox) => {
        const envs = { ...Object.fromEntries(await secrets.prepare(sandbox, signal)), LC_CTYPE: "C.UTF-8" };
        // The first connection starts the shell: output before that, such as the first prompt, would be lost.
        const body = JSON.stringify({ id, cols, rows, lazyStart: true, envs });
        const request = { method: "POST" as const, path: "/process/pty", body, signal, timeout_ms: limits.request_ms };
        return await toolbox.ask(sandbox, request, (response) => readBytes(response, ANSWER_BYTES));
      }, signal);
      return false;
    } catch (error) {
      signal.throwIfAborted();
      // Another connection has just created it.
      if (error instanceof SandboxError || readFailure(error).status !== 409) throw error;
      return true;
    }
  }

  #connect(id: string, signal: AbortSignal): Promise<WebSocket> {
    const { connection, toolbox, limits } = this.#client;
    const request = { path: `/process/pty/${id}/connect`, signal, timeout_ms: limits.request_ms };
    return connection.call((sandbox) => toolbox.connect(sandbox, request, [EXIT_PROTOCOL]), signal);
  }

  async #resize(id: string, cols: number, rows: number): Promise<void> {
    const { signal } = new AbortController();
    await this.#client.connection.call(({ process }) => process.resizePtySession(id, cols, rows), signal, {
      opens: false,
    });
  }

  /** The daemon keeps no screen content: a change of size makes the running program draw it again. */
  async #redraw(terminal: TerminalConnection, { cols, rows }: TerminalRequest): Promise<void> {
    await terminal.resize(cols, rows > 1 ? rows - 1 : rows + 1).catch(() => undefined);
    await terminal.resize(cols, rows).catch(() => undefined);
  }

  async #remove(id: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#client.connection.call(({ process }) => process.killPtySession(id), signal);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof SandboxError || readFailure(error).status !== 404) throw error;
    }
  }
}

type Resize = (cols: number, rows: number) => Promise<void>;

/** One connection to a terminal. */
class TerminalConnection implements Terminal {
  readonly #socket: WebSocket;
  readonly resize: Resize;
  #events: TerminalEvents | null = null;
  /** Output and the end that arrived before `begin`. */
  #early: (Uint8Array | TerminalEnd)[] = [];
  #isOver = false;
  #settle: (refusal: string | null) => void = () => undefined;
  readonly #connected: Promise<string | null>;

  constructor(socket: WebSocket, resize: Resize) {
    this.#socket = socket;
    this.resize = resize;
    this.#connected = new Promise((resolve) => {
      this.#settle = resolve;
    });
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", ({ data }) => this.#receive(data));
    socket.addEventListener("close", ({ code, reason }) => this.#end(readClose(code, reason)));
    socket.addEventListener("error", () => this.#end({ error: LOST }));
    socket.accept();
  }

  /** Resolves with null once connected, or with the reason for the refusal. */
  awaitConnection(): Promise<string | null> {
    return this.#connected;
  }

  begin(events: TerminalEvents, is_resumed: boolean): void {
    events.onReady(is_resumed);
    this.#events = events;
    for (const piece of this.#early.splice(0)) this.#emit(piece);
  }

  write(bytes: Uint8Array): void {
    if (this.#isOver) return;
    for (let start = 0; start < bytes.length; start += PIECE_BYTES) {
      this.#socket.send(bytes.slice(start, start + PIECE_BYTES));
    }
  }

  get unsent_bytes(): number {
    return this.#isOver ? 0 : this.#socket.bufferedAmount;
  }

  leave(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#events = null;
    this.#socket.close(1000);
  }

  #receive(data: string | ArrayBuffer): void {
    if (this.#isOver) return;
    if (typeof data !== "string") {
      this.#emit(new Uint8Array(data));
      return;
    }
    const control = readControl(data);
    if (control === null) this.#emit(new TextEncoder().encode(data));
    else if (control.status === "connected") this.#settle(null);
    else if (control.status === "error") this.#settle(String(control.error ?? "no reason given").slice(0, 300));
    else if (control.status === "exited") this.#end({ exit_code: Number(control.exitCode ?? 0) });
  }

  #end(end: TerminalEnd): void {
    if (this.#isOver) return;
    this.#emit(end);
    this.#isOver = true;
    this.#settle("error" in end ? end.error : "the shell has ended");
    this.#socket.close(1000);
  }

  #emit(piece: Uint8Array | TerminalEnd): void {
    if (this.#events === null) this.#early.push(piece);
    else if (piece instanceof Uint8Array) this.#events.onOutput(piece);
    else this.#events.onEnd(piece);
  }
}

function readControl(text: string): Record<string, unknown> | null {
  try {
    const value = JSON.parse(text) as Record<string, unknown> | null;
    return value?.type === "control" ? value : null;
  } catch {
    return null;
  }
}

/** The daemon drops a connection that leaves 256 pieces of output unread. */
const SLOW = "The shell printed faster than this connection could take. It keeps running: open the terminal again.";

/** The close reason holds the exit code. It may be empty after exit code 0. */
export function readClose(code: number, reason: string): TerminalEnd {
  if (code === 1008) return { error: SLOW };
  try {
    const { exitCode } = JSON.parse(reason) as { exitCode?: unknown };
    if (typeof exitCode === "number") return { exit_code: exitCode };
  } catch {
    // Not JSON: a proxy's text, or empty.
  }
  return code === 1000 ? { exit_code: 0 } : { error: LOST };
}
