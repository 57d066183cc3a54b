// Builds the web page's files. vite takes seconds for this, so results are kept in `dist/pages` (kept-builds.ts). `dist/web`
// is what `npm run build` makes for a deployment: a start neither reads nor writes it, so two of them don't meet there.
import { dirname, join } from "node:path";
import { findBuild, hashSources, holdBuild, listFiles } from "./kept-builds.ts";
import { binary, type Place, runProgram } from "./processes.ts";

/** Returns the folder of the page's files. */
export async function buildPage(place: Place): Promise<string> {
  const { root } = place;
  const folder = await findBuild(join(root, "dist/pages"), {
    hash: () => hashPage(root),
    make: (made) => runProgram(place, binary(place, "vite"), ["build", "--outDir", join(made, FILES)]),
  });
  return join(folder, FILES);
}

/** Keeps the page's files until what is returned is called. */
export function holdPage(directory: string): () => void {
  return holdBuild(dirname(directory));
}

/** The record of a build is no file of the page. */
const FILES = "web";

/** Names a page by everything that it is made from. It takes words and rules from the protocol and the leaves below it. */
export async function hashPage(root: string): Promise<string> {
  const folders = ["src/web", "src/protocol", "src/lib"].map((folder) => listFiles(root, folder));
  const sources = (await Promise.all(folders)).flat().filter((path) => !/\.test\.tsx?$/.test(path));
  return hashSources(root, "page", [...sources, "vite.config.ts", "tsconfig.json", "package-lock.json"]);
}
