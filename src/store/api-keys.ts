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
