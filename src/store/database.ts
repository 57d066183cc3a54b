// Opens D1 with drizzle, and recognizes errors of a key that is taken.
import { type DrizzleD1Database, drizzle } from "drizzle-orm/d1";

export function open(db: D1Database): DrizzleD1Database {
  return drizzle(db);
}

/**
 * Whether a statement failed because its key is taken. D1 says so only in the message, which drizzle wraps as a cause.
 */
export function isConflict(error: unknown): boolean {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if (/UNIQUE constraint failed/.test(at.message)) return true;
  }
  return false;
}
