// Webhooks and their secrets, which are made, changed and deleted together. A disabled webhook has no pending
// deliveries: they end as failed, and a person can replay them.
import { and, eq, type SQL, sql } from "drizzle-orm";
import { type Result, succeed } from "../../protocol/error.ts";
import { exceeded } from "../../protocol/money/quotas.ts";
import type { Page, PageRequest } from "../../protocol/page.ts";
import type { Delivery, Webhook } from "../../protocol/webhook.ts";
import { open } from "../database.ts";
import { isLive, ownerIfLive, REVOKED_REASON } from "../keys/maker.ts";
import { listNewest } from "../newest.ts";
import { hasRoom, readHeld, type UsualQuota, usualQuota } from "../quotas/held.ts";
import { webhooks } from "../schema.ts";
import type { Secret } from "../secrets.ts";
import { ALL_COMPARED, areAllCompared, tooManyChanges, withNewAddress } from "./addresses.ts";
import { createPing, insertPing } from "./pings.ts";
import { appendTry } from "./tries.ts";

/** How many rows one statement deletes or ends; a receiver that was away for a day may have any number. */
const ROWS_AT_ONCE = 1_000;

const putWebhook = (usual?: number) => `
INSERT INTO webhooks (user_id, webhook_id, enabled, created_at, updated_at, events, url, made_by, unverified_since)
SELECT ${ownerIfLive("?1", "?8")}, ?2, ?3, ?4, ?4, ?5, ?6, ?8, ?4
WHERE ${hasRoom("webhooks", usual)} AND ${ALL_COMPARED}
RETURNING webhook_id`;

const PUT_SECRET = `
INSERT INTO secrets (user_id, kind, name, secret_id, key_id, created_at, updated_at, sealed)
SELECT ?1, 'webhook', ?2, ?3, ?4, ?5, ?5, ?6 WHERE EXISTS (SELECT 1 FROM webhooks WHERE user_id = ?1 AND webhook_id = ?2)`;

/** What was stored, and the ping that its receiver has to answer. */
export interface StoredWebhook {
  webhook: Webhook;
  /** Null if the webhook is disabled or verified. */
  ping: Delivery | null;
}

/**
 * Fails if the user has the maximum of webhooks, or another one with this address. Rejects if its maker is a deleted key
 * (`whileMakerLives`).
 */
export async function createWebhook(
  db: D1Database,
  webhook: Webhook,
  secret: Secret,
  now: number,
  usual: UsualQuota = usualQuota,
): Promise<Result<StoredWebhook>> {
  const { user_id, webhook_id, enabled, created_at, events, url, made_by } = webhook;
  const { secret_id, key_id, sealed } = secret;
  const values = [user_id, webhook_id, enabled ? 1 : 0, created_at, JSON.stringify(events), url];
  const { ping, statement } = insertPing(db, user_id, webhook_id, now);
  const place = { user_id, webhook_id, url };
  const stored = await withNewAddress<Result<StoredWebhook>>(db, place, async (others, compared) => {
    const { webhooks: held } = await readHeld(db, user_id, ["webhooks"], usual);
    if (others.length >= held.limit) return { ok: false, error: exceeded("webhooks", held.limit) };
    const [made, , pinged] = await db.batch([
      db.prepare(putWebhook(usual("webhooks"))).bind(...values, compared, made_by),
      db.prepare(PUT_SECRET).bind(user_id, webhook_id, secret_id, key_id, created_at, sealed),
      statement,
    ]);
    if ((made?.results.length ?? 0) === 0) return null;
    return succeed({ webhook, ping: (pinged?.results.length ?? 0) > 0 ? ping : null });
  });
  return stored.ok ? (stored.value ?? tooManyChanges()) : stored;
}

export async function readWebhook(db: D1Database, user_id: string, webhook_id: string): Promise<Webhook | null> {
  return (await open(db).select().from(webhooks).where(isWebhook(user_id, webhook_id)).get()) ?? null;
}

export async function listWebhooks(
  db: D1Database,
  user_id: string,
  request: PageRequest,
): Promise<Result<Page<Webhook>>> {
  return listNewest(
    request,
    [webhooks.created_at, webhooks.webhook_id],
    ({ older, order, limit }) =>
      open(db)
        .select()
        .from(webhooks)
        .where(and(eq(webhooks.user_id, user_id), older))
        .orderBy(...order)
        .limit(limit),
    (row) => [row.created_at, row.webhook_id],
  );
}

type Patch = Partial<Pick<Webhook, "url" | "events" | "enabled">>;

/**
 * The updated webhook; null if there is none. Enabling it or changing its address clears its record of failures, which
 * no longer applies. Another address has to answer a ping first; deliveries that are pending wait for that. `asks`:
 * whether a ping may be sent, if the receiver owes an answer. The key that names another address, or enables a webhook
 * whose maker was revoked, is its maker from then on; null if that key was deleted meanwhile.
 */
