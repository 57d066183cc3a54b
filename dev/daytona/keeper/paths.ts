/**
 * Resolves a path that a client named.
 *
 * In a mount namespace the path is used as it is, since the sandbox sees nothing but its own files. Without one
 * (`fenced`) the usual absolute paths are mapped into the sandbox's folder, and every path that leaves it, by `..`, by
 * an absolute path or through a symbolic link, is rejected. The fence is no substitute for a namespace: it confines
 * file operations, not commands, which is why commands need permission there.
 */
import { lstat, realpath } from "node:fs/promises";
import { dirname, resolve, sep } from "node:path";
import { KeeperError } from "./failures.ts";
import type { KeeperSettings } from "./settings.ts";

const sandboxHome = "/home/daytona";

export async function resolvePath(settings: KeeperSettings, path: string): Promise<string> {
  if (path.includes("\0")) throw new KeeperError(400, "BAD_REQUEST", "a path can't hold a NUL byte");
  if (!settings.fenced) return resolve(settings.workDir, path === "" ? "." : path);
  const mapped = mapPath(settings, resolve(settings.home, path === "" ? "." : path));
  const real = await realAncestor(mapped);
  const roots = await Promise.all([realpath(settings.home), realpath(settings.temporary)]);
  if (roots.some((root) => isInside(root, real))) return mapped;
  throw new KeeperError(403, "FILE_ACCESS_DENIED", `${path} lies outside of the sandbox`);
}

function mapPath(settings: KeeperSettings, path: string): string {
  if (isInside(settings.home, path) || isInside(settings.temporary, path)) return path;
  if (isInside(sandboxHome, path)) return settings.home + path.slice(sandboxHome.length);
  if (isInside("/tmp", path)) return settings.temporary + path.slice("/tmp".length);
  return path;
}

function isInside(root: string, path: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);
}

/** The real path of the deepest ancestor that exists: what does not exist yet can't be a link. */
async function realAncestor(path: string): Promise<string> {
  for (let current = path; ; current = dirname(current)) {
    try {
      return await realpath(current);
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      // A dangling link is still a link: writing to it would create its target, wherever that is.
      if (code === "ENOENT" && (await isLink(current))) {
        throw new KeeperError(403, "FILE_ACCESS_DENIED", "a dangling link can't be followed");
      }
      if (code !== "ENOENT" && code !== "ENOTDIR") throw error;
      if (dirname(current) === current) return current;
    }
  }
}

function isLink(path: string): Promise<boolean> {
  return lstat(path).then(
    (stats) => stats.isSymbolicLink(),
    () => false,
  );
}
