/**
 * Builds from Dockerfiles without docker. The commands run in a sandbox's isolation, over the folder of the sandbox or
 * snapshot that is built, so what they write outside of the system's folders is kept. A command that needs root or the
 * network fails, and with it the build.
 */
import { createHash, randomUUID } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { StringDecoder } from "node:string_decoder";
import { setTimeout as pause } from "node:timers/promises";
import { Container } from "./container.ts";
import { BuildError, type BuildTools, carryOut, parseDockerfile } from "./dockerfile.ts";
import type { Isolation } from "./isolation.ts";
import { openRoot } from "./isolation.ts";
import { frameKind, parseJson } from "./keeper/channel.ts";
import type { Image } from "./sandboxes.ts";

interface BuildOptions {
  isolation: Isolation;
  etc: string;
  socketsDirectory: string;
  /** Why commands are refused on this machine; undefined when they may run. */
  refusal: string | undefined;
  timeoutMs?: number | undefined;
}

interface BuildJob {
  /** Contains `home` and `tmp`, and receives the log. */
  folder: string;
  dockerfile: string;
  /** Called when a queued build begins. */
  onBegin(): Promise<void>;
}

/** Long enough for real builds, bounded so that none hangs for ever. */
const defaultTimeoutMs = 600_000;
/** A build uses whole processors; further builds are queued. */
const maxBuilds = 2;
/** Beyond this, each read is followed by a pause: the log is full by then, and a flood waits in its pipe. */
const floodBytes = 4 * 1024 * 1024;
const floodPauseMs = 50;
const limits = { memory: 8, disk: 10 };

export class Builds {
  readonly logs = new BuildLogs();
  readonly #options: BuildOptions;
  readonly #queue: (() => void)[] = [];
  #running = 0;

  constructor(options: BuildOptions) {
    this.#options = options;
  }

  logPath(folder: string): string {
    return join(folder, "build.log");
  }

  /** Opens the log of a build before `build` is called for it. */
  announce(folder: string): void {
    this.logs.begin(this.logPath(folder));
  }

  /** Resolves with the built image. Rejects with a `BuildError`, whose message is the last line of the log. */
  async build(job: BuildJob, ended: AbortSignal): Promise<Image> {
    const path = this.logPath(job.folder);
    const log = this.logs.begin(path);
    try {
      await this.#takeTurn(ended);
      try {
        return await this.#carryOut(job, log, ended);
      } finally {
        this.#passTurn();
      }
    } catch (error) {
      const known = ended.aborted
        ? new BuildError("the build was ended")
        : error instanceof BuildError
          ? error
          : new BuildError("the build could not be carried out");
      log.write(`${known.message}\n`);
      throw known;
    } finally {
      await this.logs.finish(path);
    }
  }

  async #carryOut(job: BuildJob, log: BuildLog, ended: AbortSignal): Promise<Image> {
    await job.onBegin();
    await openRoot(job.folder);
    const timeoutMs = this.#options.timeoutMs ?? defaultTimeoutMs;
    const time = AbortSignal.timeout(timeoutMs);
    const workshop = new Workshop(
      job.folder,
      this.#options,
      (piece) => log.write(piece),
      AbortSignal.any([ended, time]),
    );
    const tools: BuildTools = { run: (command, place) => workshop.run(command, place), log: (text) => log.write(text) };
    try {
      return await carryOut(parseDockerfile(job.dockerfile), tools);
    } catch (error) {
      if (!time.aborted) throw error;
      throw new BuildError(`the build took longer than ${Math.ceil(timeoutMs / 1000)} seconds`);
    } finally {
      await workshop.close();
    }
  }

  async #takeTurn(ended: AbortSignal): Promise<void> {
    ended.throwIfAborted();
    if (this.#running < maxBuilds) {
      this.#running += 1;
      return;
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const leave = (): void => {
      this.#queue.splice(this.#queue.indexOf(resolve), 1);
      reject(new BuildError("the build was ended"));
    };
    this.#queue.push(resolve);
    ended.addEventListener("abort", leave, { once: true });
    await promise.finally(() => ended.removeEventListener("abort", leave));
  }

  #passTurn(): void {
    const next = this.#queue.shift();
    if (next) next();
    else this.#running -= 1;
  }
}

/** Derives the name of a build from its inputs. */
export function nameBuild(dockerfile: string): string {
  return `daytona-${createHash("sha256").update(dockerfile).digest("hex").slice(0, 32)}:daytona`;
}

