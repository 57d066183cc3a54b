// Whether a statement failed because D1 is full. D1 says so only in the message, which drizzle wraps as a cause.

/** The first is D1's at its own limit, the others are SQLite's. */
const IS_FULL = /Exceeded maximum DB size|database or disk is full|SQLITE_FULL/;

export function isDatabaseFull(error: unknown): boolean {
  for (let at: unknown = error; at instanceof Error; at = at.cause) if (IS_FULL.test(at.message)) return true;
  return false;
}
