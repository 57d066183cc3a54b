// The Worker as wrangler would deploy it: its bundle, and the bindings that wrangler.toml describes. Wrangler takes two seconds
// for them, so they are kept in `dist/worker` under a hash of all that they are made of.
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
  /** The module of the Worker and its object, from the top of the repository. */
  entry: string;
  /** False keeps names and lines, for people who read stack traces. */
  minified: boolean;
}

/** Direct requests come here: with assets the default export stands behind a proxy Worker of Miniflare's. */
export const PUBLIC_ENTRYPOINT = "publicEntrypoint";

const entrypoints = "dev/start/entrypoints.ts";

const usual: BuildChoice = { entry: "src/index.ts", minified: true };

/** Five megabytes each at the most. */
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
    // What is there and can't be read was damaged.
    await rm(folder, { recursive: true, force: true });
    await mkdir(builds, { recursive: true });
    const made = await mkdtemp(join(builds, "making-"));
    try {
      await bundle(place, chosen, made);
      await describeBuild(root, made);
      // Sources that were changed meanwhile may be in it or not: then it is made again.
      if (join(builds, await hashSources(root, chosen)) === folder) await keep(made, folder);
    } finally {
      await rm(made, { recursive: true, force: true });
    }
    await removeOld(builds, folder);
  }
}

interface BuildRecord {
  options: BuiltWorker["options"];
  /** Of the module: a disk that lost power may hold a part of it. */
  hash: string;
}

async function describeBuild(root: string, folder: string): Promise<void> {
  const record: BuildRecord = {
    options: await describeWorker(root),
    hash: hashText(await readFile(join(folder, "worker.js"))),
  };
  await writeFile(join(folder, "build.json"), JSON.stringify(record));
}

/** Null where there is none, or only a part of one. */
async function readBuild(root: string, folder: string): Promise<BuiltWorker | null> {
  const script = join(folder, "worker.js");
  try {
    const { options, hash } = JSON.parse(await readFile(join(folder, "build.json"), "utf8")) as BuildRecord;
    if (hash !== hashText(await readFile(script))) return null;
    if (options.assets?.directory) options.assets.directory = join(root, options.assets.directory);
    const now = new Date();
    // Those that are used are the last to go.
    await utimes(folder, now, now);
    return { script, options };
  } catch {
    return null;
  }
}

function hashText(text: Buffer): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Whoever is first has it; what another start made meanwhile is the same. */
async function keep(made: string, folder: string): Promise<void> {
  await rename(made, folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
  });
}

async function bundle(place: Place, { entry, minified }: BuildChoice, folder: string): Promise<void> {
  const path = join(folder, "entry.ts");
  await writeFile(path, writeEntry(place.root, entry));
  // The page is no part of the bundle, and may be in the making.
  const empty = join(folder, "assets");
  await mkdir(empty);
  const args = ["deploy", path, "--dry-run", "--outdir", folder, "--assets", empty, `--minify=${minified}`];
  await runProgram(place, binary(place, "wrangler"), args);
  const module = (await readdir(folder)).find((name) => name.endsWith(".js"));
  if (module === undefined) throw new Error(`wrangler made no module of ${entry}:\n${place.log.tail()}`);
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

/** The bindings of wrangler.toml, as wrangler reads them. Only vars that stand in it: what .dev.vars has is not for a file. */
export async function describeWorker(root: string): Promise<BuiltWorker["options"]> {
  // 15 MB of JavaScript, needed for nothing else.
  const { unstable_getMiniflareWorkerOptions, unstable_readConfig } = await import("wrangler");
  const path = join(root, "wrangler.toml");
  const config = unstable_readConfig({ config: path });
  const { rootPath: _, ...options } = unstable_getMiniflareWorkerOptions(path).workerOptions;
  const assets = Object.assign({}, options.assets, { directory: config.assets?.directory });
  const described = { ...options, assets, name: config.name ?? "worker", bindings: config.vars };
  return described as unknown as BuiltWorker["options"];
}

async function hashSources(root: string, { entry, minified }: BuildChoice): Promise<string> {
  const isWorker = (path: string) => path.endsWith(".ts") && !path.endsWith(".test.ts") && !path.startsWith("web/");
  const sources = (await readdir(join(root, "src"), { recursive: true }))
    .filter(isWorker)
    .map((path) => join("src", path));
  const files = [...sources.sort(), entry, entrypoints, "wrangler.toml", "package-lock.json"];
  const hash = createHash("sha256").update(String(minified));
  const texts = await Promise.all(files.map((path) => readFile(join(root, path))));
  for (const [index, text] of texts.entries()) hash.update(`\0${files[index]}\0`).update(text);
  return hash.digest("hex").slice(0, 16);
}

/** A few builds of other sources are kept, for a branch that is started in between; and what may be in the making right now. */
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
