/**
 * The toolbox's file API over HTTP. The keeper does the work; this file translates between the two protocols.
 */
import type { ServerResponse } from "node:http";
import { basename } from "node:path";
import { type Container, readReply } from "./container.ts";
import {
  type Exchange,
  type Handler,
  HttpError,
  optionalTexts,
  query,
  readJson,
  requireQuery,
  sendEmpty,
  sendJson,
  toHttpError,
  toolboxErrorBody,
  writeBody,
} from "./http.ts";
import type { Channel } from "./keeper/channel.ts";
import { type Frame, frameKind, writeFrame } from "./keeper/channel.ts";

interface Context {
  life: { container: Container };
}

const downloadBoundary = "DAYTONA-FILE-BOUNDARY";
const maxUploadBytes = 1024 * 1024 * 1024;
const maxPathBytes = 16 * 1024;
const maxFilesAtOnce = 1_000;

export const fileRoutes: Record<string, Handler<Context>> = {
  "GET /files": async (exchange, { life }) => {
    sendJson(exchange.response, 200, await life.container.ask("list", { path: query(exchange, "path") ?? "" }));
  },
  "DELETE /files": async (exchange, { life }) => {
    const recursive = query(exchange, "recursive") === "true";
    await life.container.ask("delete", { path: requireQuery(exchange, "path"), recursive });
    sendEmpty(exchange.response, 204);
  },
  "GET /files/info": async (exchange, { life }) =>
    sendJson(exchange.response, 200, await life.container.ask("info", { path: requireQuery(exchange, "path") })),
  "POST /files/folder": async (exchange, { life }) => {
    const request = { path: requireQuery(exchange, "path"), mode: requireQuery(exchange, "mode") };
    await life.container.ask("folder", request);
    sendEmpty(exchange.response, 201);
  },
  "POST /files/move": async (exchange, { life }) => {
    const [source, destination] = [requireQuery(exchange, "source"), requireQuery(exchange, "destination")];
    await life.container.ask("move", { source, destination });
    sendEmpty(exchange.response, 200);
  },
  "GET /files/search": (exchange, context) => search(exchange, context, "search"),
  "GET /files/find": (exchange, context) => search(exchange, context, "find"),
  "GET /files/download": download,
  "POST /files/bulk-download": downloadMany,
  "POST /files/bulk-upload": uploadMany,
};

async function search(exchange: Exchange, { life }: Context, operation: string): Promise<void> {
  const request = { path: requireQuery(exchange, "path"), pattern: requireQuery(exchange, "pattern") };
  sendJson(exchange.response, 200, await life.container.ask(operation, request));
}

interface Download {
  channel: Channel;
  /** The size of the whole file. `begin` and `end` bound the range that is sent. */
  size: number;
  begin: number;
  end: number;
  isPart: boolean;
}

async function openFile(
  { response, container }: { response: ServerResponse; container: Container },
  path: string,
  range?: string,
): Promise<Download> {
  const channel = await container.open("read", { path, range });
  // Reading a pipe takes as long as its client waits.
  response.once("close", () => channel.socket.destroy());
  try {
    const reply = readReply(await channel.reader.next()) as Omit<Download, "channel">;
    return { channel, ...reply };
  } catch (error) {
    channel.socket.destroy();
    throw error;
  }
}

/** Sends exactly as many bytes as announced, or cuts the connection: a short response must not look complete. */
async function sendFile(response: ServerResponse, { channel, begin, end }: Download): Promise<void> {
  let left = end - begin;
  try {
    let frame: Frame | undefined = await channel.reader.next();
    for (; frame?.kind === frameKind.data && !response.destroyed; frame = await channel.reader.next()) {
      left -= frame.payload.length;
      if (left < 0) break;
      await writeBody(response, Buffer.from(frame.payload));
    }
    if (left !== 0 || frame?.kind !== frameKind.finish) response.destroy();
  } finally {
    channel.socket.destroy();
  }
}

async function download(exchange: Exchange, { life }: Context): Promise<void> {
  const path = requireQuery(exchange, "path");
  const { range } = exchange.request.headers;
  const file = await openFile({ response: exchange.response, container: life.container }, path, range);
  const { begin, end, size, isPart } = file;
  exchange.response.writeHead(isPart ? 206 : 200, {
    "content-type": "application/octet-stream",
    "content-length": end - begin,
    "accept-ranges": "bytes",
    ...(isPart ? { "content-range": `bytes ${begin}-${end - 1}/${size}` } : {}),
    "content-disposition": `attachment; ${attachmentNames(basename(path))}`,
  });
  await sendFile(exchange.response, file);
  if (!exchange.response.destroyed) exchange.response.end();
}

