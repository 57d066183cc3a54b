/**
 * The terminals of a started sandbox that clients address by an id.
 *
 * A terminal outlives its connections: it ends with its shell, when it is deleted, or with the sandbox. Output goes
 * only to the clients that are connected when it arrives: like the real daemon, this server stores none, so a client
 * that comes back sees what happens from then on. (Full-screen programs redraw when they are resized.)
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Container } from "./container.ts";
import { HttpError } from "./errors.ts";
import { PtyProcess, type PtySettings } from "./pty-process.ts";

/** Each is a shell and a connection to the keeper. */
const maxSessions = 64;
const maxClients = 64;
/**
 * While a client is behind, output is read at about a megabyte a second: a working client catches up, so only one that
 * has stopped is dropped.
 */
const behindPauseMs = 50;
const bytesPerPause = 64 * 1024;
/** The exit code of a killed process. */
const killedExitCode = 137;

export interface NewPty extends PtySettings {
  id: string;
  lazyStart: boolean;
}

export interface PtyClient {
  readonly isClosed: boolean;
  /** Whether a large part of what was sent to it is still unread. */
  readonly isBehind: boolean;
  greet(): void;
  send(output: Buffer): void;
  exit(exitCode: number): void;
  /** Called when the sandbox stops. */
  leave(): void;
}

export class PtySessions {
  readonly #container: Container;
  readonly #sessions = new Map<string, PtySession>();

  constructor(container: Container) {
    this.#container = container;
  }

  all(): PtySession[] {
    return [...this.#sessions.values()];
  }

  find(id: string): PtySession | undefined {
    return this.#sessions.get(id);
  }

  /** Reserves an id without starting the terminal. */
  add(settings: NewPty): PtySession {
    if (this.#sessions.has(settings.id)) {
      throw new HttpError(409, `PTY session with ID '${settings.id}' already exists`);
    }
    if (this.#sessions.size >= maxSessions) throw new HttpError(400, `more than ${maxSessions} PTY sessions`);
    const session = new PtySession(this.#container, settings, () => {
      if (this.#sessions.get(settings.id) === session) this.#sessions.delete(settings.id);
    });
    this.#sessions.set(settings.id, session);
    return session;
  }

  delete(id: string): boolean {
    const session = this.#sessions.get(id);
    session?.end((client) => client.exit(killedExitCode));
    return session !== undefined;
  }

  /** Called when the sandbox stops. */
  close(): void {
    for (const session of this.all()) session.end((client) => client.leave());
  }
}

export class PtySession {
  readonly settings: NewPty;
  readonly createdAt = new Date().toISOString();
  readonly #container: Container;
  readonly #forget: () => void;
  readonly #clients = new Set<PtyClient>();
  #starting: Promise<void> | undefined;
  #process: PtyProcess | undefined;
  #hasEnded = false;
  #bytesSincePause = 0;

  constructor(container: Container, settings: NewPty, forget: () => void) {
    this.#container = container;
    this.settings = settings;
    this.#forget = forget;
  }

  get isActive(): boolean {
    return this.#process !== undefined && !this.#hasEnded;
  }

  /** A start that fails leaves no session behind. */
  start(first?: PtyClient): Promise<void> {
    this.#starting ??= this.#launch(first);
    return this.#starting;
  }

  async #launch(first: PtyClient | undefined): Promise<void> {
    try {
      this.#process = await PtyProcess.start(this.#container, this.settings);
    } catch (error) {
      this.end((client) => client.leave());
      throw error;
    }
    if (this.#hasEnded) {
      this.#process.kill();
      throw this.#terminated();
    }
    // Joined before anything is read, so that whoever starts a shell sees its first prompt.
    if (first) this.#join(first);
    void this.#process.follow((output) => this.#broadcast(output)).then((exitCode) => this.#finish(exitCode));
  }

  async attach(client: PtyClient): Promise<void> {
    if (this.#clients.size >= maxClients) throw new HttpError(400, `more than ${maxClients} connections`);
    const isFirst = this.#starting === undefined;
    await this.start(client);
    if (isFirst) return;
    if (this.#hasEnded) throw this.#terminated();
    this.#join(client);
  }

  detach(client: PtyClient): void {
    this.#clients.delete(client);
  }

  #join(client: PtyClient): void {
    if (client.isClosed) return;
    this.#clients.add(client);
    client.greet();
  }

  #terminated(): HttpError {
    return new HttpError(410, `PTY session '${this.settings.id}' has terminated and is no longer available`);
  }

  write(data: Buffer): Promise<void> {
    return this.#process?.write(data) ?? Promise.resolve();
  }

  async resize(cols: number, rows: number): Promise<void> {
    if (!this.#process) throw new HttpError(500, "cannot resize inactive PTY session");
    await this.#process.resize(cols, rows);
    Object.assign(this.settings, { cols, rows });
  }

  end(notify: (client: PtyClient) => void): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#forget();
    this.#process?.kill();
    for (const client of this.#clients) notify(client);
    this.#clients.clear();
  }

  #finish(exitCode: number | undefined): void {
    this.end((client) => (exitCode === undefined ? client.leave() : client.exit(exitCode)));
  }

  async #broadcast(output: Buffer): Promise<void> {
    for (const client of this.#clients) client.send(output);
    this.#bytesSincePause += output.length;
    if (this.#bytesSincePause < bytesPerPause) return;
    this.#bytesSincePause = 0;
    if ([...this.#clients].some((client) => client.isBehind)) await pause(behindPauseMs);
  }
}
