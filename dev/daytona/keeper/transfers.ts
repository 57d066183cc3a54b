/**
 * Files in and out, as the daemon moves them: an upload is written into the file itself, so one that is cut leaves a
 * part of it, and reading a pipe waits for somebody to write.
 */
import { constants } from "node:fs";
import { type FileHandle, open, realpath, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { answer, type Channel, type Request, readText } from "./channel.ts";
import { KeeperError } from "./failures.ts";
import { frameKind, parseJson, pieceBytes, writeFrame } from "./frames.ts";
import { resolvePath } from "./paths.ts";
import { makeFolders, openRegular } from "./regular.ts";
import type { KeeperSettings } from "./settings.ts";

/**
 * Replies with the size, then sends the bytes, or those of a range, then `finish`. Without `finish` the file was cut
 * short.
 */
export async function readFile(channel: Channel, request: Request, settings: KeeperSettings): Promise<void> {
  const path = await resolvePath(settings, readText(request, "path"));
  if (await isPipe(path)) return awaitEnd(channel);
  const file = await openRegular(path, constants.O_RDONLY);
  try {
    const { size } = await file.stat();
    const part = readRange(request.range, size);
    const { begin, end } = part ?? { begin: 0, end: size };
    await answer(channel, { size, begin, end, isPart: part !== undefined });
    // Sends no more than announced: a log that grows meanwhile must not exceed the announced length.
    for (let position = begin; position < end && !channel.socket.destroyed; ) {
      const piece = Buffer.allocUnsafe(Math.min(pieceBytes, end - position));
      const { bytesRead } = await file.read(piece, 0, piece.length, position);
      if (bytesRead === 0) return;
      position += bytesRead;
      await writeFrame(channel.socket, frameKind.data, piece.subarray(0, bytesRead));
    }
    await writeFrame(channel.socket, frameKind.finish, Buffer.alloc(0));
  } finally {
    await file.close();
  }
}

/** A named one. A process's own pipe, which has a name in /proc only, is no file of the sandbox. */
async function isPipe(path: string): Promise<boolean> {
  const stats = await stat(path).catch(() => undefined);
  if (!stats?.isFIFO()) return false;
  return realpath(path).then(
    (real) => !real.startsWith("/proc/"),
    () => false,
  );
}

/** Nobody writes into the pipe: the request waits until its client leaves. */
function awaitEnd({ socket }: Channel): Promise<void> {
  return new Promise((resolve) => {
    socket.once("end", () => resolve()).once("close", () => resolve());
    socket.resume();
  });
}

/** Reads `bytes=0-99`, `bytes=100-` or `bytes=-100`. Anything else means the whole file, which HTTP allows. */
function readRange(range: unknown, size: number): { begin: number; end: number } | undefined {
  const [, first = "", last = ""] = /^bytes=(\d*)-(\d*)$/.exec(String(range ?? "")) ?? [];
  if (first === "" && last === "") return undefined;
  // Go's file server answers the last 0 bytes with a part that has none.
  if (first === "") return { begin: Math.max(0, size - Number(last)), end: size };
  const begin = Number(first);
  const end = last === "" ? size : Math.min(size, Number(last) + 1);
  if (begin >= end) throw new KeeperError(416, "BAD_REQUEST", "invalid range: failed to overlap");
  return { begin, end };
}

/** Takes `data` frames until `finish`. */
export async function writeFile(
  channel: Channel,
  request: Request,
  settings: KeeperSettings,
): Promise<{ bytes: number }> {
  const path = await resolvePath(settings, readText(request, "path"));
  await makeFolders(dirname(path));
  const file = await openTarget(path);
  let bytes = 0;
  try {
    await answer(channel, {});
    for (let frame = await channel.reader.next(); frame; frame = await channel.reader.next()) {
      if (frame.kind === frameKind.finish && parseJson(frame).keep === true) return { bytes };
      if (frame.kind === frameKind.finish) break;
      await file.writeFile(frame.payload);
      bytes += frame.payload.length;
    }
    throw new KeeperError(400, "BAD_REQUEST", "write: unexpected EOF");
  } finally {
    await file.close();
  }
}

/** Devices and sockets are refused, since a program of the sandbox must not reach the keeper's own through them. */
async function openTarget(path: string): Promise<FileHandle> {
  const { O_RDWR, O_CREAT, O_TRUNC, O_NONBLOCK, O_NOCTTY } = constants;
  const present = await stat(path).catch(() => undefined);
  if (present && !present.isFile() && !(await isPipe(path))) {
    throw new KeeperError(400, "INVALID_FILE_PATH", present.isDirectory() ? "is a directory" : "not a regular file");
  }
  return open(path, O_RDWR | O_CREAT | O_TRUNC | O_NONBLOCK | O_NOCTTY, 0o644);
}
