// One way to open D1 with drizzle.
import { type DrizzleD1Database, drizzle } from "drizzle-orm/d1";

export type Database = DrizzleD1Database;

export function open(db: D1Database): Database {
  return drizzle(db);
}
