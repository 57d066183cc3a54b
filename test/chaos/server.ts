// The server under test, as its parent controls it: started on one port and one state, killed at any moment, started
// again. Requests wait while it is down and are repeated where it died during them, as a patient client would.
import { type ChildProcess, spawn } from "node:child_process";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { compiled } from "../setup/started-server.ts";
import type { Place } from "./reader.ts";
import type { RuntimeSettings } from "./runtime.ts";

const START_MS = 30_000;
const POLL_MS = 10;
const REQUEST_MS = 30_000;

export class Server {
  readonly url: string;
  readonly key: string;
  readonly #settings: RuntimeSettings;
  readonly #signal: AbortSignal;
  #child: ChildProcess | null = null;
  #ended: Promise<void> = Promise.resolve();
  #output = "";
  #up = Promise.withResolvers<void>();
  #readersUp = Promise.withResolvers<void>();

  constructor(settings: RuntimeSettings, key: string, signal: AbortSignal) {
    this.#settings = settings;
    this.url = `http://127.0.0.1:${settings.port}`;
    this.key = key;
    this.#signal = signal;
    signal.addEventListener("abort", () => this.killNow(), { once: true });
  }

  /** Resolves while requests may be made. */
  get up(): Promise<void> {
    return this.#up.promise;
  }

  /** The same server for watching clients, which may be admitted later than others. */
  get watched(): Place {
    const readersUp = (): Promise<void> => this.#readersUp.promise;
    return {
      url: this.url,
      key: this.key,
      get up() {
        return readersUp();
      },
    };
  }

  /** The end of the runtime's output. */
  get output(): string {
    return this.#output;
  }

  /** Resolves with the milliseconds until the first healthy response. No client is admitted before `open`. */
  async start(): Promise<number> {
    this.#signal.throwIfAborted();
    const begun = performance.now();
    const child = spawn(
      process.execPath,
      [
        "--disable-warning=ExperimentalWarning",
        join(import.meta.dirname, "runtime.ts"),
        JSON.stringify(this.#settings),
      ],
      {
        detached: true,
        stdio: ["ignore", "pipe", "pipe", "ipc"],
        env: { ...process.env, ...compiled, TMPDIR: this.#settings.temporary },
      },
    );
    this.#child = child;
    this.#ended = new Promise((resolve) => child.once("exit", () => resolve()));
    const ready = new Promise<void>((resolve) => child.once("message", () => resolve()));
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.#output = (this.#output + text).slice(-20_000);
      });
    }
    await this.#untilHealthy(child, begun);
    const healthy = performance.now() - begun;
    if (this.#settings.migrate) {
      await ready;
      this.#settings.migrate = false;
    }
    return healthy;
  }

  open(): void {
    this.#up.resolve();
    this.#readersUp.resolve();
  }

  /** Admits all clients except those that watch. */
  openToClients(): void {
    this.#up.resolve();
  }

  /** Lets the cron fire once, as at this time. Resolves when its work is done. */
  async tick(at: number): Promise<void> {
    const child = this.#child;
    if (child === null) throw new Error("the runtime is down");
    const done = new Promise<void>((resolve, reject) => {
      child.on("message", (message: { ticked?: number }) => message.ticked === at && resolve());
      child.once("exit", () => reject(new Error("the runtime ended")));
    });
    child.send({ tick: at });
    await done;
  }

  /** Sends SIGKILL to the whole group at once. */
  killNow(): void {
    if (this.#child?.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, "SIGKILL");
    } catch {
      // Nothing of the group is left.
    }
    this.#child = null;
    this.#up = this.#close(this.#up);
    this.#readersUp = this.#close(this.#readersUp);
  }

  /** Everyone who waits checks again, and finds the next promise. */
  #close(before: PromiseWithResolvers<void>): PromiseWithResolvers<void> {
    const next = Promise.withResolvers<void>();
    next.promise.catch(() => {});
    if (this.#signal.aborted) next.reject(this.#signal.reason);
    before.resolve();
    return next;
  }

  /** Resolves when nothing of the killed life is left: its files no longer change. */
  async dead(): Promise<void> {
    await this.#ended;
    while (await this.#accepts()) await wait(1);
  }

  /** Repeats a request until it gets a response. Throws for anything but 2xx. */
  async json<T>(method: string, path: string, body?: unknown, key = this.key): Promise<T> {
    for (;;) {
      await this.up;
      this.#signal.throwIfAborted();
      const answer = await this.#request(method, path, body, key).catch(() => null);
      if (answer === null) {
        await wait(POLL_MS, undefined, { signal: this.#signal });
        continue;
      }
      if (answer.status < 200 || answer.status > 299)
        throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
      return (answer.text === "" ? null : JSON.parse(answer.text)) as T;
    }
  }

  async #request(method: string, path: string, body: unknown, key: string): Promise<{ status: number; text: string }> {
    const response = await fetch(this.url + path, {
      method,
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      signal: AbortSignal.any([AbortSignal.timeout(REQUEST_MS), this.#signal]),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, text: await response.text() };
  }

  async #untilHealthy(child: ChildProcess, begun: number): Promise<void> {
    while (performance.now() - begun < START_MS) {
      if (child.exitCode !== null) break;
      const answer = await fetch(`${this.url}/healthz`, { signal: this.#signal }).catch(() => null);
      await answer?.body?.cancel();
      if (answer?.status === 200) return;
      await wait(POLL_MS, undefined, { signal: this.#signal });
    }
    this.killNow();
    throw new Error(`the runtime did not start:\n${this.#output}`);
  }

  #accepts(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect(this.#settings.port, "127.0.0.1");
      const end = (accepts: boolean): void => {
        socket.destroy();
        resolve(accepts);
      };
      socket.once("connect", () => end(true));
      socket.once("error", () => end(false));
    });
  }
}
