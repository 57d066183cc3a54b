// Packages that only one script needs stand in a folder of their own with its own lockfile, so that nobody else installs
// them. npm notes in `node_modules` what it installed.
import { spawn } from "node:child_process";
import { stat } from "node:fs/promises";
import { join } from "node:path";

/** Installs what the folder's lockfile names, once. What npm prints goes to standard error. */
export async function installPackages(folder: string): Promise<void> {
  const [wanted, installed] = await Promise.all([
    stat(join(folder, "package-lock.json")),
    stat(join(folder, "node_modules/.package-lock.json")).catch(() => null),
  ]);
  if (installed !== null && installed.mtimeMs > wanted.mtimeMs) return;
  const child = spawn("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: folder,
    stdio: ["ignore", 2, 2],
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) =>
      code === 0 ? resolve() : reject(new Error(`The packages of ${folder} could not be installed.`)),
    );
  });
}
