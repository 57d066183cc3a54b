// Which migrations D1 has, and which ones this version of the code needs. `wrangler d1 migrations apply` and `npm start`
// record them alike. Names begin with a number, so the greatest is the newest.
import { type Timers, withinTime } from "../../lib/time-limit.ts";

/** The first and the newest file in `migrations/`. A test compares. */
export const FIRST_MIGRATION = "0100_baseline.sql";
export const NEWEST_MIGRATION = "0100_baseline.sql";

/** For operators. */
export const FORMER_DATABASE =
  "The database was made by a version before 0.2.0, which this version neither reads nor changes. Go back with `npm run deploy -- --rollback`, or deploy with a new Worker name and database: set `name` in own.toml and run `npm run deploy -- --renamed`.";

/** Nulls if none was applied, or nobody recorded it. */
export interface Migrations {
  oldest: string | null;
  newest: string | null;
}

export async function readMigrations(db: D1Database): Promise<Migrations> {
  const query = "SELECT min(name) AS oldest, max(name) AS newest FROM d1_migrations";
  try {
    return (await db.prepare(query).first<Migrations>()) ?? { oldest: null, newest: null };
  } catch (error) {
    if (error instanceof Error && /no such table/.test(error.message)) return { oldest: null, newest: null };
    throw error;
  }
}

/** Whether a version before 0.2.0 made the database: its migrations come before the first one. */
export function isFormer({ oldest }: Migrations): boolean {
  return oldest !== null && oldest < FIRST_MIGRATION;
}

const LOOK_MS = 1_000;

/** What is known of a binding, or the look that finds it out, which all share. */
const looks = new WeakMap<D1Database, boolean | Promise<boolean>>();

/** Asks once in an isolate's life. False while D1 does not answer: most of what is asked of it fails then, too. */
export async function isFormerDatabase(db: D1Database, timers: Timers): Promise<boolean> {
  const known = looks.get(db);
  if (typeof known === "boolean") return known;
  const look = known ?? readMigrations(db).then(isFormer);
  looks.set(db, look);
  try {
    const answer = await withinTime(timers, LOOK_MS, "D1", look);
    looks.set(db, answer);
    return answer;
  } catch {
    looks.delete(db);
    return false;
  }
}

/** The bytes of the whole database. Costs no read of a row: each answer of D1 says it. */
export async function readDatabaseSize(db: D1Database): Promise<number> {
  return (await db.prepare("SELECT 1").run()).meta.size_after;
}
