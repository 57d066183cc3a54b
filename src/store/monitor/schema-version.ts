// Which migration D1 has, and which one this version of the code needs. `wrangler d1 migrations apply` and `npm start`
// record them alike.

/** The newest file in `migrations/`. A test compares. */
export const NEWEST_MIGRATION = "0100_baseline.sql";

/** Null if none was applied, or nobody recorded it. Names begin with a number, so the greatest is the newest. */
export async function readNewestMigration(db: D1Database): Promise<string | null> {
  try {
    return (await db.prepare("SELECT max(name) AS name FROM d1_migrations").first<string>("name")) ?? null;
  } catch (error) {
    if (error instanceof Error && /no such table/.test(error.message)) return null;
    throw error;
  }
}

/** The bytes of the whole database. Costs no read of a row: each answer of D1 says it. */
export async function readDatabaseSize(db: D1Database): Promise<number> {
  return (await db.prepare("SELECT 1").run()).meta.size_after;
}
