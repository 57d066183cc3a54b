/**
 * A context of the code interpreter: one Python process that keeps its names from one run to the next.
 *
 * The channel is the context's life. Orders come in as JSON frames; what a run prints goes out as it comes, what befell
 * it as JSON. The end of a run is told when all that it printed before has gone out, for which the process marks the end
 * on both of its streams.
 */
import { randomBytes } from "node:crypto";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { answer, type Channel, type Request, readText, readVariables } from "./channel.ts";
import { requirePython } from "./code.ts";
import { killGroup, spawnShell } from "./commands.ts";
import { KeeperError } from "./failures.ts";
import { frameKind, parseJson, writeFrame, writeJson } from "./frames.ts";
import { resolvePath } from "./paths.ts";
import type { KeeperSettings } from "./settings.ts";

/** For a mark that never comes, because the code has closed its stdout. */
const markWaitMs = 500;

export async function serveInterpreter(channel: Channel, request: Request, settings: KeeperSettings): Promise<void> {
  const cwd = await resolvePath(settings, readText(request, "cwd"));
  if (!(await stat(cwd)).isDirectory()) throw new KeeperError(400, "BAD_REQUEST", "cwd is not a directory");
  const worker = join(import.meta.dirname, "interpreter.py");
  const child = spawnShell(settings, ["-u", worker], { program: requirePython(settings), cwd, extraPipes: 2 });
  const { pid } = child;
  const [, stdout, stderr, orders, events] = child.stdio as [Writable, Readable, Readable, Writable, Readable];
  orders.on("error", () => {});
  child.stdin?.end();
  const mark = `\0${randomBytes(16).toString("hex")}\0`;
  const streams = [new MarkedStream(stdout, mark), new MarkedStream(stderr, mark)];
  const flowed = Promise.all([
    forward(streams[0], channel, frameKind.stdout),
    forward(streams[1], channel, frameKind.stderr),
    forwardEvents(events, streams, channel),
  ]).catch(() => undefined);
  child.once("error", () => channel.socket.destroy());
  child.once("exit", () => void flowed.then(() => channel.socket.end()));
  orders.write(`${JSON.stringify({ mark })}\n`);
  await answer(channel, { cwd });
  try {
    for (let frame = await channel.reader.next(); frame; frame = await channel.reader.next()) {
      const order = parseJson(frame);
      if (order.do === "interrupt" && pid !== undefined) killGroup(pid, "SIGINT");
      if (order.do === "run") orders.write(`${spellRun(order)}\n`);
    }
  } finally {
    if (pid !== undefined) killGroup(pid, "SIGKILL");
  }
}

function spellRun(order: Request): string {
  const variables = readVariables(order, "variables");
  return JSON.stringify({ number: Number(order.number), code: readText(order, "code"), variables });
}

async function forward(stream: MarkedStream | undefined, channel: Channel, kind: number): Promise<void> {
  for await (const piece of stream?.pieces() ?? []) await writeFrame(channel.socket, kind, piece);
}

async function forwardEvents(events: Readable, streams: MarkedStream[], channel: Channel): Promise<void> {
  events.on("error", () => {});
  for await (const line of createInterface({ input: events })) {
    const event = readEvent(line);
    if (event.type === "done") await Promise.race([Promise.all(streams.map((s) => s.marked())), pause(markWaitMs)]);
    await writeJson(channel.socket, event);
  }
}

/** The code may write to the descriptor as well. */
function readEvent(line: string): Request {
  try {
    return Object(JSON.parse(line)) as Request;
  } catch {
    return {};
  }
}

/** A stream without its marks, which says when one has come by. */
class MarkedStream {
  readonly #source: Readable;
  readonly #mark: Buffer;
  #marks = 0;
  #awaited = 0;
  #wake = (): void => {};

  constructor(source: Readable, mark: string) {
    this.#source = source;
    this.#mark = Buffer.from(mark);
    source.on("error", () => {});
  }

  /** Resolves at the next mark that nobody has waited for, which may have come by already. */
  async marked(): Promise<void> {
    this.#awaited += 1;
    while (this.#marks < this.#awaited) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async *pieces(): AsyncGenerator<Buffer> {
    let rest: Buffer = Buffer.alloc(0);
    for await (const chunk of this.#source) {
      rest = Buffer.concat([rest, chunk as Buffer]);
      for (let at = rest.indexOf(this.#mark); at !== -1; at = rest.indexOf(this.#mark)) {
        if (at > 0) yield rest.subarray(0, at);
        rest = rest.subarray(at + this.#mark.length);
        this.#marks += 1;
        this.#wake();
      }
      // What may be the beginning of a mark waits for the next chunk.
      const held = this.#beginningAtEnd(rest);
      if (rest.length > held) yield rest.subarray(0, rest.length - held);
      rest = rest.subarray(rest.length - held);
    }
    if (rest.length > 0) yield rest;
  }

  #beginningAtEnd(bytes: Buffer): number {
    for (let length = Math.min(bytes.length, this.#mark.length - 1); length > 0; length -= 1) {
      if (bytes.subarray(-length).equals(this.#mark.subarray(0, length))) return length;
    }
    return 0;
  }
}
