/**
 * The contexts of a sandbox's code interpreter: each is a Python process in the sandbox, and runs one text at a time.
 * The default one is made at its first use and is not listed.
 */
import { randomUUID } from "node:crypto";
import type { Container } from "./container.ts";
import { readReply } from "./container.ts";
import { HttpError } from "./errors.ts";
import type { Channel } from "./keeper/channel.ts";
import { type Frame, frameKind, parseJson, writeJson } from "./keeper/frames.ts";

/** Each is a process with its libraries in memory. */
const maxContexts = 20;
/** Those that wait for their turn hold their code in memory. */
const maxWaiting = 32;
/** For code that catches its interrupt, or doesn't return from a library. */
const interruptMs = 2_000;

export interface Run {
  code: string;
  variables: Record<string, string>;
  /** Output as it comes; awaited, so that who reads slowly slows the code. */
  print(stream: "stdout" | "stderr", bytes: Buffer): Promise<void>;
  fail(error: Record<string, unknown>): void;
  /** Ends it. */
  signal: AbortSignal;
}

export class Context {
  readonly id = randomUUID();
  readonly createdAt = new Date().toISOString();
  readonly cwd: string;
  isActive = true;
  readonly #channel: Channel;
  #number = 0;
  #waiting = 0;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(channel: Channel, cwd: string) {
    this.#channel = channel;
    this.cwd = cwd;
    channel.socket.once("close", () => {
      this.isActive = false;
    });
  }

  static async start(container: Container, cwd: string): Promise<Context> {
    const channel = await container.open("interpreter", { cwd });
    try {
      const reply = readReply(await channel.reader.next()) as { cwd?: unknown };
      return new Context(channel, String(reply.cwd));
    } catch (error) {
      channel.socket.destroy();
      throw error;
    }
  }

  /** Runs when all former runs have ended. Says how it ended; throws when the process is gone. */
  run(run: Run): Promise<"completed" | "interrupted"> {
    if (this.#waiting >= maxWaiting) throw new HttpError(409, "too many runs wait for this context");
    this.#waiting += 1;
    const turn = this.#last.then(() => this.#take(run));
    this.#last = turn
      .catch(() => undefined)
      .finally(() => {
        this.#waiting -= 1;
      });
    return turn;
  }

  end(): void {
    this.isActive = false;
    this.#channel.socket.destroy();
  }

  async #take({ code, variables, print, fail, signal }: Run): Promise<"completed" | "interrupted"> {
    if (signal.aborted) return "interrupted";
    this.#number += 1;
    let killer: NodeJS.Timeout | undefined;
    const interrupt = (): void => {
      void writeJson(this.#channel.socket, { do: "interrupt" });
      killer = setTimeout(() => this.end(), interruptMs);
    };
    signal.addEventListener("abort", interrupt, { once: true });
    try {
      await writeJson(this.#channel.socket, { do: "run", number: this.#number, code, variables });
      return await this.#follow(print, fail);
    } finally {
      clearTimeout(killer);
      signal.removeEventListener("abort", interrupt);
    }
  }

  async #follow(print: Run["print"], fail: Run["fail"]): Promise<"completed" | "interrupted"> {
    let outcome: "completed" | "interrupted" = "completed";
    for (let frame = await this.#next(); frame; frame = await this.#next()) {
      if (frame.kind === frameKind.stdout) await print("stdout", frame.payload);
      else if (frame.kind === frameKind.stderr) await print("stderr", frame.payload);
      else {
        const event = parseJson(frame);
        if (event.type === "done") return outcome;
        if (event.type === "interrupted") outcome = "interrupted";
        if (event.type === "error") fail(event);
      }
    }
    this.end();
    throw new HttpError(410, "the interpreter has ended");
  }

  #next(): Promise<Frame | undefined> {
    return this.#channel.reader.next();
  }
}

class Contexts {
  readonly #container: Container;
  readonly #contexts = new Map<string, Context>();
  #default: Promise<Context> | undefined;

  constructor(container: Container) {
    this.#container = container;
  }

  all(): Context[] {
    return [...this.#contexts.values()];
  }

  async add(cwd: string): Promise<Context> {
    if (this.#contexts.size >= maxContexts) throw new HttpError(400, `a sandbox has at most ${maxContexts} contexts`);
    const context = await Context.start(this.#container, cwd);
    this.#contexts.set(context.id, context);
    return context;
  }

  delete(id: string): boolean {
    this.#contexts.get(id)?.end();
    return this.#contexts.delete(id);
  }

  /** The default one comes back after its process has ended; the others don't. */
  async find(id: string | undefined): Promise<Context> {
    if (id !== undefined) {
      const context = this.#contexts.get(id);
      if (!context) throw new HttpError(404, `context ${id} not found`);
      return context;
    }
    const standing = await this.#default?.catch(() => undefined);
    if (standing?.isActive) return standing;
    this.#default = Context.start(this.#container, "");
    return this.#default;
  }
}

const byContainer = new WeakMap<Container, Contexts>();

/** They live as long as the container does. */
export function contextsOf(container: Container): Contexts {
  const known = byContainer.get(container) ?? new Contexts(container);
  byContainer.set(container, known);
  return known;
}
