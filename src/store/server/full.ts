// Failures of D1 that an operator has to mend: it is full, or lacks tables. D1 says so only in the message, which drizzle
// wraps as a cause.

/** The first is D1's at its own limit, the others are SQLite's. */
const IS_FULL = /Exceeded maximum DB size|database or disk is full|SQLITE_FULL/;

/** A migration was not applied. */
const LACKS_TABLES = /no such (?:table|column)/;

export function isDatabaseFull(error: unknown): boolean {
  return says(error, IS_FULL);
}

export function lacksTables(error: unknown): boolean {
  return says(error, LACKS_TABLES);
}

function says(error: unknown, words: RegExp): boolean {
  for (let at: unknown = error; at instanceof Error; at = at.cause) if (words.test(at.message)) return true;
  return false;
}
