// `npm run release -- minor`: see release.ts.
import { execFileSync } from "node:child_process";
import { root } from "../steps.ts";
import { bundleWorker } from "./bundle.ts";
import { makeRelease } from "./release.ts";

const usage = `npm run release -- patch | minor | major | 1.2.3   makes a release of that version
npm run release -- --bundle-only                   keeps the Worker of the version that package.json names`;

/** What is uncommitted would become a part of the release without anybody saying so. */
function requireCleanTree(): void {
  const changed = execFileSync("git", ["status", "--porcelain"], { cwd: root, encoding: "utf8" }).trim();
  if (changed !== "") throw new Error(`Commit or undo these changes first:\n${changed}`);
}

async function main(args: string[]): Promise<void> {
  const [wanted] = args;
  if (args.length !== 1 || wanted === undefined || (wanted.startsWith("-") && wanted !== "--bundle-only")) {
    console.error(usage);
    process.exitCode = 2;
    return;
  }
  const isBundleOnly = wanted === "--bundle-only";
  if (!isBundleOnly) requireCleanTree();
  const day = new Date().toISOString().slice(0, 10);
  const release = { root, wanted: isBundleOnly ? null : wanted, day, bundle: bundleWorker };
  const { version, changed } = await makeRelease(release);
  console.log(`${version}: changed ${changed.join(", ")}`);
  if (isBundleOnly) return;
  console.log(`Next: npm test -- --all, then`);
  console.log(`  git add -A && git commit -m "build: version ${version}" && git tag v${version}`);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
