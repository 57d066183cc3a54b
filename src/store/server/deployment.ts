// What a deployment has to remember of how it began.

/** The jurisdiction with which its first thread was made, empty for none. Before that it is the one that is given. */
const READ = "SELECT coalesce((SELECT value FROM deployment WHERE name = 'jurisdiction'), ?1) AS begun";

/**
 * The first thread is about to be made. Whoever comes second finds what the first one has stored: two deployments with one
 * database and different settings can't both begin.
 */
const REMEMBER = "INSERT INTO deployment (name, value) VALUES ('jurisdiction', ?1) ON CONFLICT (name) DO NOTHING";

/** Rejects if D1 fails. */
export async function readJurisdiction(db: D1Database, given: string): Promise<string> {
  const row = await db.prepare(READ).bind(given).first<{ begun: string }>();
  return row?.begun ?? given;
}

/** The same in one trip, and from now on it is this one. */
export async function rememberJurisdiction(db: D1Database, given: string): Promise<string> {
  const [, read] = await db.batch<{ begun: string }>([REMEMBER, READ].map((query) => db.prepare(query).bind(given)));
  return read?.results[0]?.begun ?? given;
}
