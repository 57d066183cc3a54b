/**
 * Looking through files: by their text, by their name, and replacing text in them.
 */
import { open, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Request, readText, readTexts } from "./channel.ts";
import { describeFailure } from "./failures.ts";
import { resolvePath } from "./paths.ts";
import type { KeeperSettings } from "./settings.ts";

/** A search is one JSON answer held in memory by both ends. */
const maxMatches = 10_000;
const maxLineCharacters = 2_000;
/** Larger files are data rather than text. */
const maxTextBytes = 16 * 1024 * 1024;
/** The daemon calls a file binary when its beginning holds a NUL byte. */
const probeBytes = 512;

export interface Match {
  file: string;
  line: number;
  content: string;
}

export async function findInFiles(request: Request, settings: KeeperSettings): Promise<Match[]> {
  const root = await resolvePath(settings, readText(request, "path"));
  const pattern = readText(request, "pattern");
  const matches: Match[] = [];
  for await (const file of walk(root)) {
    const text = await readPlainText(file);
    if (text === undefined) continue;
    for (const [index, content] of text.split("\n").entries()) {
      if (!content.includes(pattern)) continue;
      matches.push({ file, line: index + 1, content: content.slice(0, maxLineCharacters) });
      if (matches.length >= maxMatches) return matches;
    }
  }
  return matches;
}

async function readPlainText(path: string): Promise<string | undefined> {
  try {
    const file = await open(path, "r");
    try {
      const { size } = await file.stat();
      if (size > maxTextBytes) return undefined;
      const probe = Buffer.alloc(probeBytes);
      const { bytesRead } = await file.read(probe, 0, probeBytes, 0);
      if (probe.subarray(0, bytesRead).includes(0)) return undefined;
      return await file.readFile("utf8").then((rest) => rest);
    } finally {
      await file.close();
    }
  } catch {
    // Unreadable or gone meanwhile: the search goes on without it.
    return undefined;
  }
}

export async function searchFiles(request: Request, settings: KeeperSettings): Promise<{ files: string[] }> {
  const root = await resolvePath(settings, readText(request, "path"));
  const matcher = compileGlob(readText(request, "pattern"));
  const files: string[] = [];
  for await (const path of walk(root, true)) {
    if (matcher.test(path.slice(path.lastIndexOf("/") + 1))) files.push(path);
    if (files.length >= maxMatches) break;
  }
  return { files };
}

/** `*`, `?` and `[…]` on a base name; each star is matched without looking back, so no pattern takes long. */
export function compileGlob(pattern: string): RegExp {
  const source = pattern.slice(0, 256).replace(/\*+|\?|\[[^\]]*\]|[\s\S]/g, (token) => {
    if (token.startsWith("*")) return "[^/]*";
    if (token === "?") return "[^/]";
    if (token.startsWith("[") && token.length > 2) return `[${token.slice(1, -1).replace(/[\\[\]]/g, "\\$&")}]`;
    return token.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
  });
  try {
    return new RegExp(`^${source}$`);
  } catch {
    // A range out of order, such as [z-a], matches nothing.
    return /^(?!)/;
  }
}

/** Depth first and by name; links are not followed, so that a loop of links ends. */
async function* walk(root: string, folders = false): AsyncGenerator<string> {
  if (!(await stat(root)).isDirectory()) {
    yield root;
    return;
  }
  const entries = await readdir(root, { withFileTypes: true }).catch(() => []);
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(root, entry.name);
    if (entry.isFile() || (folders && entry.isDirectory())) yield path;
    if (entry.isDirectory()) yield* walk(path, folders);
  }
}

export interface Replacement {
  file: string;
  success: boolean;
  error?: string;
}

export async function replaceInFiles(request: Request, settings: KeeperSettings): Promise<Replacement[]> {
  const [pattern, newValue] = [readText(request, "pattern"), readText(request, "newValue")];
  const results: Replacement[] = [];
  for (const file of readTexts(request, "files")) {
    try {
      const path = await resolvePath(settings, file);
      if ((await stat(path)).size > maxTextBytes) throw new Error("too large");
      const text = await readFile(path, "utf8");
      if (text.includes(pattern))
        await writeFile(
          path,
          text.replaceAll(pattern, () => newValue),
        );
      results.push({ file, success: true });
    } catch (error) {
      results.push({ file, success: false, error: describeFailure(error, file).message });
    }
  }
  return results;
}
