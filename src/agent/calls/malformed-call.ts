// A call that a dialect could parse only in part. It still counts as a call, so that the model gets a result that says
// what was wrong. Its arguments hold that sentence, because they are what is stored: after a crash, the next life
// refuses the call in the same words and never makes it with half of its arguments.

/** No tool has an argument of this name. */
export const MALFORMED = "$malformed";

/** The name of a call that the model did not name. */
export const NAMELESS = "malformed_call";

/** What is wrong with the call, or null. */
export function readMalformed(written: string): string | null {
  // Arguments may be megabytes, and nearly all calls are well-formed, so they are not parsed only for this.
  if (!written.includes(MALFORMED)) return null;
  try {
    const value: unknown = JSON.parse(written);
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, MALFORMED)) return null;
    const said = (value as Record<string, unknown>)[MALFORMED];
    return typeof said === "string" && said !== "" ? said : null;
  } catch {
    return null;
  }
}
