// API keys: their owners, and the hashes that presented keys are compared with. The key itself is not stored.
import { and, eq, getTableColumns, isNull, lt, or, sql } from "drizzle-orm";
import type { Result } from "../protocol/error.ts";
import { ADMIN_KEY_ID } from "../protocol/ids.ts";
import type { KeyKind } from "../protocol/keys/kind.ts";
import { readScopes, type Scope } from "../protocol/keys/scope.ts";
import type { Quotas } from "../protocol/money/quotas.ts";
import type { Page, PageRequest } from "../protocol/page.ts";
import { open } from "./database.ts";
import { givesAdmin, IS_KEY, ownerOfLive } from "./keys/maker.ts";
import { DELETE_TRACES, leaveTrace, TRACE_KEPT_MS } from "./keys/traces.ts";
import { listNewest } from "./newest.ts";
import { mayAct } from "./people/acting.ts";
import { hasAdminKeyEnded } from "./people/admin-key.ts";
import { apiKeys, users } from "./people/schema.ts";
import { readSession, type SessionDetails } from "./people/sessions.ts";
import { roomFor, rowWhere } from "./quotas/insert.ts";

export interface ApiKey {
  key_id: string;
  name: string | null;
  created_at: string;
  /** The id of the key that made it; null if that is not known. */
  made_by: string | null;
  /** Null for all that the user may do. */
  scopes: Scope[] | null;
  /** Null if it never expires. */
  expires_at: string | null;
  last_used_at: string | null;
}

export interface StoredApiKey extends Omit<ApiKey, "last_used_at"> {
  /** SHA-256 of the whole key, hex. */
  hash: string;
  kind: KeyKind;
}

/**
 * False if the user has `usual` keys, or as many as an admin permits. Rejects if its maker is a deleted key, or one
 * that gives `admin` and has it no more (`whileMakerLives`).
 */
export async function createApiKey(
  db: D1Database,
  user_id: string,
  key: StoredApiKey,
  usual?: number,
): Promise<boolean> {
  const owner = ownerOfLive(user_id, key.made_by);
  const mayGive = key.made_by !== null && key.scopes?.includes("admin") ? givesAdmin(user_id, key.made_by) : sql`1`;
  const row = { ...key, user_id: sql<string>`iif(${mayGive}, ${owner}, NULL)` };
  const made = await open(db)
    .insert(apiKeys)
    .select(rowWhere(apiKeys, row, roomFor(user_id, "api_keys", usual)))
    .returning({ key_id: apiKeys.key_id });
  return made.length > 0;
}

export interface FoundApiKey extends Pick<ApiKey, "scopes" | "expires_at" | "last_used_at"> {
  user_id: string;
  hash: string;
  kind: KeyKind;
  /** Of its user: since when nothing of the user works. */
  disabled_at: string | null;
  deleted_at: string | null;
  /** An admin's numbers for its user; absent for what is not a row. */
  quotas?: Quotas | null;
  /** Of a session; null for a key. */
  session: SessionDetails | null;
}

/**
 * Finds a key by its public part, also one that has expired or whose user may not come in; the caller must still
 * compare the hash.
 */
export async function findApiKey(db: D1Database, key_id: string): Promise<FoundApiKey | null> {
  const { user_id, hash, scopes, expires_at, last_used_at, kind, details } = apiKeys;
  const { disabled_at, deleted_at, quotas } = users;
  const row = await open(db)
    .select({ user_id, hash, scopes, expires_at, last_used_at, kind, details, disabled_at, deleted_at, quotas })
    .from(apiKeys)
    .leftJoin(users, eq(users.user_id, apiKeys.user_id))
    .where(eq(apiKeys.key_id, key_id))
    .get();
  if (!row?.kind) return null;
  const { details: stored, kind: of, ...found } = row;
  const session = of === "session" ? readSession(stored) : null;
  return { ...found, kind: of, scopes: readScopes(row.scopes), session };
}

/** Does nothing if the stored time is later than `unless_after`: another isolate was here. */
export async function noteUse(db: D1Database, key_id: string, at: number, unless_after: number): Promise<void> {
  const [used_at, bound] = [at, unless_after].map((time) => new Date(time).toISOString()) as [string, string];
  await open(db)
    .update(apiKeys)
    .set({ last_used_at: used_at })
    .where(and(eq(apiKeys.key_id, key_id), or(isNull(apiKeys.last_used_at), lt(apiKeys.last_used_at, bound))));
}

/** Without sessions, which have a list of their own. */
export async function listApiKeys(
  db: D1Database,
  user_id: string,
  request: PageRequest,
): Promise<Result<Page<ApiKey>>> {
  const { hash: _, kind: _kind, details: _details, user_id: owner, ...shown } = getTableColumns(apiKeys);
  return listNewest(
    request,
    [apiKeys.created_at, apiKeys.key_id],
    async ({ older, order, limit }) => {
      const rows = await open(db)
        .select(shown)
        .from(apiKeys)
        .where(and(eq(owner, user_id), sql.raw(IS_KEY), older))
        .orderBy(...order)
        .limit(limit);
      return rows.map((row) => ({ ...row, scopes: readScopes(row.scopes) }));
    },
    (row) => [row.created_at, row.key_id],
  );
}

const DELETE_KEY = `
UPDATE api_keys SET ${leaveTrace("?3")} WHERE user_id = ?1 AND key_id = ?2 AND ${IS_KEY} RETURNING 1`;

/**
 * False if the user has no such key. What it made continues, and is found by the row that stays (`keys/traces.ts`).
 * Such rows of keys that made nothing that still exists are deleted later.
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
WHERE NOT (${mayAct("?1")}) OR ${hasAdminKeyEnded("asked.value")}
  OR asked.value <> '${ADMIN_KEY_ID}' AND NOT EXISTS (SELECT 1 FROM api_keys WHERE api_keys.user_id = ?1
    AND api_keys.key_id = asked.value AND (api_keys.expires_at IS NULL OR api_keys.expires_at > ?3))`;

/**
 * Those of the keys that the user no longer has, or that have expired: all of them, if the user is disabled or deleted.
 * The admin key counts as ended once it no longer acts for the user. What is open on behalf of one is then ended. One
 * statement with three parameters, however many keys: D1 takes 100 parameters at most.
 */
export async function findEndedKeys(
  db: D1Database,
  user_id: string,
  key_ids: string[],
  now: number,
): Promise<string[]> {
  const time = new Date(now).toISOString();
  const found = await db.prepare(FIND_ENDED).bind(user_id, JSON.stringify(key_ids), time).all<{ key_id: string }>();
  return found.results.map(({ key_id }) => key_id);
}
