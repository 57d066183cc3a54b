// A call that a dialect could read only in part. It is a call all the same, so that the model gets a result that says what
// was wrong, and its arguments carry that sentence: they are what is stored, so a life that takes the run up after a crash
// refuses the call in the same words and never makes it with half of its arguments.

/** No tool has an argument of such a name. */
export const MALFORMED = "$malformed";

/** The name of a call that has none. */
export const NAMELESS = "malformed_call";

/** What is wrong with the call, or null. */
export function readMalformed(written: string): string | null {
  // Nearly all calls are well-formed, and arguments may be megabytes: those are not parsed for this.
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
