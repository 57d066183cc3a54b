/**
 * The protocol between the server and a sandbox's keeper: frames of one byte kind, four bytes length, payload.
 *
 * Frames have a length prefix because a half-closed socket can't distinguish "the upload is complete" from "the peer
 * died": only a `finish` frame says that everything was sent. Both ends read with back-pressure, so a flood of output
 * stops at the process that prints it. Both ends share this file, so it imports nothing but Node.
 */
import type { Socket } from "node:net";

export const frameKind = { json: 1, stdout: 2, stderr: 3, data: 4, finish: 5 } as const;

export interface Frame {
  kind: number;
  payload: Buffer;
}

const headerBytes = 5;
/** A request carries at most a command of a few megabytes; a larger announced length is broken or hostile. */
const maxPayloadBytes = 16 * 1024 * 1024;
/** Output and file contents are sent in pieces of this size: large enough to be cheap, small enough to interleave. */
export const pieceBytes = 64 * 1024;

/** Resolves when the socket accepts more data or is closed; the caller's next write then fails by itself. */
export function writeFrame(socket: Socket, kind: number, payload: Uint8Array): Promise<void> {
  if (socket.destroyed || socket.writableEnded) return Promise.resolve();
  const header = Buffer.allocUnsafe(headerBytes);
  header.writeUInt8(kind, 0);
  header.writeUInt32BE(payload.byteLength, 1);
  socket.cork();
  socket.write(header);
  const roomLeft = payload.byteLength === 0 ? socket.writableNeedDrain === false : socket.write(payload);
  socket.uncork();
  if (roomLeft) return Promise.resolve();
  return new Promise((resolve) => {
    const settle = (): void => {
      socket.off("drain", settle);
      socket.off("close", settle);
      resolve();
    };
    socket.on("drain", settle);
    socket.on("close", settle);
  });
}

export function writeJson(socket: Socket, value: unknown): Promise<void> {
  return writeFrame(socket, frameKind.json, Buffer.from(JSON.stringify(value)));
}

export function parseJson(frame: Frame): Record<string, unknown> {
  const value: unknown = JSON.parse(frame.payload.toString("utf8"));
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error("a frame holds no object");
  return value as Record<string, unknown>;
}

export class FrameReader {
  readonly #socket: Socket;
  #buffer: Buffer = Buffer.alloc(0);

  constructor(socket: Socket, head: Buffer = Buffer.alloc(0)) {
    this.#socket = socket;
    this.#buffer = head;
  }

  /** The next frame; undefined when the peer has gone (a frame that was cut short counts as gone). */
  async next(): Promise<Frame | undefined> {
    for (;;) {
      const frame = this.#take();
      if (frame) return frame;
      const chunk = this.#socket.read() as Buffer | null;
      if (chunk) {
        this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
        continue;
      }
      if (this.#socket.readableEnded || this.#socket.destroyed) return undefined;
      await awaitReadable(this.#socket);
    }
  }

  /** Returns bytes that were read too far to the socket, which is used raw from then on. */
  release(): void {
    if (this.#buffer.length > 0) this.#socket.unshift(this.#buffer);
    this.#buffer = Buffer.alloc(0);
  }

  #take(): Frame | undefined {
    if (this.#buffer.length < headerBytes) return undefined;
    const length = this.#buffer.readUInt32BE(1);
    if (length > maxPayloadBytes) {
      this.#socket.destroy();
      return undefined;
    }
    if (this.#buffer.length < headerBytes + length) return undefined;
    const frame = {
      kind: this.#buffer.readUInt8(0),
      payload: this.#buffer.subarray(headerBytes, headerBytes + length),
    };
    this.#buffer = this.#buffer.subarray(headerBytes + length);
    return frame;
  }
}

function awaitReadable(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      for (const event of ["readable", "end", "close"]) socket.off(event, settle);
      resolve();
    };
    for (const event of ["readable", "end", "close"]) socket.on(event, settle);
  });
}

export interface Channel {
  socket: Socket;
  reader: FrameReader;
}

export type Request = Record<string, unknown>;

export function openChannel(socket: Socket, head?: Buffer): Channel {
  // A peer that vanishes shows as the end of the frames. An unhandled "error" event would end the whole process.
  socket.on("error", () => socket.destroy());
  return { socket, reader: new FrameReader(socket, head) };
}

export async function answer(channel: Channel, value: unknown): Promise<void> {
  await writeJson(channel.socket, { ok: true, value });
}

export async function refuse(channel: Channel, error: unknown, path?: string): Promise<void> {
  const failure: Failure = describeFailure(error, path);
  await writeJson(channel.socket, { ok: false, error: failure });
}

export function readText(request: Request, name: string): string {
  const value = request[name];
  return typeof value === "string" ? value : "";
}

export function readTexts(request: Request, name: string): string[] {
  const value = request[name];
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === "string") : [];
}

export function readVariables(request: Request, name: string): Record<string, string> {
  const value = request[name];
  if (typeof value !== "object" || value === null) return {};
  return Object.fromEntries(Object.entries(value).map(([key, text]) => [key, String(text)]));
}

export interface Failure {
  status: number;
  code: string;
  message: string;
}

export class KeeperError extends Error {
  readonly failure: Failure;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.name = "KeeperError";
    this.failure = { status, code, message };
  }
}

const byCode: Record<string, [status: number, code: string, text: string]> = {
  ENOENT: [404, "FILE_NOT_FOUND", "file not found"],
  EACCES: [403, "FILE_ACCESS_DENIED", "permission denied"],
  EPERM: [403, "FILE_ACCESS_DENIED", "operation not permitted"],
  EROFS: [403, "FILE_ACCESS_DENIED", "read-only file system"],
  ENXIO: [400, "INVALID_FILE_PATH", "not a regular file"],
  EIO: [400, "INVALID_FILE_PATH", "input or output error"],
  EAGAIN: [400, "INVALID_FILE_PATH", "nothing to read now"],
  EBUSY: [403, "FILE_ACCESS_DENIED", "device or resource busy"],
  EEXIST: [409, "CONFLICT", "file exists"],
  ENOTDIR: [400, "BAD_REQUEST", "not a directory"],
  EISDIR: [400, "BAD_REQUEST", "is a directory"],
  ELOOP: [400, "BAD_REQUEST", "too many levels of symbolic links"],
  ENAMETOOLONG: [400, "BAD_REQUEST", "file name too long"],
  EINVAL: [400, "BAD_REQUEST", "invalid argument"],
  ENOTEMPTY: [409, "CONFLICT", "directory not empty"],
  ENOSPC: [500, "INTERNAL_SERVER_ERROR", "no space left on device"],
};

/** `path` is the one that the client named; Node's messages name the path after mapping. */
export function describeFailure(error: unknown, path?: string): Failure {
  if (error instanceof KeeperError) return error.failure;
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const known = byCode[code];
  if (known) {
    const [status, name, text] = known;
    return { status, code: name, message: path === undefined ? text : `${text}: ${path}` };
  }
  // Copying a pipe, a socket or a folder into itself.
  if (code.startsWith("ERR_FS_CP")) return { status: 400, code: "BAD_REQUEST", message: "this can't be copied" };
  if (code.startsWith("ERR_INVALID_ARG")) return { status: 400, code: "BAD_REQUEST", message: "invalid argument" };
  return { status: 500, code: "INTERNAL_SERVER_ERROR", message: code || "unexpected failure in the sandbox" };
}
