// The Worker of a release as a file of the repository: what wrangler would upload, compressed. Later versions are tested
// beside it. The same sources give the same bytes.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";
import { compareVersions, isVersion } from "./texts.ts";

export interface Manifest {
  version: string;
  /** Of the Worker before it is compressed. */
  sha256: string;
  bytes: number;
  /** With these the runtime runs it as Cloudflare did. */
  compatibility_date: string;
  compatibility_flags: string[];
  /** The newest migration that it was made for. */
  migration: string;
}

const FOLDER = "test/releases";
const MANIFEST = "manifest.json";
const WORKER = "worker.js.br";

/** Half a megabyte each. Two former versions are more than a deploy ever has beside the new one. */
const KEPT = 2;

/** Bundles the Worker as `wrangler deploy` does. */
export async function bundleWorker(root: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "taskloom-release-"));
  try {
    // The page is no part of the Worker.
    const assets = join(folder, "assets");
    await mkdir(assets);
    const out = join(folder, "out");
    const args = ["deploy", "--dry-run", "--minify", "--outdir", out, "--assets", assets];
    await promisify(execFile)(join(root, "node_modules/.bin/wrangler"), args, { cwd: root, env: offline(root) });
    const script = await readFile(join(out, "index.js"), "utf8");
    return script.replace(/\n\/\/# sourceMappingURL=.*\s*$/, "\n");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function offline(root: string): NodeJS.ProcessEnv {
  const path = `${join(root, "node_modules/.bin")}${delimiter}${process.env.PATH}`;
  return { ...process.env, PATH: path, WRANGLER_SEND_METRICS: "false", WRANGLER_HIDE_BANNER: "true" };
}

/** What wrangler.toml and the migrations say of the Worker. */
export async function describeWorker(root: string): Promise<Omit<Manifest, "version" | "sha256" | "bytes">> {
  const { unstable_readConfig } = await import("wrangler");
  const config = unstable_readConfig({ config: join(root, "wrangler.toml") });
  const migrations = (await readdir(join(root, "migrations"))).filter((name) => name.endsWith(".sql")).sort();
  return {
    compatibility_date: config.compatibility_date ?? "",
    compatibility_flags: config.compatibility_flags ?? [],
    migration: migrations.at(-1) ?? "",
  };
}

/** Writes a release and removes those that nobody needs any more. Returns its folder. */
export async function keepRelease(
  root: string,
  script: string,
  described: Omit<Manifest, "sha256" | "bytes">,
): Promise<string> {
  const { version, ...rest } = described;
  const folder = join(root, FOLDER, version);
  await mkdir(folder, { recursive: true });
  const bytes = Buffer.from(script);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const manifest: Manifest = { version, sha256, bytes: bytes.length, ...rest };
  const options = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  await writeFile(join(folder, WORKER), brotliCompressSync(bytes, { params: options }));
  await writeFile(join(folder, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);
  const old = (await listReleases(root)).slice(KEPT);
  await Promise.all(old.map((name) => rm(join(root, FOLDER, name), { recursive: true })));
  return folder;
}

/** The versions that are kept, the newest first. */
export async function listReleases(root: string): Promise<string[]> {
  const names = await readdir(join(root, FOLDER)).catch(() => []);
  return names.filter(isVersion).sort((one, other) => compareVersions(other, one));
}

/** A kept release. Throws if its Worker is not the one that its manifest describes. */
export async function readRelease(root: string, version: string): Promise<{ manifest: Manifest; script: string }> {
  const folder = join(root, FOLDER, version);
  const manifest = JSON.parse(await readFile(join(folder, MANIFEST), "utf8")) as Manifest;
  const bytes = brotliDecompressSync(await readFile(join(folder, WORKER)));
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  if (sha256 !== manifest.sha256) throw new Error(`${FOLDER}/${version}: the Worker is not the one of ${MANIFEST}`);
  return { manifest, script: bytes.toString("utf8") };
}
