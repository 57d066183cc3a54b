// Connects to a shell of the sandbox with a ticket and a WebSocket. After a drop it gets a new ticket and reconnects to
// the same shell, but only while somebody looks, so that a hidden page costs nothing.
import { ApiError } from "../client/api.ts";
import { Store } from "../state/store.ts";

export type ShellState =
  | { phase: "idle" }
  | { phase: "connecting" }
  | { phase: "ready"; resumed: boolean }
  /** `paused`: nobody looks, so it does not reconnect. */
  | { phase: "lost"; isPaused: boolean }
  | { phase: "ended"; exitCode: number }
  /** It does not retry. Holds the server's reason, or the failure. */
  | { phase: "refused"; message: string | null; error: unknown };

export interface ShellSize {
  cols: number;
  rows: number;
}

/** The members of WebSocket that this file uses. */
export interface ShellSocket {
  binaryType: string;
  readyState: number;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(code?: number): void;
  addEventListener(type: "message", hear: (event: { data: unknown }) => void): void;
  addEventListener(type: "close" | "error", hear: () => void): void;
}

export interface ShellOptions {
  /** Returns an address that opens one WebSocket. */
  askTicket(size: ShellSize): Promise<string>;
  open(url: string): ShellSocket;
  /** Called before any output of the shell. */
  onReady(): void;
  onOutput(bytes: Uint8Array): void;
}

const open = 1;
const [firstRetryMs, maxRetryMs, maxRetries] = [500, 8_000, 12];
/** The server sends something every 30 s. */
const silenceMs = 80_000;

export class ShellConnection {
  readonly state = new Store<ShellState>({ phase: "idle" });
  readonly #options: ShellOptions;
  #socket: ShellSocket | null = null;
  #size: ShellSize = { cols: 80, rows: 24 };
  #isShown = true;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;
  /** Numbers the attempts: a late answer to an older one is dropped. */
  #attempt = 0;

  constructor(options: ShellOptions) {
    this.#options = options;
  }

  connect(size: ShellSize): void {
    this.#size = size;
    this.#failures = 0;
    this.state.set({ phase: "connecting" });
    void this.#begin();
  }

  type(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#socket?.readyState === open) this.#socket.send(bytes);
  }

  resize(size: ShellSize): void {
    if (size.cols === this.#size.cols && size.rows === this.#size.rows) return;
    this.#size = size;
    if (this.#socket?.readyState === open) this.#socket.send(JSON.stringify({ type: "resize", ...size }));
  }

  setShown(isShown: boolean): void {
    this.#isShown = isShown;
    const { phase } = this.state.get();
    if (phase !== "lost") return;
    clearTimeout(this.#timer);
    if (isShown) this.#failures = 0;
    this.#again();
  }

  /** The shell keeps running without a connection. */
  leave(): void {
    this.#drop();
    this.state.set({ phase: "idle" });
  }

  async #begin(): Promise<void> {
    this.#drop();
    const attempt = this.#attempt;
    const size = this.#size;
    try {
      const url = await this.#options.askTicket(size);
      if (attempt !== this.#attempt) return;
      this.#listen(this.#options.open(url), attempt, size);
    } catch (error) {
      if (attempt !== this.#attempt) return;
      // Where the server asks to wait, a person reads for how long.
      if (error instanceof ApiError && (!error.isPassing || error.retryAt !== null)) this.#refuse(null, error);
      else this.#lose(error);
    }
  }

  #listen(socket: ShellSocket, attempt: number, asked: ShellSize): void {
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    const isOld = (): boolean => attempt !== this.#attempt;
    socket.addEventListener("message", ({ data }) => {
      if (isOld()) return;
      this.#hear();
      if (data instanceof ArrayBuffer) this.#options.onOutput(new Uint8Array(data));
      else if (typeof data === "string") this.#take(data, asked);
    });
    socket.addEventListener("close", () => {
      if (!isOld()) this.#lose(null);
    });
    this.#hear();
  }

  #take(text: string, asked: ShellSize): void {
    const { type, resumed, exit_code, message } = parse(text);
    if (type === "ready") {
      this.#failures = 0;
      this.#options.onReady();
      this.state.set({ phase: "ready", resumed: resumed === true });
      // The window may have been resized since the ticket was made.
      const size = this.#size;
      if (size.cols !== asked.cols || size.rows !== asked.rows)
        this.#socket?.send(JSON.stringify({ type: "resize", ...size }));
    } else if (type === "exit") {
      this.#drop();
      this.state.set({ phase: "ended", exitCode: typeof exit_code === "number" ? exit_code : 0 });
    } else if (type === "error") this.#refuse(typeof message === "string" ? message : null, null);
  }

  #hear(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#lose(null), silenceMs);
  }

  #refuse(message: string | null, error: unknown): void {
    this.#drop();
    this.state.set({ phase: "refused", message, error });
  }

  #lose(error: unknown): void {
    this.#drop();
    this.#failures += 1;
    if (this.#failures > maxRetries) this.#refuse(null, error);
    else this.#again();
  }

  #again(): void {
    this.state.set({ phase: "lost", isPaused: !this.#isShown });
    if (!this.#isShown) return;
    const wait = Math.min(maxRetryMs, firstRetryMs * 2 ** Math.max(0, this.#failures - 1));
    this.#timer = setTimeout(() => void this.#begin(), wait);
  }

  #drop(): void {
    this.#attempt += 1;
    clearTimeout(this.#timer);
    clearTimeout(this.#silence);
    this.#socket?.close();
    this.#socket = null;
  }
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
