/**
 * The output of one session command, in a file, in the daemon's format: three bytes before each line say whether it
 * belongs to stdout (1) or stderr (2).
 */
import { EventEmitter } from "node:events";
import { type FileHandle, mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

export type StreamName = "stdout" | "stderr";

const marks = { stdout: 1, stderr: 2 };
const prefixBytes = 3;
const lineFeed = 0x0a;

/** More than anyone reads; `yes` prints as much in a second. */
export const maxLogBytes = 64 * 1024 * 1024;
/** Of output past the limit, the last bytes are kept and written when the command ends: how it ended matters most. */
const maxTailBytes = 256 * 1024;
/** Output is labelled in slices of this size, the usual size of a read from a pipe. */
const sliceBytes = 64 * 1024;
/**
 * Reserves room for the tail, for the slice that crosses the limit (prefixes turn one byte into four at worst), and for
 * the notice.
 */
const maxHeadBytes = maxLogBytes - 4 * (maxTailBytes + sliceBytes) - 1024;
/**
 * Past the limit, output is discarded with this pause after each read, about one megabyte a second. A flood then waits
 * in its pipe instead of using a whole core, and a program that prints now and then is never delayed.
 */
const discardPauseMs = 50;

interface Piece {
  stream: StreamName;
  data: Buffer;
}

export class CommandLog {
  size = 0;
  finished = false;
  readonly #path: string;
  readonly #events = new EventEmitter();
  #file: Promise<FileHandle> | undefined;
  #stream: StreamName | undefined;
  #atLineStart = true;
  readonly #tail: Piece[] = [];
  #tailBytes = 0;
  #omittedBytes = 0;
  #full = false;
  #queue: Promise<void> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
    this.#events.setMaxListeners(0);
  }

  /** Appends are serialized: a command's echoed input and its output come from different places. */
  append(stream: StreamName, data: Buffer): Promise<void> {
    const append = this.#queue.then(() => this.#append(stream, data));
    this.#queue = append.catch(() => undefined);
    return append;
  }

  async #append(stream: StreamName, data: Buffer): Promise<void> {
    if (this.finished) return;
    const wasFull = this.#full;
    let start = 0;
    for (; start < data.length && !this.#full; start += sliceBytes) {
      await this.#write(this.#label(stream, data.subarray(start, start + sliceBytes)));
      this.#full = this.size >= maxHeadBytes;
    }
    if (start < data.length) this.#keepTail({ stream, data: data.subarray(start) });
    if (wasFull) await pause(discardPauseMs);
  }

  #keepTail(piece: Piece): void {
    // Copied, because a piece is often a small part of a large buffer that it would keep in memory.
    const data = Buffer.from(piece.data.subarray(-maxTailBytes));
    this.#omittedBytes += piece.data.length - data.length;
    this.#tail.push({ stream: piece.stream, data });
    this.#tailBytes += data.length;
    for (let first = this.#tail[0]; first && this.#tailBytes > maxTailBytes; first = this.#tail[0]) {
      const cut = Math.min(first.data.length, this.#tailBytes - maxTailBytes);
      first.data = first.data.subarray(cut);
      this.#tailBytes -= cut;
      this.#omittedBytes += cut;
      if (first.data.length === 0) this.#tail.shift();
    }
  }

  async #writeTail(): Promise<void> {
    if (this.#omittedBytes > 0) {
      const notice = `\n[${this.#omittedBytes} bytes are not kept]\n`;
      await this.#write(this.#label("stderr", Buffer.from(notice)));
      this.#atLineStart = true;
    }
    for (const { stream, data } of this.#tail) await this.#write(this.#label(stream, data));
    this.#tail.length = 0;
  }

  /** Prefixes every line, and the rest of a line that output of the other stream has interrupted. */
  #label(stream: StreamName, data: Buffer): Buffer {
    const labelled = Buffer.allocUnsafe(data.length + prefixBytes * (countLines(data) + 1));
    let length = 0;
    for (let start = 0; start < data.length; ) {
      if (this.#atLineStart || this.#stream !== stream) {
        labelled.fill(marks[stream], length, length + prefixBytes);
        length += prefixBytes;
      }
      this.#stream = stream;
      const end = data.indexOf(lineFeed, start);
      const next = end === -1 ? data.length : end + 1;
      length += data.copy(labelled, length, start, next);
      this.#atLineStart = end !== -1;
      start = next;
    }
    return labelled.subarray(0, length);
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
    if (this.finished) return;
    await this.#writeTail().catch(() => undefined);
    this.finished = true;
    this.#events.emit("change");
    // Readers reopen the file: thousands of finished commands must not hold a descriptor each.
    const file = await this.#file;
    this.#file = undefined;
    await file?.close();
  }

  /** Reads up to `limit` bytes from `position`. */
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

function countLines(data: Buffer): number {
  let count = 0;
  for (let place = data.indexOf(lineFeed); place !== -1; place = data.indexOf(lineFeed, place + 1)) count += 1;
  return count;
}

/** Removes the prefixes as the SDK does: a prefix anywhere switches the stream. Pieces may end anywhere. */
export class Separator {
  #stream: StreamName | undefined;
  #rest: Buffer = Buffer.alloc(0);

  push(bytes: Buffer, isLast = false): Piece[] {
    const input = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const pieces: Piece[] = [];
    const take = (start: number, end: number): void => {
      if (this.#stream && end > start) pieces.push({ stream: this.#stream, data: input.subarray(start, end) });
    };
    let start = 0;
    let index = 0;
    for (; index + 3 <= input.length; ) {
      const mark = input[index];
      const isPrefix = (mark === 1 || mark === 2) && input[index + 1] === mark && input[index + 2] === mark;
      if (!isPrefix) {
        index += 1;
        continue;
      }
      take(start, index);
      this.#stream = mark === 1 ? "stdout" : "stderr";
      index += 3;
      start = index;
    }
    // The last two bytes may be the beginning of a prefix.
    const end = isLast ? input.length : Math.max(start, index);
    take(start, end);
    this.#rest = Buffer.from(input.subarray(end));
    return pieces;
  }
}
