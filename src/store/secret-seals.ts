// Which key sealed which secret, and the change from one key to another. Rows are found by a scan: it happens for a
// change of keys alone.
import type { Secret, SecretName } from "./secrets.ts";

const COLUMNS = "user_id, kind, name, secret_id, key_id, created_at, updated_at, sealed";

/** Secrets that one of these keys sealed, after `after` in the order of their names. */
export async function listSecretsSealedBy(
  db: D1Database,
  key_ids: string[],
  after: SecretName | null,
  limit: number,
): Promise<Secret[]> {
  const { user_id, kind, name } = after ?? { user_id: "", kind: "", name: "" };
  const found = await db
    .prepare(
      `SELECT ${COLUMNS} FROM secrets
       WHERE key_id IN (SELECT value FROM json_each(?1)) AND (user_id, kind, name) > (?2, ?3, ?4)
       ORDER BY user_id, kind, name LIMIT ?5`,
    )
    .bind(JSON.stringify(key_ids), user_id, kind, name, limit)
    .all<Secret>();
  return found.results;
}

/** Secrets that none of these keys sealed. */
export async function listSecretsSealedByOthers(
  db: D1Database,
  key_ids: string[],
  limit: number,
): Promise<SecretName[]> {
  const found = await db
    .prepare(
      `SELECT user_id, kind, name FROM secrets WHERE key_id NOT IN (SELECT value FROM json_each(?1))
       ORDER BY user_id, kind, name LIMIT ?2`,
    )
    .bind(JSON.stringify(key_ids), limit)
    .all<SecretName>();
  return found.results;
}

/** How many secrets each key sealed. */
export async function countSecretsByKey(db: D1Database): Promise<Map<string, number>> {
  const counted = await db
    .prepare("SELECT key_id, count(*) AS secrets FROM secrets GROUP BY key_id")
    .all<{ key_id: string; secrets: number }>();
  return new Map(counted.results.map(({ key_id, secrets }) => [key_id, secrets]));
}

export interface ChangedSeal extends SecretName {
  /** The ciphertext that was read. A row that has another one by now is left as it is. */
  former: string;
  key_id: string;
  sealed: string;
}

/** One statement. Returns how many rows it changed. */
export async function replaceSeals(db: D1Database, changes: ChangedSeal[]): Promise<number> {
  const replaced = await db
    .prepare(
      `UPDATE secrets SET key_id = change.value ->> 'key_id', sealed = change.value ->> 'sealed'
       FROM json_each(?1) AS change
       WHERE user_id = change.value ->> 'user_id' AND kind = change.value ->> 'kind'
         AND name = change.value ->> 'name' AND secrets.sealed = change.value ->> 'former'
       RETURNING name`,
    )
    .bind(JSON.stringify(changes))
    .all();
  return replaced.results.length;
}
