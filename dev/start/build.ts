// Builds the Worker as wrangler would deploy it: its bundle, and the bindings that wrangler.toml describes. Wrangler
// takes two seconds for this, so results are cached in `dist/worker` under a hash of all inputs.
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { V4WorkerOptions } from "miniflare";
import { binary, type Place, runProgram } from "./processes.ts";

export interface BuiltWorker {
  /** The path of its one module. */
  script: string;
  /** Without name, module and settings. Paths in it are absolute. */
  options: V4WorkerOptions & { name: string; d1Databases: { DB: { id: string } } };
}

export interface BuildChoice {
  /** The module of the Worker and its object, relative to the repository. */
  entry: string;
  /** False keeps names and lines, for people who read stack traces. */
  minified: boolean;
}

/** The entrypoint for direct requests: with assets, the default export is behind a proxy Worker of Miniflare's. */
export const PUBLIC_ENTRYPOINT = "publicEntrypoint";

const entrypoints = "dev/start/entrypoints.ts";

const usual: BuildChoice = { entry: "src/index.ts", minified: true };

/** At most five megabytes each. */
const keptBuilds = 20;

/** Far longer than a build takes. */
const makingMs = 5 * 60_000;

export async function buildWorker(place: Place, choice: Partial<BuildChoice> = {}): Promise<BuiltWorker> {
  const { root } = place;
  const chosen = { ...usual, ...choice };
  const builds = join(root, "dist/worker");
  for (;;) {
    const folder = join(builds, await hashSources(root, chosen));
    const built = await readBuild(root, folder);
    if (built !== null) return built;
    // A build that exists and can't be read is damaged.
    await rm(folder, { recursive: true, force: true });
    await mkdir(builds, { recursive: true });
    const made = await mkdtemp(join(builds, "making-"));
    try {
      await bundle(place, chosen, made);
      await describeBuild(root, made);
      // If sources changed during the build, it is made again: it may contain the old or the new ones.
      if (join(builds, await hashSources(root, chosen)) === folder) await keep(made, folder);
    } finally {
      await rm(made, { recursive: true, force: true });
    }
    await removeOld(builds, folder);
  }
}

interface BuildRecord {
  options: BuiltWorker["options"];
  /** A hash of the module: after a power failure the disk may hold only a part of it. */
  hash: string;
}

async function describeBuild(root: string, folder: string): Promise<void> {
  const record: BuildRecord = {
    options: await describeWorker(root),
    hash: hashText(await readFile(join(folder, "worker.js"))),
  };
  await writeFile(join(folder, "build.json"), JSON.stringify(record));
}

/** Null where there is no complete build. */
async function readBuild(root: string, folder: string): Promise<BuiltWorker | null> {
  const script = join(folder, "worker.js");
  try {
    const { options, hash } = JSON.parse(await readFile(join(folder, "build.json"), "utf8")) as BuildRecord;
    if (hash !== hashText(await readFile(script))) return null;
    if (options.assets?.directory) options.assets.directory = join(root, options.assets.directory);
    const now = new Date();
    // Marks the build as used, so that it is removed last.
    await utimes(folder, now, now);
    return { script, options };
  } catch {
    return null;
  }
}

function hashText(text: Buffer): string {
  return createHash("sha256").update(text).digest("hex");
}

/** The first build wins; another start's build of the same sources is the same. */
async function keep(made: string, folder: string): Promise<void> {
  await rename(made, folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
  });
}

async function bundle(place: Place, { entry, minified }: BuildChoice, folder: string): Promise<void> {
  const path = join(folder, "entry.ts");
  await writeFile(path, writeEntry(place.root, entry));
  // The page is no part of the bundle, and may be under construction.
  const empty = join(folder, "assets");
  await mkdir(empty);
  const args = ["deploy", path, "--dry-run", "--outdir", folder, "--assets", empty, `--minify=${minified}`];
  await runProgram(place, binary(place, "wrangler"), args);
  const module = (await readdir(folder)).find((name) => name.endsWith(".js"));
  if (module === undefined) throw new Error(`wrangler built no module from ${entry}:\n${place.log.tail()}`);
  const text = await readFile(join(folder, module), "utf8");
  await writeFile(join(folder, "worker.js"), text.replace(/\n\/\/# sourceMappingURL=.*\s*$/, "\n"));
  const rest = (await readdir(folder)).filter((name) => name !== "worker.js");
  await Promise.all(rest.map((name) => rm(join(folder, name), { recursive: true })));
}

function writeEntry(root: string, entry: string): string {
  const [worker, made] = [join(root, entry), join(root, entrypoints)].map((path) => JSON.stringify(path));
  return [
    `import worker, { ThreadObject } from ${worker};`,
    `import { createInnerEntrypoint, createPublicEntrypoint } from ${made};`,
    "export { ThreadObject };",
    `export const ${PUBLIC_ENTRYPOINT} = createPublicEntrypoint(worker);`,
    "export default createInnerEntrypoint(worker);",
  ].join("\n");
}

/**
 * The bindings of wrangler.toml, as wrangler reads them. Includes only vars of that file: those of .dev.vars must not
 * be stored in a build.
 */
export async function describeWorker(root: string): Promise<BuiltWorker["options"]> {
  // 15 MB of JavaScript that nothing else needs.
  const { unstable_getMiniflareWorkerOptions, unstable_readConfig } = await import("wrangler");
  const path = join(root, "wrangler.toml");
  const config = unstable_readConfig({ config: path });
  const { rootPath: _, ...options } = unstable_getMiniflareWorkerOptions(path).workerOptions;
  const assets = Object.assign({}, options.assets, { directory: config.assets?.directory });
  const described = { ...options, assets, name: config.name ?? "worker", bindings: config.vars };
  return described as unknown as BuiltWorker["options"];
}

/** Names a build by everything that it is made from. */
export async function hashSources(root: string, { entry, minified }: BuildChoice): Promise<string> {
  const isWorker = (path: string) => path.endsWith(".ts") && !path.endsWith(".test.ts") && !path.startsWith("web/");
  // wrangler.toml's aliases lead to scripts/bundle.
  const folders = ["src", "scripts/bundle"].map(async (folder) =>
    (await readdir(join(root, folder), { recursive: true })).filter(isWorker).map((path) => join(folder, path)),
  );
  const sources = (await Promise.all(folders)).flat();
  const files = [...sources.sort(), entry, entrypoints, "wrangler.toml", "package-lock.json"];
  const hash = createHash("sha256").update(String(minified));
  const texts = await Promise.all(files.map((path) => readFile(join(root, path))));
  for (const [index, text] of texts.entries()) hash.update(`\0${files[index]}\0`).update(text);
  return hash.digest("hex").slice(0, 16);
}

/** Keeps a few builds of other sources, for switching between branches, and those that may be in progress right now. */
async function removeOld(builds: string, current: string): Promise<void> {
  const found = await Promise.all(
    (await readdir(builds)).map(async (name) => {
      const path = join(builds, name);
      return { path, made_at: (await stat(path).catch(() => null))?.mtimeMs ?? 0 };
    }),
  );
  const others = found.filter(({ path }) => path !== current).sort((one, other) => other.made_at - one.made_at);
  const old = others.slice(keptBuilds).filter(({ made_at }) => Date.now() - made_at > makingMs);
  await Promise.all(old.map(({ path }) => rm(path, { recursive: true, force: true })));
}