/** The name for a response header: plain ASCII for old clients, and the full name in RFC 5987 encoding. */
function attachmentNames(name: string): string {
  const plain = name.replace(/[^\x20-\x7e]/gu, "_").replace(/[\\"]/g, "\\$&");
  return `filename="${plain}"; ${extendedName(name)}`;
}

/**
 * The name for a header of a form part: form parsers read the plain parameter as UTF-8, and the SDK compares it with
 * the requested path.
 */
function partNames(name: string): string {
  const plain = name.replace(/[\\"]/g, "\\$&").replace(/\p{Cc}/gu, " ");
  return `filename="${plain}"; ${extendedName(name)}`;
}

function extendedName(name: string): string {
  const escaped = encodeURIComponent(name.toWellFormed());
  // `encodeURIComponent` leaves these four alone, but RFC 5987 reserves them.
  return `filename*=UTF-8''${escaped.replace(/['()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`)}`;
}

async function downloadMany(exchange: Exchange, context: Context): Promise<void> {
  const paths = optionalTexts(await readJson(exchange.request), "paths");
  if (paths.length === 0) throw new HttpError(400, "request body must be {paths: [...]} with at least one path");
  if (paths.length > maxFilesAtOnce) throw new HttpError(400, `more than ${maxFilesAtOnce} paths`);
  // Such a name can't appear in the header of a part, by which the client tells the parts apart.
  if (paths.some((path) => path.includes("\0"))) throw new HttpError(400, "a path can't hold a NUL byte");
  const { response } = exchange;
  response.writeHead(200, { "content-type": `multipart/form-data; boundary=${downloadBoundary}` });
  for (const path of paths) {
    if (response.destroyed) return;
    await sendPart(exchange, context, path);
  }
  response.end(`--${downloadBoundary}--\r\n`);
}

async function sendPart(exchange: Exchange, { life }: Context, path: string): Promise<void> {
  const { response } = exchange;
  try {
    const file = await openFile({ response, container: life.container }, path);
    await writeBody(response, partHead("file", path, "application/octet-stream", file.size));
    await sendFile(response, file);
  } catch (error) {
    const body = toolboxErrorBody(toHttpError(error), "POST", exchange.url.pathname);
    const bytes = Buffer.from(JSON.stringify(body));
    await writeBody(response, partHead("error", path, "application/json", bytes.length));
    await writeBody(response, bytes);
  }
  await writeBody(response, Buffer.from("\r\n"));
}

function partHead(name: string, path: string, type: string, length: number): Buffer {
  const head =
    `--${downloadBoundary}\r\nContent-Disposition: form-data; name="${name}"; ${partNames(path)}\r\n` +
    `Content-Type: ${type}\r\nContent-Length: ${length}\r\n\r\n`;
  return Buffer.from(head);
}

interface Uploaded {
  path: string;
  bytes: number;
}

/** `files[i].path` comes before `files[i].file`; any other order is the client's error. */
async function uploadMany(exchange: Exchange, { life }: Context): Promise<void> {
  const boundary = readBoundary(exchange.request.headers["content-type"]);
  const paths = new Map<string, string>();
  const files: Uploaded[] = [];
  const errors: string[] = [];
  for await (const part of readParts(exchange.request, boundary)) {
    const [, index, kind] = /^files\[(\d{1,6})\]\.(path|file)$/.exec(part.name) ?? [];
    if (index === undefined) continue;
    if (paths.size > maxFilesAtOnce) throw new HttpError(400, `more than ${maxFilesAtOnce} files`);
    const path = paths.get(index);
    if (kind === "path") paths.set(index, await readShortText(part));
    else if (path === undefined) errors.push(`files[${index}].path must come before files[${index}].file`);
    else
      await upload(life.container, path, part).then(
        (bytes) => files.push({ path, bytes }),
        (error) => {
          const failure = toHttpError(error);
          // The sandbox has gone, so nobody would take the rest, which a slow client might send for a long time.
          if (failure.status === 502) throw failure;
          errors.push(`${path}: ${failure.message}`);
        },
      );
  }
  if (errors.length > 0) sendJson(exchange.response, 400, { errors, files, message: errors.join("; ") });
  else if (files.length === 0) throw new HttpError(400, "no files were uploaded");
  else sendJson(exchange.response, 200, { files });
}

async function readShortText(part: Part): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of part.body) {
    bytes += piece.length;
    if (bytes > maxPathBytes) throw new HttpError(400, "a path in the multipart body is too long");
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString("utf8");
}

async function upload(container: Container, path: string, part: Part): Promise<number> {
  if (path === "") throw new HttpError(400, "path is empty");
  const channel = await container.open("write", { path });
  try {
    readReply(await channel.reader.next());
    let bytes = 0;
    // What has arrived stays, whatever cuts the upload: the daemon writes into the file itself.
    for await (const piece of part.body) {
      bytes += piece.length;
      if (bytes > maxUploadBytes) throw new HttpError(413, "the file is larger than 1 GiB");
      await writeFrame(channel.socket, frameKind.data, piece);
      if (channel.socket.destroyed) break;
    }
    await writeFrame(channel.socket, frameKind.finish, Buffer.from('{"keep":true}'));
    const reply = readReply(await channel.reader.next()) as { bytes: number };
    return reply.bytes;
  } finally {
    channel.socket.destroy();
  }
}

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
