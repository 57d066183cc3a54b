// Globs as models write them (`*.ts`, `src/**/*.tsx`). The sandbox looks for the base name; the folders in the glob are
// matched here.

import { fitsParts } from "../agent/globs.ts";
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
