// Builds the web page's files, only where a source is newer than the last build.
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { binary, type Place, runProgram } from "./processes.ts";

export async function buildPage(place: Place): Promise<void> {
  const { root } = place;
  const built = await changedAt(join(root, "dist/web/index.html"));
  const sources = ["vite.config.ts", ...(await listFiles(root, "src/web"))];
  const changed = await Promise.all(sources.map((source) => changedAt(join(root, source))));
  if (built < Math.max(...changed)) await runProgram(place, binary(place, "vite"), ["build"]);
}

async function listFiles(root: string, folder: string): Promise<string[]> {
  const entries = await readdir(join(root, folder), { recursive: true });
  return entries.map((entry) => join(folder, entry));
}

async function changedAt(path: string): Promise<number> {
  const stats = await stat(path).catch(() => null);
  return stats ? stats.mtimeMs : 0;
}
