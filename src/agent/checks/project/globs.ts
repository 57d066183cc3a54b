// Which files a check of the project is about. Globs and file names may be anybody's, so they are matched by the engine of
// checks, in time in proportion to the name.
import { readExpression } from "../run/expression.ts";

/** `**` is any number of folders, `*` and `?` stay within one. Names are relative to the checkout. */
export function matchesAny(globs: readonly string[], files: readonly string[]): boolean {
  return globs.some((glob) => {
    const expression = readExpression(toExpression(glob));
    // What takes too long to tell may match.
    return expression.ok && expression.matches(files) !== false;
  });
}

/** What is wrong with a glob, as the end of a sentence; null if nothing is. */
export function findGlobFault(glob: string): string | null {
  if (glob.startsWith("/") || glob.split("/").includes("..")) return "leads out of the checkout";
  if (/[[\]{}!\\]/.test(glob)) return "has a sign that is not supported; use *, ** and ?";
  const read = readExpression(toExpression(glob));
  return read.ok ? null : read.why;
}

function toExpression(glob: string): string {
  const plain = glob.replace(/^(?:\.\/)+/, "").replace(/\/$/, "/**");
  const inner = plain.replace(/\*\*\/|\*\*|\*|\?|[^\w/-]/g, (sign) => {
    if (sign === "**/") return "(?:.*/)?";
    if (sign === "**") return ".*";
    if (sign === "*") return "[^/]*";
    return sign === "?" ? "[^/]" : /[^\x20-\x7e]/.test(sign) ? sign : `\\${sign}`;
  });
  return `^${inner}$`;
}
