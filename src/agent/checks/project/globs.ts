// Which files a check of the project is about. Globs and file names may be anybody's.
import { fitsParts } from "../../globs.ts";

/** Comparisons of characters: 30 ms. Twenty usual globs and a hundred changed files take half. */
const MAX_WORK = 3_000_000;

/** Names are relative to the checkout. What takes too long to tell may match. */
export function matchesAny(globs: readonly string[], files: readonly string[]): boolean {
  const patterns = globs.map(readGlob);
  let work = 0;
  return files.some((file) => {
    const path = file.split("/");
    return patterns.some((pattern, at) => {
      work += (globs[at]?.length ?? 0) * file.length;
      return work > MAX_WORK || fitsParts(pattern, path);
    });
  });
}

/** What is wrong with a glob, as the end of a sentence; null if nothing is. */
export function findGlobFault(glob: string): string | null {
  if (glob.startsWith("/") || glob.split("/").includes("..")) return "leads out of the checkout";
  if (/[[\]{}!\\]/.test(glob)) return "has a sign that is not supported; use *, ** and ?";
  const isMixed = readGlob(glob).some((part) => part.includes("**") && part !== "**");
  return isMixed ? "has ** beside other signs; write it between slashes, such as src/**/*.ts" : null;
}

/** A folder is what is in it. */
function readGlob(glob: string): string[] {
  const parts = glob.split("/").filter((part, at, all) => part !== "." && (part !== "" || at === all.length - 1));
  const last = parts.pop() ?? "";
  return [...parts, ...(last === "" || last === "**" ? ["**", "*"] : [last])];
}