export async function updateWebhook(
  db: D1Database,
  { user_id, webhook_id, asks, maker }: Pick<Webhook, "user_id" | "webhook_id"> & { asks: boolean; maker: string },
  patch: Patch,
  now: number,
): Promise<Result<StoredWebhook | null>> {
  const { url } = patch;
  const mayOpen = url === undefined && patch.enabled !== true ? undefined : isLive(user_id, maker);
  const is = and(isWebhook(user_id, webhook_id), mayOpen);
  const place = url === undefined ? null : { user_id, webhook_id, url };
  const row = await (place === null
    ? writePatch(db, patch, maker, now, is).then(succeed)
    : withNewAddress(db, place, (_others, compared) =>
        writePatch(db, patch, maker, now, and(is, areAllCompared(place, compared))),
      ));
  if (!row.ok) return row;
  const webhook = row.value;
  if (webhook === null) return succeed(null);
  if (!webhook.enabled) await endWaiting(db, user_id, webhook_id, now).run();
  const isAsked = asks && webhook.unverified_since !== null;
  return succeed({ webhook, ping: isAsked ? await createPing(db, user_id, webhook_id, now) : null });
}

async function writePatch(
  db: D1Database,
  patch: Patch,
  maker: string,
  now: number,
  where: SQL | undefined,
): Promise<Webhook | null> {
  const at = new Date(now).toISOString();
  const cleared = patch.enabled === true ? { failing_since: null, disabled_at: null, disabled_reason: null } : {};
  // The right side of an assignment reads the row as it was.
  const unverified_since = sql`iif(${webhooks.url} = ${patch.url}, ${webhooks.unverified_since}, ${at})`;
  const elsewhere = patch.url === undefined ? {} : { failing_since: null, unverified_since };
  const isMoved = patch.url === undefined ? sql`0` : sql`${webhooks.url} <> ${patch.url}`;
  const wasRevoked = sql`substr(${webhooks.disabled_reason}, 1, ${REVOKED_REASON.length}) = ${REVOKED_REASON}`;
  const isOpened = patch.enabled === true ? sql`${isMoved} OR ${wasRevoked}` : isMoved;
  const made_by = sql<string | null>`CASE WHEN ${isOpened} THEN ${maker} ELSE ${webhooks.made_by} END`;
  const [row] = await open(db)
    .update(webhooks)
    .set({ ...patch, ...elsewhere, ...cleared, made_by, updated_at: at })
    .where(where)
    .returning();
  return row ?? null;
}

/** The error of a pending delivery whose webhook is disabled. */
export const DISABLED = "The webhook is disabled.";

/**
 * Ends the pending deliveries of a disabled webhook, and none of an enabled one. Rows beyond the statement's limit end
 * when they are due.
 */
export function endWaiting(db: D1Database, user_id: string, webhook_id: string, now: number): D1PreparedStatement {
  const at = new Date(now).toISOString();
  const last = JSON.stringify({ at, status: null, error: DISABLED, duration_ms: 0 });
  return db
    .prepare(
      `UPDATE deliveries SET status = 'failed', next_attempt_at = NULL, finished_at = ?3, tries = ${appendTry("?4")}
       WHERE user_id = ?1 AND webhook_id = ?2 AND delivery_id IN (
         SELECT delivery_id FROM deliveries WHERE user_id = ?1 AND webhook_id = ?2 AND status = 'pending' LIMIT ${ROWS_AT_ONCE})
       AND EXISTS (SELECT 1 FROM webhooks WHERE user_id = ?1 AND webhook_id = ?2 AND enabled = 0)`,
    )
    .bind(user_id, webhook_id, at, last);
}

const DELETE_DELIVERIES = `
DELETE FROM deliveries WHERE user_id = ?1 AND webhook_id = ?2 AND delivery_id IN (
  SELECT delivery_id FROM deliveries WHERE user_id = ?1 AND webhook_id = ?2 LIMIT ${ROWS_AT_ONCE})
RETURNING 1 AS deleted`;

/** Deletes its secret and its deliveries too. False if there is no such webhook. */
export async function deleteWebhook(db: D1Database, user_id: string, webhook_id: string): Promise<boolean> {
  const [deleted] = await db.batch([
    db
      .prepare("DELETE FROM webhooks WHERE user_id = ?1 AND webhook_id = ?2 RETURNING webhook_id")
      .bind(user_id, webhook_id),
    db.prepare("DELETE FROM secrets WHERE user_id = ?1 AND kind = 'webhook' AND name = ?2").bind(user_id, webhook_id),
  ]);
  if ((deleted?.results.length ?? 0) === 0) return false;
  await deleteDeliveries(db, user_id, webhook_id);
  return true;
}

// A busy user's day; deliveries beyond that are deleted when they are due.
const MAX_ROUNDS = 100;

/** Deletes the deliveries of a deleted webhook. */
export async function deleteDeliveries(db: D1Database, user_id: string, webhook_id: string): Promise<void> {
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const { results } = await db.prepare(DELETE_DELIVERIES).bind(user_id, webhook_id).all();
    if (results.length < ROWS_AT_ONCE) return;
  }
}

function isWebhook(user_id: string, webhook_id: string) {
  return and(eq(webhooks.user_id, user_id), eq(webhooks.webhook_id, webhook_id));
}
