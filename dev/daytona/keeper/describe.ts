/**
 * `FileInfo` of the toolbox: what `ls -l` shows, in the daemon's format.
 */
import type { Stats } from "node:fs";
import { basename } from "node:path";

export interface FileInfo {
  name: string;
  size: number;
  mode: string;
  modTime: string;
  modifiedAt: string;
  isDir: boolean;
  owner: string;
  group: string;
  permissions: string;
  path?: string;
}

export function describeFile(path: string, stats: Stats): FileInfo {
  const modified = stats.mtime.toISOString();
  return {
    name: basename(path),
    size: stats.size,
    mode: spellMode(stats),
    // As Go prints a time: 2026-01-31 12:00:00.123 +0000 UTC.
    modTime: `${modified.replace("T", " ").replace("Z", "")} +0000 UTC`,
    modifiedAt: modified,
    isDir: stats.isDirectory(),
    owner: String(stats.uid),
    group: String(stats.gid),
    permissions: `0${(stats.mode & 0o777).toString(8).padStart(3, "0")}`,
  };
}

function spellMode(stats: Stats): string {
  const letters = "rwxrwxrwx";
  const bits = [...letters].map((letter, index) => (stats.mode & (1 << (8 - index)) ? letter : "-")).join("");
  return spellKind(stats) + bits;
}

/** The daemon is written in Go, whose letter for a symbolic link is a capital L. */
function spellKind(stats: Stats): string {
  if (stats.isDirectory()) return "d";
  if (stats.isSymbolicLink()) return "L";
  if (stats.isFIFO()) return "p";
  if (stats.isSocket()) return "S";
  if (stats.isCharacterDevice()) return "Dc";
  if (stats.isBlockDevice()) return "D";
  return "-";
}
