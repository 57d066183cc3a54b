// Where a deployment's own files are: one folder for each environment, which git ignores. Nothing else is written, so an
// update of the repository never meets an operator's changes.
import { execFile } from "node:child_process";
import { chmod, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, isAbsolute, join, relative, resolve } from "node:path";
import { Failure } from "./failure.ts";

export interface Place {
  /** The repository. */
  root: string;
  environment: string;
  folder: string;
  /** The operator's own lines of wrangler.toml. */
  own: string;
  /** Secrets and settings for the Worker, in JSON. */
  secrets: string;
  /** Which of them setup made (secrets.ts). */
  made: string;
  /** What the last deploy made (deployed.ts). */
  deployed: string;
  /** The configuration that wrangler gets; made again by each deploy. */
  config: string;
  /** The key of the sign-in link. */
  key: string;
}

export const PRODUCTION = "production";

/** The end of the Worker's name, which is a DNS label. */
const environmentShape = /^[a-z](?:[a-z0-9-]{0,28}[a-z0-9])?$/;

const ownerOnly = 0o600;

export function openPlace(root: string, environment: string, folder: string): Place {
  if (!environmentShape.test(environment)) {
    throw new Failure(
      `"${environment}" is no name of an environment`,
      "Use up to 30 lower-case letters, digits and dashes, a letter first and no dash at the end.",
    );
  }
  const own = resolve(root, folder, environment);
  return {
    ...{ root, environment, folder: own },
    own: join(own, "own.toml"),
    secrets: join(own, "secrets.json"),
    made: join(own, "made.json"),
    deployed: join(own, "deployed.json"),
    config: join(own, "wrangler.json"),
    key: join(own, "key"),
  };
}

/** A path as people should read it. */
export function showPath({ root }: Pick<Place, "root">, path: string): string {
  const inside = relative(root, path);
  return inside.startsWith("..") || isAbsolute(inside) ? path : inside;
}

/** How people name the command with this place. */
export function commandFor({ environment }: Pick<Place, "environment">, command: string): string {
  return environment === PRODUCTION ? `npm run ${command}` : `npm run ${command} -- --env ${environment}`;
}

/**
 * Makes the folder. Throws a failure if git would take its files. Returns what others could read until now: an editor or
 * a copy leaves such files.
 */
export async function preparePlace(place: Place): Promise<string[]> {
  await mkdir(place.folder, { recursive: true, mode: 0o700 });
  if (await isSeenByGit(place.secrets)) {
    throw new Failure(
      `git does not ignore ${place.secrets}`,
      "Secrets go there. Add the folder to .gitignore, or choose another one with --folder.",
    );
  }
  const open: string[] = [];
  for (const path of [place.secrets, place.key]) {
    const mode = await readMode(path);
    if (mode === null || (mode & 0o077) === 0) continue;
    await chmod(path, ownerOnly);
    open.push(path);
  }
  await chmod(place.folder, 0o700);
  return open;
}

async function readMode(path: string): Promise<number | null> {
  const found = await stat(path).catch(() => null);
  return found?.isFile() ? found.mode : null;
}

/** `git check-ignore` ends with 1 for a path that git would take, and with 128 outside of any repository. */
async function isSeenByGit(path: string): Promise<boolean> {
  return new Promise((done) => {
    execFile("git", ["-C", dirname(path), "check-ignore", "--quiet", path], (error) => done(error?.code === 1));
  });
}

/** Atomic: a command that is killed meanwhile leaves the former file. */
export async function writeOwn(path: string, text: string): Promise<void> {
  await rm(`${path}.new`, { force: true });
  await writeFile(`${path}.new`, text, { mode: ownerOnly });
  // The mode above is what the umask leaves of it.
  await chmod(`${path}.new`, ownerOnly);
  await rename(`${path}.new`, path);
}

/** Null if there is none. */
export async function readOptional(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    // A folder in its place is refused without saying which.
    throw Object.assign(error as Error, { path });
  }
}
