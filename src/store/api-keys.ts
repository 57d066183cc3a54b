// API keys: their owners, and the hashes that presented keys are compared with. The key itself is not stored.
import { and, eq, sql } from "drizzle-orm";
import type { Result } from "../protocol/error.ts";
import type { Page, PageRequest } from "../protocol/page.ts";
import { open } from "./database.ts";
import { DELETED_PREFIX, IS_KEY, KEY_ID, ownerOfLive } from "./keys/maker.ts";
import { listNewest } from "./newest.ts";
import { apiKeys } from "./schema.ts";

export interface ApiKey {
  key_id: string;
  name: string | null;
  created_at: string;
  /** The id of the key that made it; null if that is not known. */
  made_by: string | null;
}

export interface StoredApiKey extends ApiKey {
  /** SHA-256 of the whole key, hex. */
  hash: string;
}

/** Rejects if its maker is a deleted key (`whileMakerLives`). */
export async function createApiKey(db: D1Database, user_id: string, key: StoredApiKey): Promise<void> {
  await open(db)
    .insert(apiKeys)
    .values({ ...key, user_id: ownerOfLive(user_id, key.made_by) });
}

/** Finds a key by its public part; the caller must still compare the hash. */
export async function findApiKey(db: D1Database, key_id: string): Promise<{ user_id: string; hash: string } | null> {
  const row = await open(db)
    .select({ user_id: apiKeys.user_id, hash: apiKeys.hash })
    .from(apiKeys)
    .where(eq(apiKeys.key_id, key_id))
    .get();
  return row ?? null;
}

export async function listApiKeys(
  db: D1Database,
  user_id: string,
  request: PageRequest,
): Promise<Result<Page<ApiKey>>> {
  return listNewest(
    request,
    [apiKeys.created_at, apiKeys.key_id],
    ({ older, order, limit }) =>
      open(db)
        .select({
          key_id: apiKeys.key_id,
          name: apiKeys.name,
          created_at: apiKeys.created_at,
          made_by: apiKeys.made_by,
        })
        .from(apiKeys)
        .where(and(eq(apiKeys.user_id, user_id), sql.raw(IS_KEY), older))
        .orderBy(...order)
        .limit(limit),
    (row) => [row.created_at, row.key_id],
  );
}

// A run that the key started may still expose a port. No run works this long.
const TRACE_KEPT_MS = 30 * 24 * 3_600_000;

const DELETE_KEY = `
UPDATE api_keys SET key_id = '${DELETED_PREFIX}' || key_id, name = NULL, hash = 'deleted', created_at = ?3
WHERE user_id = ?1 AND key_id = ?2 AND ${IS_KEY} RETURNING 1`;

const madeNothing = ["api_keys", "triggers", "webhooks", "previews", "ssh_accesses", "slack_workspaces"]
  .map((table) => `${KEY_ID} NOT IN (SELECT made_by FROM ${table} WHERE user_id = ?1 AND made_by IS NOT NULL)`)
  .join(" AND ");

const DELETE_TRACES = `
DELETE FROM api_keys WHERE user_id = ?1 AND created_at < ?2 AND NOT ${IS_KEY} AND ${madeNothing}`;

/**
 * False if the user has no such key. What it made goes on, and is found by the row that stays (`keys/maker.ts`). Such
 * rows of keys that made nothing that still exists are deleted later.
 */
export async function deleteApiKey(db: D1Database, user_id: string, key_id: string, now: number): Promise<boolean> {
  const time = (at: number) => new Date(at).toISOString();
  const [deleted] = await db.batch([
    db.prepare(DELETE_KEY).bind(user_id, key_id, time(now)),
    db.prepare(DELETE_TRACES).bind(user_id, time(now - TRACE_KEPT_MS)),
  ]);
  return (deleted?.results.length ?? 0) > 0;
}

const FIND_ENDED = `SELECT asked.value AS key_id FROM json_each(?2) AS asked
WHERE NOT EXISTS (SELECT 1 FROM api_keys WHERE api_keys.user_id = ?1 AND api_keys.key_id = asked.value)`;

/**
 * Those of the keys that the user no longer has. What is open on behalf of one is then ended. This is the only place
 * that says what ends a key. One statement with two parameters, however many keys: D1 takes 100 parameters at most.
 */
export async function findEndedKeys(db: D1Database, user_id: string, key_ids: string[]): Promise<string[]> {
  const found = await db.prepare(FIND_ENDED).bind(user_id, JSON.stringify(key_ids)).all<{ key_id: string }>();
  return found.results.map(({ key_id }) => key_id);
}
