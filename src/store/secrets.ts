// Credentials, encrypted: this file moves ciphertexts and never sees their content. A name has one secret of each kind;
// storing it again replaces it.
import { and, eq, sql } from "drizzle-orm";
import type { Sealed } from "../lib/seal.ts";
import type { Result } from "../protocol/error.ts";
import type { Page, PageRequest } from "../protocol/page.ts";
import type { SecretKind } from "../protocol/secret.ts";
import { open } from "./database.ts";
import { laterThan, ownerIfLive } from "./keys/maker.ts";
import { listNewest } from "./newest.ts";
import { roomFor, rowWhere } from "./quotas/insert.ts";
import { secrets } from "./schema.ts";

export interface SecretName {
  user_id: string;
  kind: SecretKind;
  name: string;
}

export interface Secret extends SecretName, Sealed {
  secret_id: string;
  created_at: string;
  updated_at: string;
}

/** Returns the row as stored; an existing one keeps its time of creation. */
export async function putSecret(db: D1Database, secret: Secret): Promise<Secret> {
  const { secret_id, key_id, sealed, updated_at } = secret;
  const [row] = await open(db)
    .insert(secrets)
    .values(secret)
    .onConflictDoUpdate({
      target: [secrets.user_id, secrets.kind, secrets.name],
      set: { secret_id, key_id, sealed, updated_at },
    })
    .returning();
  return row ?? secret;
}

/** The same for a git credential; null if the user has `usual` of other hosts, or as many as an admin permits. */
export async function putGitSecret(db: D1Database, secret: Secret, usual?: number): Promise<Secret | null> {
  const { user_id, name, secret_id, key_id, sealed, updated_at } = secret;
  const isThere = sql`EXISTS (SELECT 1 FROM secrets WHERE user_id = ${user_id} AND kind = 'git' AND name = ${name})`;
  const room = sql`(${isThere} OR ${roomFor(user_id, "git_credentials", usual)})`;
  const [row] = await open(db)
    .insert(secrets)
    .select(rowWhere(secrets, secret, room))
    .onConflictDoUpdate({
      target: [secrets.user_id, secrets.kind, secrets.name],
      set: { secret_id, key_id, sealed, updated_at },
    })
    .returning();
  return row ?? null;
}

/** False if another rotation came between. `former_id` is the id of the secret that was read. */
export async function replaceSecret(db: D1Database, secret: Secret, former_id: string): Promise<boolean> {
  const { user_id, kind, name, secret_id, key_id, sealed, updated_at } = secret;
  const replaced = await db
    .prepare(
      `UPDATE secrets SET secret_id = ?4, key_id = ?5, sealed = ?6, updated_at = ?7
       WHERE user_id = ?1 AND kind = ?8 AND name = ?2 AND secret_id = ?3 RETURNING name`,
    )
    .bind(user_id, name, former_id, secret_id, key_id, sealed, updated_at, kind)
    .all();
  return replaced.results.length > 0;
}

// A trigger that was revoked has no secret. In the upsert no row is ever in conflict with `former_id` "".
const TAKE_OVER = `
INSERT INTO secrets (user_id, kind, name, secret_id, key_id, created_at, updated_at, sealed)
SELECT ?1, 'trigger', ?2, ?4, ?5, ?7, ?7, ?6 WHERE ${ownerIfLive("?1", "?8")} IS NOT NULL
  AND EXISTS (SELECT 1 FROM triggers WHERE user_id = ?1 AND trigger_id = ?2)
  AND (?3 = '' OR EXISTS (SELECT 1 FROM secrets WHERE user_id = ?1 AND kind = 'trigger' AND name = ?2))
ON CONFLICT (user_id, kind, name) DO UPDATE SET secret_id = ?4, key_id = ?5, updated_at = ?7, sealed = ?6
  WHERE secret_id = ?3
RETURNING name`;

// The former makers know secrets that stay valid until ?5 at most, if there is an overlap and the trigger had a secret.
const FORMER_MAKERS = `
SELECT json_group_array(json_object('made_by', maker, 'until', until)) FROM (
  SELECT maker, max(until) AS until FROM (
    SELECT json_extract(value, '$.made_by') AS maker, min(json_extract(value, '$.until'), ?5) AS until
    FROM json_each(settings, '$.former_makers')
    UNION ALL SELECT made_by, ?5
  ) WHERE maker <> ?4 AND until > ?6 AND ?5 > ?6 AND ?7 <> '' GROUP BY maker)`;

const NAME_MAKER = `
UPDATE triggers SET made_by = ?4, updated_at = ${laterThan("?6")},
  settings = json_set(settings, '$.former_makers', json((${FORMER_MAKERS})))
WHERE user_id = ?1 AND trigger_id = ?2
  AND EXISTS (SELECT 1 FROM secrets WHERE user_id = ?1 AND kind = 'trigger' AND name = ?2 AND secret_id = ?3)`;

/**
 * Gives a trigger a secret, and makes the key that did its maker. `former_id` is the id of the secret that was read, ""
 * for none, and former secrets end at `until`. False if another rotation came between, the trigger is gone, or the key
 * was deleted.
 */
export async function takeOverSecret(
  db: D1Database,
  secret: Secret,
  former_id: string,
  { made_by, until }: { made_by: string; until: string },
): Promise<boolean> {
  const { user_id, name, secret_id, key_id, sealed, updated_at } = secret;
  const [stored] = await db.batch([
    db.prepare(TAKE_OVER).bind(user_id, name, former_id, secret_id, key_id, sealed, updated_at, made_by),
    db.prepare(NAME_MAKER).bind(user_id, name, secret_id, made_by, until, updated_at, former_id),
  ]);
  return (stored?.results.length ?? 0) > 0;
}

export async function readSecret(db: D1Database, name: SecretName): Promise<Secret | null> {
  return (await open(db).select().from(secrets).where(isNamed(name)).get()) ?? null;
}

export async function listSecrets(
  db: D1Database,
  user_id: string,
  kind: SecretName["kind"],
  request: PageRequest,
): Promise<Result<Page<Secret>>> {
  return listNewest(
    request,
    [secrets.created_at, secrets.name],
    ({ older, order, limit }) =>
      open(db)
        .select()
        .from(secrets)
        .where(and(eq(secrets.user_id, user_id), eq(secrets.kind, kind), older))
        .orderBy(...order)
        .limit(limit),
    (row) => [row.created_at, row.name],
  );
}

/** False if there is no secret of that name. */
export async function deleteSecret(db: D1Database, name: SecretName): Promise<boolean> {
  const deleted = await open(db).delete(secrets).where(isNamed(name)).returning({ name: secrets.name });
  return deleted.length > 0;
}

function isNamed({ user_id, kind, name }: SecretName) {
  return and(eq(secrets.user_id, user_id), eq(secrets.kind, kind), eq(secrets.name, name));
}
