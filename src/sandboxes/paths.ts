// Makes callers' paths absolute, so that nothing depends on where a provider's own programs were started. The sandbox
// isolates files, not the work dir: absolute paths may lead anywhere in the sandbox.
import { SandboxError } from "../agent/sandbox.ts";

const MAX_PATH_BYTES = 4096;

/** What Linux file systems take for one name. */
const MAX_NAME_BYTES = 255;

const encoder = new TextEncoder();

/**
 * Listings show these folders without their content, which package managers and git put there and which would fill
 * every listing.
 */
export const BULKY_FOLDERS = new Set(["node_modules", ".git"]);

export interface Folders {
  work: string;
  home: string;
}

/**
 * Resolves relative paths from the work dir. One that leaves the work dir is refused: it is nearly always a mistake
 * about where the work dir is, and an absolute path is clearer. `~` is the home folder, as in a shell.
 */
export function resolvePath(path: string, { work, home }: Folders, { takesAnyName = false } = {}): string {
  if (path === "") return work;
  if (!takesAnyName) checkNewPath(path);
  checkPath(path);
  if (path === "~" || path.startsWith("~/")) return normalizePath(`${home}/${path.slice(1)}`);
  if (path.startsWith("/")) return normalizePath(path);
  const resolved = normalizePath(`${work}/${path}`);
  if (isWithin(resolved, work)) return resolved;
  throw new SandboxError(
    "invalid",
    `${path} leads out of the work dir ${work}. Use an absolute path for files elsewhere.`,
  );
}

/** Whether a path, relative to the requested folder, is inside a folder whose content no listing shows. */
export function isInBulkyFolder(path: string): boolean {
  return path
    .split("/")
    .slice(0, -1)
    .some((part) => BULKY_FOLDERS.has(part));
}

/** The path as callers see it: relative to the work dir if it is inside. */
export function showPath(path: string, { work }: Folders): string {
  const prefix = work === "/" ? "/" : `${work}/`;
  return path.startsWith(prefix) ? path.slice(prefix.length) : path;
}

/** The folder that contains the path. */
export function parentOf(path: string): string {
  return normalizePath(`${path}/..`);
}

export function isWithin(path: string, folder: string): boolean {
  return path === folder || folder === "/" || path.startsWith(`${folder}/`);
}

export function normalizePath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

/**
 * Such names can't be written: some providers trim the path of an upload, and a form turns a line feed into two
 * characters. They can still exist, since a command can create them.
 */
function checkNewPath(path: string): void {
  if (!/[\r\n]/.test(path) && path.trim() === path) return;
  throw new SandboxError("invalid", "A path can't begin or end with a space, or hold a line feed.");
}

function checkPath(path: string): void {
  if (path.includes("\0")) throw new SandboxError("invalid", "A path can't hold a NUL character.");
  if (!path.isWellFormed() || encoder.encode(path).length > MAX_PATH_BYTES) {
    throw new SandboxError("invalid", `A path is well-formed text of at most ${MAX_PATH_BYTES} bytes.`);
  }
  if (path.split("/").some((name) => encoder.encode(name).length > MAX_NAME_BYTES)) {
    throw new SandboxError("invalid", `A name in a path has at most ${MAX_NAME_BYTES} bytes.`);
  }
}
