/**
 * The processes of a started sandbox: the keeper (in bubblewrap or not), and the connections to it.
 *
 * Each request has its own connection, which the keeper opens on demand: the server writes a fresh token to the
 * keeper's stdin and waits for a connection that sends it. Anything else inside the sandbox that connects to the socket
 * has no token and is closed. The server trusts nothing from there beyond the framing.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { HttpError } from "./http.ts";
import {
  findBubblewrap,
  type Isolation,
  keeperFolder,
  keeperProgram,
  type Limits,
  limitedCommand,
  maxProcesses,
  prepareRoot,
  sandboxArguments,
  sandboxHome,
  sandboxPath,
  socketFolder,
} from "./isolation.ts";
import { type Channel, type Frame, frameKind, openChannel, parseJson, writeJson } from "./keeper/channel.ts";
import type { KeeperSettings } from "./keeper/settings.ts";

/** A keeper starts in about a tenth of a second; a loaded machine gets much more. */
const dialTimeoutMs = 30_000;
/** How long a new connection may take to send its token. */
const tokenTimeoutMs = 5_000;
const maxConnections = 512;
/** For requests with one result. The slowest is a search through all files, for which clients wait a minute. */
const askTimeoutMs = 120_000;
/**
 * Threads of the keeper: a file operation that hangs in the kernel blocks one, and Node's default of four is soon used
 * up.
 */
const keeperThreads = "16";
/** Between asking the keeper to end and killing it. */
const endTimeoutMs = 3_000;

interface ContainerOptions {
  isolation: Isolation;
  /** Contains `home` and `tmp`. */
  folder: string;
  /** A folder with a short path: the path of a unix socket is limited to about a hundred characters. */
  sockets: string;
  etc: string;
  variables: Record<string, string>;
  /** Where commands start if not in the home directory. Only an isolated sandbox can set it. */
  workDir?: string | undefined;
  limits: Limits;
}

interface Waiter {
  resolve(channel: Channel): void;
  reject(error: HttpError): void;
}

export class Container {
  readonly home: string;
  readonly workDir: string;
  /** Resolves when no process of the sandbox is left. */
  readonly ended: Promise<void>;
  readonly #options: ContainerOptions;
  readonly #keeper: ChildProcess;
  readonly #server: Server;
  readonly #waiters = new Map<string, Waiter>();
  readonly #channels = new Set<Socket>();

  private constructor(options: ContainerOptions, keeper: ChildProcess, server: Server) {
    this.#options = options;
    this.#keeper = keeper;
    this.#server = server;
    this.home = options.isolation === "bubblewrap" ? sandboxHome : join(options.folder, "home");
    this.workDir = options.isolation === "bubblewrap" ? (options.workDir ?? sandboxHome) : this.home;
    this.ended = new Promise((resolve) => {
      keeper.once("error", () => resolve());
      keeper.once("close", () => resolve());
    });
    void this.ended.then(() => this.#cleanUp());
    server.on("connection", (socket) => this.#admit(socket));
    keeper.stdin?.on("error", () => {});
  }

  static async start(options: ContainerOptions): Promise<Container> {
    await rm(options.sockets, { recursive: true, force: true });
    await mkdir(options.sockets, { recursive: true, mode: 0o700 });
    const server = createServer({ allowHalfOpen: true });
    server.maxConnections = maxConnections;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(join(options.sockets, "s"), resolve);
    });
    if (options.isolation === "bubblewrap") await prepareRoot(options.folder);
    const container = new Container(options, spawnKeeper(options), server);
    try {
      await container.ask("variables", { set: options.variables });
      // A command may have removed it before the last stop.
      if (container.workDir !== container.home) {
        await container.ask("folder", { path: container.workDir, mode: "755" }).catch(() => undefined);
      }
      return container;
    } catch (error) {
      await container.stop();
      throw error;
    }
  }

