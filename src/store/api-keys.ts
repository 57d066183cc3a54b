// API keys: their owners, and the hashes that presented keys are compared with. The key itself is not stored.
import { and, eq } from "drizzle-orm";
import type { Result } from "../protocol/error.ts";
import type { Page, PageRequest } from "../protocol/page.ts";
import { open } from "./database.ts";
import { listNewest } from "./newest.ts";
import { apiKeys } from "./schema.ts";

export interface ApiKey {
  key_id: string;
  name: string | null;
  created_at: string;
}

export interface StoredApiKey extends ApiKey {
  /** SHA-256 of the whole key, hex. */
  hash: string;
}

export async function createApiKey(db: D1Database, user_id: string, key: StoredApiKey): Promise<void> {
  await open(db)
    .insert(apiKeys)
    .values({ ...key, user_id });
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
        .select({ key_id: apiKeys.key_id, name: apiKeys.name, created_at: apiKeys.created_at })
        .from(apiKeys)
        .where(and(eq(apiKeys.user_id, user_id), older))
        .orderBy(...order)
        .limit(limit),
    (row) => [row.created_at, row.key_id],
  );
}

/** False if the user has no such key. */
export async function deleteApiKey(db: D1Database, user_id: string, key_id: string): Promise<boolean> {
  const deleted = await open(db)
    .delete(apiKeys)
    .where(and(eq(apiKeys.user_id, user_id), eq(apiKeys.key_id, key_id)))
    .returning({ key_id: apiKeys.key_id });
  return deleted.length > 0;
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
