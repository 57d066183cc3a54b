/**
 * File operations, done by the keeper. In its mount namespace no path leads to the host, whatever links a command has
 * made, and there is no gap between a check and its use.
 */
import { chmod, cp, lstat, readdir, rename, rm, stat, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { type Request, readText } from "./channel.ts";
import { describeFile, type FileInfo } from "./describe.ts";
import { KeeperError } from "./failures.ts";
import { resolvePath } from "./paths.ts";
import { makeFolders } from "./regular.ts";
import type { KeeperSettings } from "./settings.ts";

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
