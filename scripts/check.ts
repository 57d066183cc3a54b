// `npm run check`: lint, types, and the size of what would be deployed. Needs no network and no account.
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { isStopping, root, runStep, staticSteps } from "./steps.ts";

/**
 * A fifth of the 3 MB that the smallest plan allows. Start-up time grows with the bundle, and every new object pays it.
 */
const ceilingKiB = 590;

async function measureBundle(folder: string): Promise<number> {
  const files = (await readdir(folder)).filter((name) => /\.(js|mjs|wasm|txt|html)$/.test(name));
  const contents = await Promise.all(files.map((name) => readFile(join(folder, name))));
  return gzipSync(Buffer.concat(contents), { level: 9 }).length / 1024;
}

async function checkBundle(): Promise<boolean> {
  // wrangler.toml names this folder; the page in it is not part of the bundle.
  await mkdir(join(root, "dist/web"), { recursive: true });
  const folder = await mkdtemp(join(tmpdir(), "taskloom-bundle-"));
  try {
    const code = await runStep("bundle", "wrangler", ["deploy", "--dry-run", "--minify", "--outdir", folder]);
    const size = code === 0 ? await measureBundle(folder) : 0;
    if (size > 0) console.log(`bundle: ${size.toFixed(0)} KiB gzip, ceiling ${ceilingKiB} KiB`);
    else console.error("bundle: could not be built");
    return size > 0 && size <= ceilingKiB;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The web app's first load, before any request for data: what a phone waits for. */
const firstLoadKiB = 200;

/** The page and the files it names: scripts, their static imports, and styles. */
async function checkPage(): Promise<boolean> {
  const folder = join(root, "dist/web");
  if ((await runStep("web page", "vite", ["build"])) !== 0) return false;
  const page = await readFile(join(folder, "index.html"), "utf8");
  const names = [...page.matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)].map(([, name]) => name ?? "");
  const files = await Promise.all(names.map((name) => readFile(join(folder, name))));
  const size = [Buffer.from(page), ...files].reduce((sum, file) => sum + gzipSync(file).length, 0) / 1024;
  console.log(`first load of the page: ${size.toFixed(0)} KiB gzip, ceiling ${firstLoadKiB} KiB`);
  return size <= firstLoadKiB;
}

async function main(): Promise<void> {
  let ok = true;
  for (const { title, command, args } of staticSteps) {
    if (isStopping()) return;
    ok = (await runStep(title, command, args)) === 0 && ok;
  }
  if (isStopping()) return;
  ok = (await checkPage()) && ok;
  ok = (await checkBundle()) && ok;
  process.exitCode ??= ok ? 0 : 1;
}

await main();
