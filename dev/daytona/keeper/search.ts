/**
 * Searches files by name and by content, with the system's `find`.
 */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { type Request, readText } from "./channel.ts";
import { resolvePath } from "./paths.ts";
import type { KeeperSettings } from "./settings.ts";

/** A search result is one JSON response that both ends hold in memory. */
const maxMatches = 200_000;
const maxOutputBytes = 64 * 1024 * 1024;
/** The kernel's own file systems: they hold no user's files, and some of their files have no end. */
const skipped = ["proc", "sysfs"].flatMap((kind) => ["-fstype", kind, "-prune", "-o"]);
/** fs/find_in_files.go: a file is binary when a NUL byte is in its first bytes. */
const probeBytes = 512;
/** bufio.Scanner gives a file up at a line of this length, and says nothing. */
const maxLineBytes = 64 * 1024;

/** Links are not followed, and nothing is found where nothing is: `find` then fails, and has printed nothing. */
async function find(request: Request, settings: KeeperSettings, ...test: string[]): Promise<string[]> {
  const root = await resolvePath(settings, readText(request, "path"));
  const output = await new Promise<string>((resolve) => {
    const args = [root, ...skipped, ...test, "-print0"];
    execFile("find", args, { maxBuffer: maxOutputBytes }, (_error, stdout) => resolve(stdout));
  });
  const files = output.split("\0").filter((path) => path !== "");
  return files.sort().slice(0, maxMatches);
}

export async function searchFiles(request: Request, settings: KeeperSettings): Promise<{ files: string[] }> {
  return { files: await find(request, settings, "-name", readText(request, "pattern")) };
}

export async function findInFiles(request: Request, settings: KeeperSettings): Promise<object[]> {
  const pattern = readText(request, "pattern");
  const matches: object[] = [];
  // Larger files are treated as binary.
  for (const file of await find(request, settings, "-type", "f", "-size", "-16385k")) {
    const bytes = await readFile(file).catch(() => Buffer.alloc(0));
    if (bytes.subarray(0, probeBytes).includes(0)) continue;
    for (const [index, content] of bytes.toString("utf8").split("\n").entries()) {
      if (Buffer.byteLength(content) >= maxLineBytes || matches.length >= maxMatches) break;
      if (content.includes(pattern)) matches.push({ file, line: index + 1, content: content.replace(/\r$/, "") });
    }
  }
  return matches;
}
