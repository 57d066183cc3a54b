/**
 * What a keeper knows about its sandbox, and the environment of every process in it.
 */
import { accessSync, constants } from "node:fs";
import { lstat, realpath } from "node:fs/promises";
import { delimiter, dirname, resolve, sep } from "node:path";
import { KeeperError, type Request, readTexts, readVariables } from "./channel.ts";

export interface KeeperSettings {
  /** The path of the server's unix socket inside the sandbox. */
  socket: string;
  home: string;
  /** Where commands start and relative paths begin. */
  workDir: string;
  temporary: string;
  /** A folder for named pipes and command texts, deleted when the keeper ends. */
  scratch: string;
  /** Without a mount namespace, path checks confine file operations. */
  fenced: boolean;
  /**
   * With more processes than this, all of them are ended. 0 where other processes can't be distinguished from the
   * sandbox's.
   */
  maxProcesses: number;
  path: string;
}

/** Where git's helper finds the keeper, in a folder that only an isolated sandbox has. */
export const helperSocket = "/run/git-relays";

/** The sandbox's environment: changed by the create request and by `POST /env`, read by every new process. */
export const variables = new Map<string, string>();

/** Removals are applied first, so that one request can replace a value. */
export function changeVariables(request: Request): null {
  for (const name of readTexts(request, "unset")) variables.delete(name);
  for (const [name, value] of Object.entries(readVariables(request, "set"))) variables.set(name, value);
  return null;
}

const namePattern = /^[A-Za-z_][A-Za-z0-9_]*$/;

export function isVariableName(name: string): boolean {
  return namePattern.test(name);
}

export function processEnvironment(
  settings: KeeperSettings,
  extra: Record<string, string> = {},
): Record<string, string> {
  return {
    HOME: settings.home,
    USER: "daytona",
    LOGNAME: "daytona",
    SHELL: findShell(),
    PATH: settings.path,
    LANG: "C.UTF-8",
    ...(settings.fenced ? { TMPDIR: settings.temporary } : {}),
    ...Object.fromEntries(variables),
    ...extra,
  };
}

let shell: string | undefined;

/** bash first: the sandbox then behaves the same on every machine, whatever the user's login shell is. */
export function findShell(): string {
  if (shell) return shell;
  const folders = ["/bin", "/usr/bin", ...(process.env.PATH ?? "").split(delimiter)];
  for (const folder of folders) {
    if (isExecutable(`${folder}/bash`)) {
      shell = `${folder}/bash`;
      return shell;
    }
  }
  shell = "/bin/sh";
  return shell;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

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
