/**
 * Searches files by content and by name, and replaces text in them.
 */
import { constants } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { type Request, readText, readTexts } from "./channel.ts";
import { describeFailure, KeeperError } from "./failures.ts";
import { resolvePath } from "./paths.ts";
import { openRegular, readAtMost } from "./regular.ts";
import type { KeeperSettings } from "./settings.ts";

/** A search result is one JSON response that both ends hold in memory. */
const maxMatches = 200_000;
/** The daemon's scanner gives a file up at a line of this length, and says nothing. */
const maxLineBytes = 64 * 1024;
/** Larger files are treated as binary. */
const maxTextBytes = 16 * 1024 * 1024;
/** The daemon treats a file as binary when a NUL byte is in its first bytes. */
const probeBytes = 512;

export interface Match {
  file: string;
  line: number;
  content: string;
}

export async function findInFiles(request: Request, settings: KeeperSettings, gone: AbortSignal): Promise<Match[]> {
  const root = await resolvePath(settings, readText(request, "path"));
  const pattern = readText(request, "pattern");
  const matches: Match[] = [];
  for await (const file of walk(root)) {
    gone.throwIfAborted();
    for (const { line, content } of matchLines(cutAtLongLine(await readPlainText(file)), pattern)) {
      matches.push({ file, line, content: content.replace(/\r$/, "") });
      if (matches.length >= maxMatches) return matches;
    }
  }
  return matches;
}

function cutAtLongLine(bytes: Buffer): string {
  for (let start = 0; start < bytes.length; ) {
    const feed = bytes.indexOf("\n", start);
    const end = feed === -1 ? bytes.length : feed;
    if (end - start >= maxLineBytes) return bytes.toString("utf8", 0, start);
    start = end + 1;
  }
  return bytes.toString("utf8");
}

/** Splits lines only around matches: a file of nothing but line feeds has millions of lines. */
function* matchLines(text: string, pattern: string): Generator<{ line: number; content: string }> {
  if (pattern === "" || pattern.includes("\n")) return;
  let line = 1;
  let start = 0;
  for (let place = text.indexOf(pattern); place !== -1; place = text.indexOf(pattern, start)) {
    for (let feed = text.indexOf("\n", start); feed !== -1 && feed < place; feed = text.indexOf("\n", start)) {
      line += 1;
      start = feed + 1;
    }
    const feed = text.indexOf("\n", place);
    yield { line, content: text.slice(start, feed === -1 ? undefined : feed) };
    if (feed === -1) return;
    line += 1;
    start = feed + 1;
  }
}

const nothing = Buffer.alloc(0);

/** Empty for a file that is binary, too long, unreadable or gone: the search continues without it. */
async function readPlainText(path: string): Promise<Buffer> {
  try {
    const file = await openRegular(path, constants.O_RDONLY);
    try {
      const probe = Buffer.alloc(probeBytes);
      const { bytesRead } = await file.read(probe, 0, probeBytes, 0);
      if (probe.subarray(0, bytesRead).includes(0)) return nothing;
      return (await readAtMost(file, maxTextBytes)) ?? nothing;
    } finally {
      await file.close();
    }
  } catch {
    return nothing;
  }
}

export async function searchFiles(
  request: Request,
  settings: KeeperSettings,
  gone: AbortSignal,
): Promise<{ files: string[] }> {
  const root = await resolvePath(settings, readText(request, "path"));
  const matcher = compileGlob(readText(request, "pattern"));
  const files: string[] = [];
  for await (const path of walk(root, true)) {
    gone.throwIfAborted();
    if (matcher.test(path.slice(path.lastIndexOf("/") + 1))) files.push(path);
    if (files.length >= maxMatches) break;
  }
  return { files };
}

/** Matches `*`, `?` and `[…]` on a base name. Stars match without backtracking, so no pattern takes long. */
function compileGlob(pattern: string): RegExp {
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

/** The kernel's own file systems: they hold no user's text, and some of their files have no end. */
const kernelFolders = ["/proc", "/sys"];

/** Depth first and by name. Links are not followed, so a loop of links ends. */
async function* walk(root: string, everything = false): AsyncGenerator<string> {
  const top = await lstat(root).catch(() => undefined);
  // The daemon finds nothing where nothing is, and does not follow a link that it is given.
  if (top && (everything || top.isFile())) yield root;
  if (!top?.isDirectory()) return;
  if (kernelFolders.some((folder) => root === folder || root.startsWith(`${folder}/`))) return;
  const entries = await readdir(root, { withFileTypes: true }).catch(() => []);
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(root, entry.name);
    if (entry.isDirectory()) yield* walk(path, everything);
    else if (everything || entry.isFile()) yield path;
  }
}

export interface Replacement {
  file: string;
  success: boolean;
  error?: string;
}

export async function replaceInFiles(
  request: Request,
  settings: KeeperSettings,
  gone: AbortSignal,
): Promise<Replacement[]> {
  const [pattern, newValue] = [readText(request, "pattern"), readText(request, "newValue")];
  const results: Replacement[] = [];
  for (const file of readTexts(request, "files")) {
    gone.throwIfAborted();
    try {
      await replaceInFile(await resolvePath(settings, file), pattern, newValue);
      results.push({ file, success: true });
    } catch (error) {
      results.push({ file, success: false, error: describeFailure(error, file).message });
    }
  }
  return results;
}

async function replaceInFile(path: string, pattern: string, newValue: string): Promise<void> {
  const file = await openRegular(path, constants.O_RDWR);
  try {
    const text = (await readAtMost(file, maxTextBytes))?.toString("utf8");
    if (text === undefined) throw new KeeperError(400, "BAD_REQUEST", "the file is too large");
    let count = 0;
    for (let place = text.indexOf(pattern); place !== -1; place = text.indexOf(pattern, place + pattern.length))
      count += 1;
    if (count === 0) return;
    if (text.length + count * (newValue.length - pattern.length) > maxTextBytes) {
      throw new KeeperError(400, "BAD_REQUEST", "the file would become too large");
    }
    const bytes = Buffer.from(text.replaceAll(pattern, () => newValue));
    await file.truncate(0);
    await file.write(bytes, 0, bytes.length, 0);
  } finally {
    await file.close();
  }
}
