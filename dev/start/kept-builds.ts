// Keeps builds in a folder, each under a hash of what it is made from, so that a start makes only what is new. A build
// is made beside and renamed when it is complete: one that is killed leaves nothing that would be taken for a build,
// and of two starts at once the first one's stays.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";

export interface Making {
  /** Names the build by everything that it is made from. */
  hash(): Promise<string>;
  /** Writes its files into a folder. */
  make(folder: string): Promise<void>;
}

/** At most five megabytes each. */
const keptBuilds = 20;

/** Far longer than a build takes. What was used since then is never removed. */
const makingMs = 5 * 60_000;

const useMs = 60_000;

/** Names each file and the hash of its content: after a power failure the disk may hold only a part of a build. */
const RECORD = "build.json";

/** Returns the folder of the build, which is made if there is none. */
export async function findBuild(builds: string, { hash, make }: Making): Promise<string> {
  for (;;) {
    const folder = join(builds, await hash());
    if (await isComplete(folder)) {
      await markUsed(folder);
      return folder;
    }
    // A build that exists and is not complete is damaged.
    await rm(folder, { recursive: true, force: true });
    await mkdir(builds, { recursive: true });
    const made = await mkdtemp(join(builds, "making-"));
    try {
      await make(made);
      await writeFile(join(made, RECORD), JSON.stringify(await hashFiles(made)));
      // If sources changed during the build, it is made again: it may contain the old or the new ones.
      if (join(builds, await hash()) === folder) await keep(made, folder);
    } finally {
      await rm(made, { recursive: true, force: true });
    }
    await removeOld(builds, folder);
  }
}

/** Whoever keeps reading a build's files calls this, and what is returned when it no longer does. */
export function holdBuild(folder: string): () => void {
  const timer = setInterval(() => void markUsed(folder).catch(() => {}), useMs);
  timer.unref();
  return () => clearInterval(timer);
}

/** Hashes files under their names. Paths are relative to `root`. */
export function hashSources(root: string, choice: string, paths: readonly string[]): string {
  const hash = createHash("sha256").update(choice);
  // A promise for each of a thousand small files would take four times as long as reading them.
  for (const path of paths) hash.update(`\0${path}\0`).update(readFileSync(join(root, path)));
  return hash.digest("hex").slice(0, 16);
}

/** The files below a folder, sorted. Paths are relative to `root`. */
export async function listFiles(root: string, folder: string): Promise<string[]> {
  const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  return files.map((path) => path.slice(join(root, "/").length)).sort();
}

async function isComplete(folder: string): Promise<boolean> {
  try {
    const record: unknown = JSON.parse(await readFile(join(folder, RECORD), "utf8"));
    return JSON.stringify(await hashFiles(folder)) === JSON.stringify(record);
  } catch {
    return false;
  }
}

async function hashFiles(folder: string): Promise<[path: string, hash: string][]> {
  const paths = (await listFiles(folder, ".")).filter((path) => path !== RECORD);
  const hashed = async (path: string): Promise<[string, string]> => {
    const text = await readFile(join(folder, path));
    return [path, createHash("sha256").update(text).digest("hex")];
  };
  return Promise.all(paths.map(hashed));
}

/** The first build wins; another start's build of the same sources is the same. */
async function keep(made: string, folder: string): Promise<void> {
  await rename(made, folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
  });
}

/** What was used last is removed last. */
async function markUsed(folder: string): Promise<void> {
  const now = new Date();
  await utimes(folder, now, now);
}

/** Keeps a few builds of other sources, for switching between branches, and those that may be in progress right now. */
async function removeOld(builds: string, current: string): Promise<void> {
  const found = await Promise.all(
    (await readdir(builds)).map(async (name) => {
      const path = join(builds, name);
      return { path, used_at: (await stat(path).catch(() => null))?.mtimeMs ?? 0 };
    }),
  );
  const others = found.filter(({ path }) => path !== current).sort((one, other) => other.used_at - one.used_at);
  const old = others.slice(keptBuilds).filter(({ used_at }) => Date.now() - used_at > makingMs);
  await Promise.all(old.map(({ path }) => rm(path, { recursive: true, force: true })));
}
