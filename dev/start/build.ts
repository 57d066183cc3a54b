// Builds the Worker as wrangler would deploy it: its bundle, and the bindings that wrangler.toml describes. Wrangler
// takes two seconds for this, so results are kept in `dist/worker` (kept-builds.ts).
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { V4WorkerOptions } from "miniflare";
import { PUBLIC_ENTRYPOINT } from "./entrypoints.ts";
import { findBuild, hashSources, listFiles } from "./kept-builds.ts";
import { binary, type Place, runProgram } from "./processes.ts";

export interface BuiltWorker {
  /** The path of its one module. */
  script: string;
  /** Without name, module and settings. Paths in it are absolute. */
  options: V4WorkerOptions & {
    name: string;
    assets: { directory: string };
    d1Databases: { DB: { id: string } };
  };
}

export interface BuildChoice {
  /** The module of the Worker and its object, relative to the repository. */
  entry: string;
  /** False keeps names and lines, for people who read stack traces. */
  minified: boolean;
}

const entrypoints = "dev/start/entrypoints.ts";

const usual: BuildChoice = { entry: "src/index.ts", minified: true };

export async function buildWorker(place: Place, choice: Partial<BuildChoice> = {}): Promise<BuiltWorker> {
  const { root } = place;
  const chosen = { ...usual, ...choice };
  const folder = await findBuild(join(root, "dist/worker"), {
    hash: () => hashWorker(root, chosen),
    async make(made) {
      await bundle(place, chosen, made);
      await writeFile(join(made, OPTIONS), JSON.stringify(await describeWorker(root)));
    },
  });
  const options = JSON.parse(await readFile(join(folder, OPTIONS), "utf8")) as BuiltWorker["options"];
  options.assets.directory = join(root, options.assets.directory);
  return { script: join(folder, "worker.js"), options };
}

const OPTIONS = "options.json";

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
  // Settings come from elsewhere here, so wrangler need not miss the secrets that a deployment requires.
  const { rootPath: _, ...options } = unstable_getMiniflareWorkerOptions({
    ...config,
    secrets: undefined,
  }).workerOptions;
  const assets = Object.assign({}, options.assets, { directory: config.assets?.directory });
  const described = { ...options, assets, name: config.name ?? "worker", bindings: config.vars };
  return described as unknown as BuiltWorker["options"];
}

/** Names a build by everything that it is made from. */
export async function hashWorker(root: string, { entry, minified }: BuildChoice): Promise<string> {
  const isWorker = (path: string) => path.endsWith(".ts") && !path.endsWith(".test.ts") && !path.startsWith("src/web/");
  // wrangler.toml leads zod to scripts/bundle.
  const folders = ["src", "scripts/bundle"].map((folder) => listFiles(root, folder));
  const sources = (await Promise.all(folders)).flat().filter(isWorker);
  // The bundler reads tsconfig.json, too.
  const settings = ["wrangler.toml", "tsconfig.json", "package-lock.json"];
  return hashSources(root, String(minified), [...sources, entry, entrypoints, ...settings]);
}