/** The isolated environment of one build's commands, created at the first command. */
class Workshop {
  readonly #folder: string;
  readonly #options: BuildOptions;
  readonly #write: (piece: Buffer) => void;
  readonly #stop: AbortSignal;
  #container: Promise<Container> | undefined;
  #bytes = 0;

  constructor(folder: string, options: BuildOptions, write: (piece: Buffer) => void, stop: AbortSignal) {
    this.#folder = folder;
    this.#options = options;
    this.#write = write;
    this.#stop = stop;
  }

  async run(command: string, place: { cwd: string; variables: Record<string, string> }): Promise<number> {
    const { isolation, refusal } = this.#options;
    if (refusal !== undefined) throw new BuildError(refusal);
    // A Dockerfile is written for a machine of its own, so its commands never run as this machine's user.
    if (isolation === "none") throw new BuildError("commands of a Dockerfile need bubblewrap, which is missing here");
    this.#stop.throwIfAborted();
    this.#container ??= this.#open();
    const container = await this.#container;
    const channel = await container.open("execute", { command, ...place });
    const cut = (): void => void channel.socket.destroy();
    this.#stop.addEventListener("abort", cut, { once: true });
    try {
      for (let frame = await channel.reader.next(); frame; frame = await channel.reader.next()) {
        if (frame.kind === frameKind.json) return Number(parseJson(frame).exitCode ?? 127);
        this.#bytes += frame.payload.length;
        this.#write(Buffer.from(frame.payload));
        if (this.#bytes > floodBytes) await pause(floodPauseMs);
      }
      throw new BuildError("the sandbox ended while the command ran");
    } finally {
      this.#stop.removeEventListener("abort", cut);
      channel.socket.destroy();
    }
  }

  #open(): Promise<Container> {
    const { isolation, etc, socketsDirectory } = this.#options;
    const sockets = join(socketsDirectory, randomUUID().slice(0, 16));
    return Container.start({ isolation, etc, sockets, folder: this.#folder, variables: {}, limits });
  }

  async close(): Promise<void> {
    await this.#container?.then(
      (container) => container.stop(),
      () => undefined,
    );
  }
}

/** The limit of one build's log; later output is dropped. */
const maxLogBytes = 1024 * 1024;
/** Limits the file as well, since it is read as a whole. */
const cutNotice = "\n[the log beyond 1 MiB is not kept]\n";

export class BuildLog {
  readonly #decoder = new StringDecoder("utf8");
  #text = "";
  #bytes = 0;
  #ended = false;
  #changed = Promise.withResolvers<void>();

  write(piece: string | Buffer): void {
    if (this.#ended || this.#bytes > maxLogBytes) return;
    this.#bytes += Buffer.byteLength(piece);
    this.#text += typeof piece === "string" ? piece : this.#decoder.write(piece);
    if (this.#bytes > maxLogBytes) this.#text = this.#text.slice(0, maxLogBytes) + cutNotice;
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  get text(): string {
    return this.#text;
  }

  /** Yields what exists, then what is added, until the log ends or the reader leaves. */
  async *follow(gone: AbortSignal): AsyncGenerator<string> {
    const left = new Promise<void>((resolve) => gone.addEventListener("abort", () => resolve(), { once: true }));
    for (let read = 0; !gone.aborted; ) {
      if (read < this.#text.length) {
        const piece = this.#text.slice(read);
        read = this.#text.length;
        yield piece;
      } else if (this.#ended) return;
      else await Promise.race([this.#changed.promise, left]);
    }
  }

  #wake(): void {
    const { resolve } = this.#changed;
    this.#changed = Promise.withResolvers<void>();
    resolve();
  }
}

/** The logs of all builds, by the folder in which each is built. */
export class BuildLogs {
  readonly #open = new Map<string, BuildLog>();

  /** Called as soon as a build is promised, so that followers can wait for it to begin. */
  begin(path: string): BuildLog {
    const log = this.#open.get(path) ?? new BuildLog();
    this.#open.set(path, log);
    return log;
  }

  async finish(path: string): Promise<void> {
    const log = this.#open.get(path);
    if (!log) return;
    log.end();
    await writeFile(path, log.text, { mode: 0o600 }).catch(() => undefined);
    this.#open.delete(path);
  }

  async *read(path: string, follow: boolean, gone: AbortSignal): AsyncGenerator<string> {
    const log = this.#open.get(path);
    if (!log) yield await readFile(path, "utf8").catch(() => "");
    else if (follow) yield* log.follow(gone);
    else yield log.text;
  }
}
