// `npm run check`: lint, types, the size of the page, and what turns, steps and tokens cost. Needs no network and no
// account. `--record` writes the counted costs into docs/costs.md.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { costsStep, isStopping, root, runStep, staticSteps } from "./steps.ts";

/** The web app's first load, before any request for data: what a phone waits for. */
const firstLoadKiB = 200;

/** The page and the files it names: scripts, their static imports, and styles. */
async function checkPage(): Promise<boolean> {
  const folder = join(root, "dist/web");
  if ((await runStep("web page", "vite", ["build"])) !== 0) return false;
  const page = await readFile(join(folder, "index.html"), "utf8");
  const names = [...page.matchAll(/(?:src|href)="\/(_taskloom\/[^"]+)"/g)].map(([, name]) => name ?? "");
  const files = await Promise.all(names.map((name) => readFile(join(folder, name))));
  const size = [Buffer.from(page), ...files].reduce((sum, file) => sum + gzipSync(file).length, 0) / 1024;
  console.log(`first load of the page: ${size.toFixed(0)} KiB gzip, ceiling ${firstLoadKiB} KiB`);
  return size <= firstLoadKiB;
}

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  if (args.some((arg) => arg !== "--record")) {
    console.error("npm run check [-- --record]: --record writes what is counted into docs/costs.md");
    process.exitCode = 2;
    return;
  }
  let ok = true;
  for (const step of staticSteps) {
    if (isStopping()) return;
    ok = (await runStep(step.title, step.command, step.args)) === 0 && ok;
  }
  if (isStopping()) return;
  ok = (await checkPage()) && ok;
  if (isStopping()) return;
  ok = (await runStep(costsStep.title, costsStep.command, [...costsStep.args, ...args])) === 0 && ok;
  process.exitCode ??= ok ? 0 : 1;
}

await main();
