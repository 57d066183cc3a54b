/**
 * File operations, done by the keeper. In its mount namespace no path leads to the host, whatever links a command has
 * made, and there is no gap between a check and its use.
 */

import { execFile } from "node:child_process";
import { constants, type Stats } from "node:fs";
import {
  chmod,
  type FileHandle,
  lstat,
  open,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  unlink,
} from "node:fs/promises";
import { basename, dirname } from "node:path";
import {
  answer,
  type Channel,
  frameKind,
  KeeperError,
  parseJson,
  pieceBytes,
  type Request,
  readText,
  writeFrame,
} from "./channel.ts";
import { type KeeperSettings, resolvePath } from "./settings.ts";

/** A listing is one JSON response that both ends hold in memory. */
const maxListed = 200_000;
/** How many entries are looked at together: more would only wait for a thread. */
const entriesAtOnce = 64;

/** As the daemon lists: links are followed, one that leads nowhere is left out, and the depth is ignored. */
export async function listFiles(request: Request, settings: KeeperSettings): Promise<FileInfo[]> {
  const root = await resolvePath(settings, readText(request, "path"));
  // File names are bytes: a name that is not UTF-8 is shown with replacement characters, as Go's JSON does.
  const names = (await readdir(root, { encoding: "buffer" })).sort(Buffer.compare);
  if (names.length > maxListed) throw new KeeperError(400, "BAD_REQUEST", `more than ${maxListed} entries`);
  const found: FileInfo[] = [];
  for (let start = 0; start < names.length; start += entriesAtOnce) {
    const batch = names.slice(start, start + entriesAtOnce).map(async (name) => {
      const stats = await stat(Buffer.concat([Buffer.from(`${root}/`), name])).catch(() => undefined);
      return stats ? [describeFile(name.toString(), stats)] : [];
    });
    found.push(...(await Promise.all(batch)).flat());
  }
  return found;
}

export async function describePath(request: Request, settings: KeeperSettings): Promise<FileInfo> {
  const path = await resolvePath(settings, readText(request, "path"));
  return describeFile(path, await stat(path));
}

export async function createFolder(request: Request, settings: KeeperSettings): Promise<null> {
  const mode = parseMode(readText(request, "mode"));
  const path = await resolvePath(settings, readText(request, "path"));
  const isNew = !(await stat(path).catch(() => undefined));
  await makeFolders(path);
  if (isNew) await chmod(path, mode);
  return null;
}

export async function deletePath(request: Request, settings: KeeperSettings): Promise<null> {
  const path = await resolvePath(settings, readText(request, "path"));
  if ([settings.home, settings.temporary, "/"].includes(path)) {
    throw new KeeperError(403, "FILE_ACCESS_DENIED", "the sandbox's own folders stay");
  }
  // The daemon looks at where a link leads: one to a folder is a folder, and one that leads nowhere is not there.
  const isFolder = (await stat(path)).isDirectory();
  if (isFolder && request.recursive !== true) {
    throw new KeeperError(400, "BAD_REQUEST", "cannot delete directory without recursive flag");
  }
  await ((await lstat(path)).isDirectory() ? rm(path, { recursive: true }) : unlink(path));
  return null;
}

export async function movePath(request: Request, settings: KeeperSettings): Promise<null> {
  const source = await resolvePath(settings, readText(request, "source"));
  const destination = await resolvePath(settings, readText(request, "destination"));
  await stat(source);
  await stat(dirname(destination));
  if (await exists(destination)) throw new KeeperError(409, "CONFLICT", "destination already exists");
  try {
    await rename(source, destination);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EXDEV")) throw error;
    await runQuietly("mv", ["--", source, destination]);
  }
  return null;
}

function parseMode(text: string): number {
  if (!/^0?[0-7]{3,4}$/.test(text)) throw new KeeperError(400, "BAD_REQUEST", "mode must be octal, such as 0644");
  return Number.parseInt(text, 8);
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/**
 * Replies with the size, then sends the bytes, or those of a range, then `finish`. Without `finish` the file was cut
 * short.
 */
export async function sendFile(channel: Channel, request: Request, settings: KeeperSettings): Promise<void> {
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
export async function takeFile(
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

/** The folder and its parents. Not by Node, which retries for ever where /proc says that a parent is not there. */
async function makeFolders(path: string): Promise<void> {
  const present = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
  });
  if (!present) await runQuietly("mkdir", ["-p", "--", path]);
  else if (!present.isDirectory()) throw new KeeperError(400, "BAD_REQUEST", "not a directory");
}

/** Runs a program of the system for files, and throws what it complains about. */
function runQuietly(program: string, args: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { env: { PATH: process.env.PATH, LC_ALL: "C" } }, (error, _output, said) => {
      const reason = said.trim().replace(/^.*: /s, "").toLowerCase();
      const status = /no such file/.test(reason) ? 404 : /denied|permitted|read-only/.test(reason) ? 403 : 400;
      const code = { 404: "FILE_NOT_FOUND", 403: "FILE_ACCESS_DENIED", 400: "BAD_REQUEST" }[status];
      if (error) reject(new KeeperError(status, code ?? "", reason));
      else resolve();
    });
  });
}

