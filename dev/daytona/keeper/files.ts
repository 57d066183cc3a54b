/**
 * File operations, done by the keeper. In its mount namespace no path leads to the host, whatever links a command has
 * made, and there is no gap between a check and its use.
 */
import { constants, rmSync } from "node:fs";
import { chmod, chown, cp, lstat, open, readdir, realpath, rename, rm, stat, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { answer, type Channel, type Request, readText } from "./channel.ts";
import { describeFile, type FileInfo } from "./describe.ts";
import { KeeperError } from "./failures.ts";
import { frameKind, parseJson, pieceBytes, writeFrame } from "./frames.ts";
import { resolvePath } from "./paths.ts";
import { makeFolders, openRegular } from "./regular.ts";
import type { KeeperSettings } from "./settings.ts";

/** A listing is one JSON response that both ends hold in memory. */
const maxListed = 20_000;

export async function listFiles(request: Request, settings: KeeperSettings): Promise<FileInfo[]> {
  const root = await resolvePath(settings, readText(request, "path"));
  const depth = Math.max(1, Number(request.depth ?? 1));
  const found: FileInfo[] = [];
  await listFolder(root, "", depth, found, depth > 1);
  return found;
}

async function listFolder(
  root: string,
  inside: string,
  depth: number,
  found: FileInfo[],
  named: boolean,
): Promise<void> {
  // File names are bytes: a name that is not UTF-8 is shown with replacement characters, as Go's JSON does.
  const names = (await readdir(join(root, inside), { encoding: "buffer" })).sort(Buffer.compare);
  for (const name of names) {
    const path = join(inside, name.toString());
    const place = Buffer.concat([Buffer.from(`${join(root, inside)}/`), name]);
    const stats = await lstat(place).catch(() => undefined);
    if (!stats) continue;
    if (found.length >= maxListed) throw new KeeperError(400, "BAD_REQUEST", `more than ${maxListed} entries`);
    found.push({ ...describeFile(path, stats), ...(named ? { path: join(root, path) } : {}) });
    const isText = !path.includes("\uFFFD");
    if (stats.isDirectory() && depth > 1 && isText) await listFolder(root, path, depth - 1, found, named);
  }
}

export async function describePath(request: Request, settings: KeeperSettings): Promise<FileInfo> {
  const path = await resolvePath(settings, readText(request, "path"));
  return describeFile(path, await stat(path));
}

export async function createFolder(request: Request, settings: KeeperSettings): Promise<null> {
  const mode = parseMode(readText(request, "mode"));
  const path = await resolvePath(settings, readText(request, "path"));
  await makeFolders(path);
  await chmod(path, mode);
  return null;
}

export async function deletePath(request: Request, settings: KeeperSettings): Promise<null> {
  const path = await resolvePath(settings, readText(request, "path"));
  if ([settings.home, settings.temporary, "/"].includes(path)) {
    throw new KeeperError(403, "FILE_ACCESS_DENIED", "the sandbox's own folders stay");
  }
  const stats = await lstat(path);
  if (stats.isDirectory() && request.recursive !== true) {
    throw new KeeperError(400, "BAD_REQUEST", "cannot delete directory without recursive flag");
  }
  await (stats.isDirectory() ? rm(path, { recursive: true }) : unlink(path));
  return null;
}

export async function movePath(request: Request, settings: KeeperSettings): Promise<null> {
  const source = await resolvePath(settings, readText(request, "source"));
  const destination = await resolvePath(settings, readText(request, "destination"));
  await lstat(source);
  if (await exists(destination)) throw new KeeperError(409, "CONFLICT", "destination already exists");
  try {
    await rename(source, destination);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EXDEV")) throw error;
    await copyTree(source, destination);
    await rm(source, { recursive: true });
  }
  return null;
}

/** A copy that fails (a pipe can't be copied) leaves nothing behind; the destination would otherwise stay taken. */
async function copyTree(source: string, destination: string): Promise<void> {
  try {
    await cp(source, destination, { recursive: true, verbatimSymlinks: true, errorOnExist: true, force: false });
  } catch (error) {
    await rm(destination, { recursive: true, force: true });
    throw error;
  }
}

export async function setPermissions(request: Request, settings: KeeperSettings): Promise<null> {
  const path = await resolvePath(settings, readText(request, "path"));
  const mode = readText(request, "mode");
  if (mode !== "") await chmod(path, parseMode(mode));
  const [owner, group] = [readText(request, "owner"), readText(request, "group")];
  if (owner !== "" || group !== "") {
    const stats = await stat(path);
    await chown(path, parseOwner(owner, stats.uid), parseOwner(group, stats.gid));
  }
  return null;
}

function parseMode(text: string): number {
  if (!/^0?[0-7]{3,4}$/.test(text)) throw new KeeperError(400, "BAD_REQUEST", "mode must be octal, such as 0644");
  return Number.parseInt(text, 8);
}

/** The sandbox has one user; any other name is unknown here, as an unknown number is to the kernel. */
function parseOwner(text: string, present: number): number {
  if (text === "") return present;
  if (text === "daytona") return process.getuid?.() ?? present;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new KeeperError(400, "BAD_REQUEST", `unknown user or group: ${text}`);
}

function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

/**
 * Replies with the size, then sends the bytes, or those of a range, then `finish`. Without `finish` the file was cut
 * short.
 */
export async function readFile(channel: Channel, request: Request, settings: KeeperSettings): Promise<void> {
  const path = await resolvePath(settings, readText(request, "path"));
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

/** Reads `bytes=0-99`, `bytes=100-` or `bytes=-100`. Anything else means the whole file, which HTTP allows. */
function readRange(range: unknown, size: number): { begin: number; end: number } | undefined {
  const [, first = "", last = ""] = /^bytes=(\d*)-(\d*)$/.exec(String(range ?? "")) ?? [];
  if (first === "" && last === "") return undefined;
  const begin = first === "" ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === "" || last === "" ? size : Math.min(size, Number(last) + 1);
  if (begin >= end) throw new KeeperError(416, "BAD_REQUEST", "invalid range: failed to overlap");
  return { begin, end };
}

/** Temporary files of unfinished uploads. They are removed when the sandbox stops, so that commands never find them. */
const drafts = new Set<string>();
process.on("exit", () => {
  for (const draft of drafts) {
    try {
      rmSync(draft, { force: true });
    } catch {
      // Its folder has become inaccessible meanwhile.
    }
  }
});

/** Takes `data` frames until `finish`. The file appears whole or not at all, and keeps its mode when it is replaced. */
export async function writeFile(
  channel: Channel,
  request: Request,
  settings: KeeperSettings,
): Promise<{ bytes: number }> {
  const path = await resolvePath(settings, readText(request, "path"));
  await makeFolders(dirname(path));
  const target = await realpath(path).catch(acceptMissing(path));
  const present = await stat(target).catch(acceptMissing(undefined));
  if (present && !present.isFile()) throw new KeeperError(400, "INVALID_FILE_PATH", "not a regular file");
  const draft = join(dirname(target), `.upload-${crypto.randomUUID()}`);
  const file = await open(draft, "wx", present ? present.mode & 0o777 : 0o644);
  drafts.add(draft);
  let bytes = 0;
  let whole = false;
  try {
    await answer(channel, {});
    for (let frame = await channel.reader.next(); frame; frame = await channel.reader.next()) {
      if (frame.kind === frameKind.finish) {
        whole = parseJson(frame).keep === true;
        break;
      }
      await file.writeFile(frame.payload);
      bytes += frame.payload.length;
    }
    if (!whole) throw new KeeperError(400, "BAD_REQUEST", "the upload was cut short");
    if (present) await file.chmod(present.mode & 0o777);
    await rename(draft, target);
    return { bytes };
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  } finally {
    drafts.delete(draft);
    await file.close();
  }
}

/** A missing path is about to be created; any other problem with it is reported before the upload begins. */
function acceptMissing<Value>(value: Value): (error: unknown) => Value {
  return (error) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return value;
    throw error;
  };
}
