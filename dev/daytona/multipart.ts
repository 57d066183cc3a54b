/**
 * Reads `multipart/form-data` as a stream: a file of a hundred megabytes passes through in chunks.
 */
import { HttpError } from "./errors.ts";

const maxHeaderBytes = 16 * 1024;
const headerEnd = Buffer.from("\r\n\r\n");

export interface Part {
  name: string;
  fileName: string | undefined;
  /** Must be read to its end before the next part comes. */
  body: AsyncGenerator<Buffer>;
}

export function readBoundary(contentType: string | undefined): string {
  const match = /^multipart\/form-data\s*;.*?boundary=(?:"([^"]{1,200})"|([^\s;"]{1,200}))/i.exec(contentType ?? "");
  const boundary = match?.[1] ?? match?.[2];
  if (boundary === undefined) throw new HttpError(400, "expected a multipart/form-data body with a boundary");
  return boundary;
}

export async function* readParts(source: AsyncIterable<Uint8Array>, boundary: string): AsyncGenerator<Part> {
  // The first boundary is at the very beginning; with a line break before it, it looks like all others.
  const input = new Input(source[Symbol.asyncIterator](), Buffer.from("\r\n"));
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  for await (const _preamble of input.readUntil(delimiter)) {
    // Content before the first boundary has no meaning.
  }
  while (!(await input.isLast())) {
    const { name, fileName } = parseHead(await input.readHead());
    yield { name, fileName, body: input.readUntil(delimiter) };
    if (!input.insidePart) continue;
    for await (const _rest of input.readUntil(delimiter)) {
      // The reader did not read this part to its end.
    }
  }
}

class Input {
  readonly #source: AsyncIterator<Uint8Array>;
  #buffer: Buffer;
  insidePart = false;

  constructor(source: AsyncIterator<Uint8Array>, head: Buffer) {
    this.#source = source;
    this.#buffer = head;
  }

  async #fill(): Promise<void> {
    const next = await this.#source.next();
    if (next.done) throw new HttpError(400, "the multipart body was cut short");
    this.#buffer = Buffer.concat([this.#buffer, next.value]);
  }

  /** Yields everything before the delimiter and skips the delimiter. */
  async *readUntil(delimiter: Buffer): AsyncGenerator<Buffer> {
    for (;;) {
      const index = this.#buffer.indexOf(delimiter);
      // The last bytes may be the beginning of a delimiter.
      const end = index === -1 ? Math.max(0, this.#buffer.length - delimiter.length + 1) : index;
      const piece = this.#buffer.subarray(0, end);
      this.#buffer = this.#buffer.subarray(index === -1 ? end : index + delimiter.length);
      // Set before the yield: a reader that has enough never resumes this generator.
      this.insidePart = index === -1;
      if (piece.length > 0) yield piece;
      if (index !== -1) return;
      await this.#fill();
    }
  }

  /** Called after a boundary: two dashes end the body, a line break begins a part. */
  async isLast(): Promise<boolean> {
    while (this.#buffer.length < 2) await this.#fill();
    const mark = this.#buffer.subarray(0, 2).toString("latin1");
    this.#buffer = this.#buffer.subarray(2);
    if (mark === "--") return true;
    if (mark === "\r\n") return false;
    throw new HttpError(400, "malformed multipart body");
  }

  async readHead(): Promise<string> {
    for (;;) {
      const index = this.#buffer.indexOf(headerEnd);
      if (index > maxHeaderBytes || (index === -1 && this.#buffer.length > maxHeaderBytes)) {
        throw new HttpError(400, "the head of a part is too long");
      }
      if (index !== -1) {
        const head = this.#buffer.subarray(0, index).toString("utf8");
        this.#buffer = this.#buffer.subarray(index + headerEnd.length);
        this.insidePart = true;
        return head;
      }
      await this.#fill();
    }
  }
}

function parseHead(head: string): { name: string; fileName: string | undefined } {
  const line = head.split("\r\n").find((text) => /^content-disposition\s*:/i.test(text)) ?? "";
  const name = readAttribute(line, "name");
  if (name === undefined) throw new HttpError(400, "a part has no name");
  return { name, fileName: readAttribute(line, "filename") };
}

function readAttribute(line: string, name: string): string | undefined {
  const match = new RegExp(`;\\s*${name}=(?:"((?:[^"\\\\]|\\\\.)*)"|([^;\\s]*))`, "i").exec(line);
  return match?.[1]?.replace(/\\(.)/g, "$1").replace(/%22/g, '"') ?? match?.[2];
}
