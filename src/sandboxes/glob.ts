// Globs as models write them (`*.ts`, `src/**/*.tsx`). A provider's own search gets the base name, which every provider
// supports; the folders in the glob are matched here.
import { SandboxError } from "../agent/sandbox.ts";

/** Real globs have two or three wildcards. */
const MAX_WILDCARDS = 8;
const MAX_GLOB_CHARACTERS = 256;

export interface Glob {
  /** The pattern for the base name. */
  base: string;
  /** The whole pattern, without parts that say nothing. */
  source: string;
  /** Whether a path, relative to the searched folder, matches the folders of the glob. */
  fitsFolders: (path: string) => boolean;
}

export function readGlob(glob: string): Glob {
  const parts = glob.split("/").filter((part) => part !== "" && part !== ".");
  const base = parts.pop();
  const wildcards = glob.match(/\*+|\?/g)?.length ?? 0;
  if (base === undefined || glob.length > MAX_GLOB_CHARACTERS || wildcards > MAX_WILDCARDS || parts.includes("..")) {
    const shown = glob.slice(0, 80);
    throw new SandboxError("invalid", `"${shown}" is not a usable pattern. Give one such as *.ts or src/**/*.ts.`);
  }
  const isAnywhere = parts.every((part) => part === "**");
  return {
    base,
    source: [...parts, base].join("/"),
    fitsFolders: (path) => isAnywhere || fitsParts(parts, path.split("/").slice(0, -1)),
  };
}

/** Works row by row over the pattern, so that no pattern takes longer than its length times the path's length. */
function fitsParts(pattern: string[], path: string[]): boolean {
  // reached[n]: the pattern so far matches the first n folders.
  let reached = [true, ...path.map(() => false)];
  for (const part of pattern) {
    const next = reached.map(() => false);
    for (let count = 0; count <= path.length; count++) {
      const folder = path[count - 1];
      if (part === "**") next[count] = reached[count] === true || next[count - 1] === true;
      else next[count] = folder !== undefined && reached[count - 1] === true && fitsName(part, folder);
    }
    reached = next;
  }
  return reached[path.length] === true;
}

/**
 * Matches `*` and `?` within one name. After a mismatch only the last star takes one more character, so no star is
 * tried twice.
 */
export function fitsName(pattern: string, name: string): boolean {
  let place = 0;
  let star = -1;
  let taken = 0;
  for (let index = 0; index < name.length; ) {
    if (place < pattern.length && pattern[place] === "*") {
      star = place++;
      taken = index;
    } else if (place < pattern.length && (pattern[place] === "?" || pattern[place] === name[index])) {
      place++;
      index++;
    } else if (star !== -1) {
      place = star + 1;
      index = ++taken;
    } else {
      return false;
    }
  }
  return /^\**$/.test(pattern.slice(place));
}
