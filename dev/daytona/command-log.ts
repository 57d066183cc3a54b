/**
 * The output of one session command, in a file, in the daemon's format: each line begins with three bytes that say
 * whether it is of stdout (1) or stderr (2).
 */
import { EventEmitter } from "node:events";
import { type FileHandle, mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

export type StreamName = "stdout" | "stderr";

const prefixes = { stdout: Buffer.from([1, 1, 1]), stderr: Buffer.from([2, 2, 2]) };
const lineFeed = 0x0a;

/** More than anyone reads; `yes` makes as much in a second. */
const maxLogBytes = 64 * 1024 * 1024;
/**
 * Past the limit output is thrown away at this pace, about one megabyte a second: a flood then waits in its pipe instead
 * of burning a core, while a program that says a little now and then is never held up.
 */
const discardPauseMs = 50;
/** A JSON answer is built in memory, three times over. */
export const maxAnswerBytes = 16 * 1024 * 1024;

export class CommandLog {
  size = 0;
  finished = false;
  readonly #path: string;
  readonly #events = new EventEmitter();
  #file: Promise<FileHandle> | undefined;
  #stream: StreamName | undefined;
  #atLineStart = true;
  #full = false;
  #queue: Promise<void> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
    this.#events.setMaxListeners(0);
  }

  /** One after another: a command's echoed input comes from elsewhere than its output. */
  append(stream: StreamName, data: Buffer): Promise<void> {
    const append = this.#queue.then(() => this.#append(stream, data));
    this.#queue = append.catch(() => undefined);
    return append;
  }

  async #append(stream: StreamName, data: Buffer): Promise<void> {
    if (this.finished) return;
    if (this.#full) {
      await pause(discardPauseMs);
      return;
    }
    const labelled = this.#label(stream, data);
    await this.#write(labelled);
    if (this.size < maxLogBytes) return;
    this.#full = true;
    const notice = `\n[output beyond ${maxLogBytes / 1024 / 1024} MiB is not kept]\n`;
    this.#atLineStart = true;
    await this.#write(this.#label("stderr", Buffer.from(notice)));
  }

  /** Prefixes every line, and the rest of a line whose beginning the other stream interrupted. */
  #label(stream: StreamName, data: Buffer): Buffer {
    const pieces: Buffer[] = [];
    for (let start = 0; start < data.length; ) {
      if (this.#atLineStart || this.#stream !== stream) pieces.push(prefixes[stream]);
      this.#stream = stream;
      const end = data.indexOf(lineFeed, start);
      const next = end === -1 ? data.length : end + 1;
      pieces.push(data.subarray(start, next));
      this.#atLineStart = end !== -1;
      start = next;
    }
    return Buffer.concat(pieces);
  }

  async #write(data: Buffer): Promise<void> {
    this.#file ??= mkdir(dirname(this.#path), { recursive: true, mode: 0o700 }).then(() =>
      open(this.#path, "w+", 0o600),
    );
    const file = await this.#file;
    await file.write(data, 0, data.length, this.size);
    this.size += data.length;
    this.#events.emit("change");
  }

  finish(): Promise<void> {
    this.#queue = this.#queue.then(() => this.#finish()).catch(() => undefined);
    return this.#queue;
  }

  async #finish(): Promise<void> {
    this.finished = true;
    this.#events.emit("change");
    // Readers open it anew; thousands of finished commands must not hold a descriptor each.
    const file = await this.#file;
    this.#file = undefined;
    await file?.close();
  }

  /** The bytes from `position` on, up to `limit`. */
  async read(position: number, limit: number): Promise<Buffer> {
    const length = Math.min(limit, this.size - position);
    if (length <= 0) return Buffer.alloc(0);
    const file = await open(this.#path, "r");
    try {
      const buffer = Buffer.allocUnsafe(length);
      const { bytesRead } = await file.read(buffer, 0, length, position);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  }

  /** Resolves at the next change, or when the signal aborts. */
  changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const settle = (): void => {
        this.#events.off("change", settle);
        signal.removeEventListener("abort", settle);
        resolve();
      };
      this.#events.once("change", settle);
      signal.addEventListener("abort", settle, { once: true });
    });
  }
}

export interface LogAnswer {
  output: string;
  stdout: string;
  stderr: string;
}

export async function readLog(log: CommandLog): Promise<LogAnswer> {
  const bytes = await log.read(0, maxAnswerBytes);
  const { stdout, stderr } = separate(bytes);
  return { output: bytes.toString("utf8"), stdout: stdout.toString("utf8"), stderr: stderr.toString("utf8") };
}

/** Undoes the prefixes the way the SDK does it: a prefix anywhere switches the stream. */
export function separate(bytes: Buffer): Record<StreamName, Buffer> {
  const pieces: Record<StreamName, Buffer[]> = { stdout: [], stderr: [] };
  let stream: StreamName | undefined;
  let start = 0;
  for (let index = 0; index + 3 <= bytes.length; ) {
    const mark = bytes[index];
    const isPrefix = (mark === 1 || mark === 2) && bytes[index + 1] === mark && bytes[index + 2] === mark;
    if (!isPrefix) {
      index += 1;
      continue;
    }
    if (stream) pieces[stream].push(bytes.subarray(start, index));
    stream = mark === 1 ? "stdout" : "stderr";
    index += 3;
    start = index;
  }
  if (stream) pieces[stream].push(bytes.subarray(start));
  return { stdout: Buffer.concat(pieces.stdout), stderr: Buffer.concat(pieces.stderr) };
}