  /** Sends a request that has one result. */
  async ask(operation: string, request: Record<string, unknown> = {}): Promise<unknown> {
    const channel = await this.open(operation, request);
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      channel.socket.destroy();
    }, askTimeoutMs);
    try {
      return readReply(await channel.reader.next());
    } catch (error) {
      throw isLate ? new HttpError(504, `no answer within ${askTimeoutMs / 1000} seconds`) : error;
    } finally {
      clearTimeout(timer);
      channel.socket.destroy();
    }
  }

  /** Sends a request that continues after its first frame. The caller destroys the channel's socket. */
  async open(operation: string, request: Record<string, unknown> = {}): Promise<Channel> {
    const channel = await this.#dial();
    await writeJson(channel.socket, { ...request, do: operation });
    return channel;
  }

  /** Opens a raw connection to a port inside the sandbox. */
  join(port: number): Promise<Socket> {
    return this.#openRaw("join", { port });
  }

  /** Takes over a connection that a program inside the sandbox made to its relay port. */
  takeOver(connection: number): Promise<Socket> {
    return this.#openRaw("relay", { connection });
  }

  async #openRaw(operation: string, request: Record<string, unknown>): Promise<Socket> {
    const channel = await this.open(operation, request);
    try {
      readReply(await channel.reader.next());
    } catch (error) {
      channel.socket.destroy();
      throw error;
    }
    channel.reader.release();
    return channel.socket;
  }

  async stop(): Promise<void> {
    this.#keeper.stdin?.end();
    const killer = setTimeout(() => this.#keeper.kill("SIGKILL"), endTimeoutMs);
    await this.ended;
    clearTimeout(killer);
  }

  #dial(): Promise<Channel> {
    const { stdin } = this.#keeper;
    if (!stdin?.writable) return Promise.reject(unreachable());
    const token = randomBytes(16).toString("hex");
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#waiters.get(token)?.reject(unreachable()), dialTimeoutMs);
      const settle = (): void => {
        clearTimeout(timer);
        this.#waiters.delete(token);
      };
      this.#waiters.set(token, {
        resolve: (channel) => {
          settle();
          resolve(channel);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      });
      stdin.write(`${token}\n`);
    });
  }

  #admit(socket: Socket): void {
    this.#channels.add(socket);
    socket.once("close", () => this.#channels.delete(socket));
    socket.on("error", () => socket.destroy());
    socket.setTimeout(tokenTimeoutMs, () => socket.destroy());
    let head = Buffer.alloc(0);
    const read = (): void => {
      const chunk = socket.read() as Buffer | null;
      if (!chunk) return;
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf("\n");
      if (end === -1 && head.length <= 64) return;
      socket.off("readable", read);
      const token = head.subarray(0, Math.max(end, 0)).toString("latin1");
      const waiter = this.#waiters.get(token);
      if (!waiter) {
        socket.destroy();
        return;
      }
      socket.setTimeout(0);
      waiter.resolve(openChannel(socket, head.subarray(end + 1)));
    };
    socket.on("readable", read);
  }

  async #cleanUp(): Promise<void> {
    for (const waiter of this.#waiters.values()) waiter.reject(unreachable());
    for (const socket of this.#channels) socket.destroy();
    this.#server.close();
    await rm(this.#options.sockets, { recursive: true, force: true }).catch(() => undefined);
  }
}

function unreachable(): HttpError {
  return new HttpError(502, "the sandbox's daemon does not answer");
}

/** Reads the keeper's reply. Throws its refusal as an error with the daemon's code. */
export function readReply(frame: Frame | undefined): unknown {
  if (!frame || frame.kind !== frameKind.json) throw unreachable();
  const reply = parseJson(frame);
  if (reply.ok === true) return reply.value;
  const failure = (reply.error ?? {}) as Record<string, unknown>;
  const status = Number(failure.status);
  const isStatus = Number.isInteger(status) && status >= 400 && status <= 599;
  throw new HttpError(
    isStatus ? status : 502,
    String(failure.message ?? "failed"),
    String(failure.code ?? "BAD_REQUEST"),
  );
}

function spawnKeeper(options: ContainerOptions): ChildProcess {
  const keeper = join(import.meta.dirname, "keeper");
  const isolated = options.isolation === "bubblewrap";
  const settings: KeeperSettings = {
    socket: isolated ? `${socketFolder}/s` : join(options.sockets, "s"),
    home: isolated ? sandboxHome : join(options.folder, "home"),
    workDir: isolated ? (options.workDir ?? sandboxHome) : join(options.folder, "home"),
    temporary: isolated ? "/tmp" : join(options.folder, "tmp"),
    scratch: isolated ? "/run/sessions" : join(options.sockets, "sessions"),
    fenced: !isolated,
    maxProcesses: isolated ? maxProcesses : 0,
    path: isolated ? sandboxPath : (process.env.PATH ?? "/usr/local/bin:/usr/bin:/bin"),
  };
  // No variable of the server's environment is passed, least of all to bubblewrap, whose first process's environment
  // the sandbox can read. The sandbox's own variables reach the keeper as data.
  const spawnOptions = {
    env: { PATH: settings.path, LANG: "C.UTF-8", UV_THREADPOOL_SIZE: keeperThreads },
    detached: true,
    // Also passed here, because the shell that sets the limits exports it.
    cwd: isolated ? "/" : options.folder,
  };
  if (!isolated) {
    return spawn(process.execPath, [join(keeper, "main.ts"), JSON.stringify(settings)], {
      ...spawnOptions,
      stdio: ["pipe", "ignore", "ignore"],
    });
  }
  const keeperCommand = [keeperProgram, `${keeperFolder}/main.ts`, JSON.stringify(settings)];
  const command = [findBubblewrap(), "--args", "3", "--", ...keeperCommand];
  const [program, args] = limitedCommand(options.limits, command);
  const child = spawn(program, args, { ...spawnOptions, stdio: ["pipe", "ignore", "ignore", "pipe"] });
  // Passed by descriptor rather than as arguments: inside the sandbox `ps` shows the arguments of its first process.
  const wiring = child.stdio[3] as Duplex;
  wiring.on("error", () => {});
  wiring.end(sandboxArguments({ ...options, keeper }).join("\0"));
  return child;
}
