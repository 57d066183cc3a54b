// What a pattern of protected files means. `*` and `?` stay within one name, `**` is any number of folders, and all else
// is what it is. A folder stands for all that lies below it, whether the pattern names it or matches it.
import type { Check, ProtectedFile } from "../../protocol/plan/check.ts";

export interface ReadPattern {
  /** Where the search begins: the folders before the first name with a wildcard; without one, the pattern itself. */
  base: string;
  /** For whole paths below the base, as both `grep -E` in bytes and JavaScript read it. Empty: all below it. */
  expression: string;
}

export function readPattern(pattern: string): ReadPattern {
  const absolute = pattern.startsWith("/") ? "/" : "";
  const parts = pattern.split("/").filter((part) => part !== "" && part !== ".");
  const first = parts.findIndex((part) => /[*?]/.test(part));
  // A line feed would begin another expression.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  const isPlain = first < 0 || /[\x00-\x1f\x7f]/.test(pattern);
  if (isPlain) return { base: absolute + parts.join("/"), expression: "" };
  return {
    base: absolute + parts.slice(0, first).join("/"),
    expression: `${toExpression(parts.slice(first).join("/"))}(/.*)?`,
  };
}

function toExpression(glob: string): string {
  return glob.replace(/\*\*\/|\*\*|[*?^]|[.+(){}|[\\$]/g, (sign) => {
    if (sign === "**/") return "(.*/)?";
    if (sign === "**") return ".*";
    if (sign === "*") return "[^/]*";
    // One character: a byte, or the bytes of one that is not ASCII.
    if (sign === "?") return "([ -.0-~]|[^ -~]+)";
    return sign === "^" ? "\\^" : sign === "\\" ? "[\\\\]" : `[${sign}]`;
  });
}

/** Whether files are as they were. What can't be protected is not the same as nothing. */
export function isSameMatch(
  before: Omit<ProtectedFile, "path">,
  now: Omit<ProtectedFile, "path"> | undefined,
): boolean {
  if (now === undefined || before.hash !== now.hash) return false;
  return now.hash !== null || (before.files === undefined) === (now.files === undefined);
}

/** Why a check with `protected` protects less than it says, so that no pass of it is verified; null if it does not. */
export function describeUnprotected({ spec, protected: files }: Pick<Check, "spec" | "protected">): string | null {
  const named = "protected" in spec ? (spec.protected ?? []) : [];
  if (named.length === 0) return null;
  if (files === undefined) return "Its protected files could not be hashed before the work began.";
  const [path] = named.filter((each) => !files.some((file) => file.path === each && file.hash !== null));
  if (path === undefined) return null;
  const count = files.find((file) => file.path === path)?.files;
  return count === undefined
    ? `${JSON.stringify(path)} in protected matches no file.`
    : `${JSON.stringify(path)} in protected matches what can't be protected: more than 5,000 files or 64 MiB, a link, a folder that can't be listed, or a place outside of the project.`;
}