/**
 * Checked before it is opened, since opening a device may have effects, and again afterwards, since it may have been
 * replaced.
 */
async function openRegular(path: string, flags: number): Promise<FileHandle> {
  refuseOthers(await stat(path));
  const file = await open(path, flags | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    refuseOthers(await file.stat());
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

function refuseOthers(stats: { isFile(): boolean; isDirectory(): boolean }): void {
  if (stats.isDirectory()) throw new KeeperError(400, "INVALID_FILE_PATH", "is a directory");
  if (!stats.isFile()) throw new KeeperError(400, "INVALID_FILE_PATH", "not a regular file");
}

export interface FileInfo {
  name: string;
  size: number;
  mode: string;
  modTime: string;
  modifiedAt: string;
  isDir: boolean;
  owner: string;
  group: string;
  permissions: string;
  path?: string;
}

export function describeFile(path: string, stats: Stats): FileInfo {
  const modified = stats.mtime.toISOString();
  return {
    name: basename(path),
    size: stats.size,
    mode: spellMode(stats),
    // As Go prints a time: 2026-01-31 12:00:00.123 +0000 UTC.
    modTime: `${modified.replace("T", " ").replace("Z", "")} +0000 UTC`,
    modifiedAt: modified,
    isDir: stats.isDirectory(),
    owner: String(stats.uid),
    group: String(stats.gid),
    permissions: `0${(stats.mode & 0o777).toString(8).padStart(3, "0")}`,
  };
}

function spellMode(stats: Stats): string {
  const letters = "rwxrwxrwx";
  const bits = [...letters].map((letter, index) => (stats.mode & (1 << (8 - index)) ? letter : "-")).join("");
  return spellKind(stats) + bits;
}

/** The daemon is written in Go, whose letter for a symbolic link is a capital L. */
function spellKind(stats: Stats): string {
  if (stats.isDirectory()) return "d";
  if (stats.isSymbolicLink()) return "L";
  if (stats.isFIFO()) return "p";
  if (stats.isSocket()) return "S";
  if (stats.isCharacterDevice()) return "Dc";
  if (stats.isBlockDevice()) return "D";
  return "-";
}

/** A search result is one JSON response that both ends hold in memory. */
const maxMatches = 200_000;
const maxOutputBytes = 64 * 1024 * 1024;
/** The kernel's own file systems: they hold no user's files, and some of their files have no end. */
const skipped = ["proc", "sysfs"].flatMap((kind) => ["-fstype", kind, "-prune", "-o"]);
/** fs/find_in_files.go: a file is binary when a NUL byte is in its first bytes. */
const probeBytes = 512;
/** bufio.Scanner gives a file up at a line of this length, and says nothing. */
const maxLineBytes = 64 * 1024;

/** Links are not followed, and nothing is found where nothing is: `find` then fails, and has printed nothing. */
async function find(request: Request, settings: KeeperSettings, ...test: string[]): Promise<string[]> {
  const root = await resolvePath(settings, readText(request, "path"));
  const output = await new Promise<string>((resolve) => {
    const args = [root, ...skipped, ...test, "-print0"];
    execFile("find", args, { maxBuffer: maxOutputBytes }, (_error, stdout) => resolve(stdout));
  });
  const files = output.split("\0").filter((path) => path !== "");
  return files.sort().slice(0, maxMatches);
}

export async function searchFiles(request: Request, settings: KeeperSettings): Promise<{ files: string[] }> {
  return { files: await find(request, settings, "-name", readText(request, "pattern")) };
}

export async function findInFiles(request: Request, settings: KeeperSettings): Promise<object[]> {
  const pattern = readText(request, "pattern");
  const matches: object[] = [];
  // Larger files are treated as binary.
  for (const file of await find(request, settings, "-type", "f", "-size", "-16385k")) {
    const bytes = await readFile(file).catch(() => Buffer.alloc(0));
    if (bytes.subarray(0, probeBytes).includes(0)) continue;
    for (const [index, content] of bytes.toString("utf8").split("\n").entries()) {
      if (Buffer.byteLength(content) >= maxLineBytes || matches.length >= maxMatches) break;
      if (content.includes(pattern)) matches.push({ file, line: index + 1, content: content.replace(/\r$/, "") });
    }
  }
  return matches;
}
