// Makes a release of what the repository has now: the version everywhere, the changelog's heading, and the Worker that
// later versions are tested beside. It changes files and nothing else: a commit, a tag and a deploy are yours to make.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describeWorker, keepRelease } from "./bundle.ts";
import { chooseVersion, closeUnreleased, replaceVersion, versionPlaces } from "./texts.ts";

export interface Release {
  root: string;
  /** `patch`, `minor`, `major` or a version; null bundles the version that the files name, and changes no text. */
  wanted: string | null;
  day: string;
  bundle(root: string): Promise<string>;
}

export interface Released {
  version: string;
  changed: string[];
}

/** Checks everything before it writes the first file. If the Worker can't be built, the texts are as they were. */
export async function makeRelease({ root, wanted, day, bundle }: Release): Promise<Released> {
  const read = (path: string) => readFile(join(root, path), "utf8");
  const { version: current } = JSON.parse(await read("package.json")) as { version: string };
  const version = wanted === null ? current : chooseVersion(current, wanted);
  const former = new Map<string, string>();
  const next = new Map<string, string>();
  if (wanted !== null) {
    for (const path of [...Object.keys(versionPlaces), "CHANGELOG.md"]) former.set(path, await read(path));
    for (const [path, text] of former) {
      const isChangelog = path === "CHANGELOG.md";
      next.set(path, isChangelog ? closeUnreleased(text, version, day) : replaceVersion(path, text, current, version));
    }
  }
  await writeAll(root, next);
  try {
    const folder = await keepRelease(root, await bundle(root), { version, ...(await describeWorker(root)) });
    return { version, changed: [...next.keys(), folder.slice(join(root, "/").length)] };
  } catch (error) {
    await writeAll(root, former);
    throw error;
  }
}

async function writeAll(root: string, texts: ReadonlyMap<string, string>): Promise<void> {
  for (const [path, text] of texts) await writeFile(join(root, path), text);
}
