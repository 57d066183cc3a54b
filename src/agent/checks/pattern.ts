// Regular expressions of checks: what is refused, so that matching one takes time in proportion to the text.

/** What is wrong with the pattern, as the end of a sentence; null if nothing is. */
export function findPatternFault(pattern: string): string | null {
  try {
    // Flags at the start, as Perl and Rust have them.
    new RegExp(pattern.replace(/^\(\?[ims]+\)/, ""));
  } catch {
    return "is no regular expression; write a \\ before each of . ( ) [ ] { } * + ? ^ $ | that stands for itself";
  }
  const outside = withoutClasses(pattern);
  if (/\(\?<?[=!]/.test(outside)) return "looks ahead or behind, which is not supported; use contains and excludes";
  if (/\\(?:[1-9]|k<)/.test(outside)) return "refers back to a group, which is not supported; write the text out";
  return null;
}

/** Without character classes and escaped characters that are no reference: in them, nothing has a meaning of its own. */
function withoutClasses(pattern: string): string {
  return pattern.replace(/\\(?:[1-9]|k<)|\\.|\[(?:\\.|[^\]\\])*\]/gs, (part) =>
    /^\\(?:[1-9]|k<)/.test(part) ? part : "",
  );
}
