// Triggers. A schedule's `next_at` is its next due time. An update names the former value, so only one of two
// concurrent updates succeeds.
import { and, eq, sql } from "drizzle-orm";
import type { Result } from "../../protocol/error.ts";
import type { Quotas } from "../../protocol/money/quotas.ts";
import type { Page, PageRequest } from "../../protocol/page.ts";
import type { Trigger } from "../../protocol/trigger.ts";
import { isConflict, open } from "../database.ts";
import { isLive, ownerOfLive } from "../keys/maker.ts";
import { listNewest } from "../newest.ts";
import { mayAct, quotasOf, type Rest, readQuotas, restOf } from "../people/acting.ts";
import { type Made, roomFor, rowWhere } from "../quotas/insert.ts";
import { secrets, triggerDeliveries, triggers } from "../schema.ts";
import type { Secret } from "../secrets.ts";

/**
 * `taken` also if the id is another user's. Rejects if its maker is a deleted key (`whileMakerLives`). `usual`: how many
 * users may have who were given nothing else.
 */
export async function createTrigger(db: D1Database, trigger: Trigger, usual?: number): Promise<Made> {
  try {
    const user_id = ownerOfLive(trigger.user_id, trigger.made_by);
    const row = rowWhere(triggers, { ...trigger, user_id }, roomFor(trigger.user_id, "triggers", usual));
    const made = await open(db).insert(triggers).select(row).returning({ trigger_id: triggers.trigger_id });
    return made.length > 0 ? "made" : "full";
  } catch (error) {
    if (isConflict(error)) return "taken";
    throw error;
  }
}

export async function readTrigger(db: D1Database, user_id: string, trigger_id: string): Promise<Trigger | null> {
  return (await open(db).select().from(triggers).where(isTrigger(user_id, trigger_id)).get()) ?? null;
}

const heldQuotas = sql<string | null>`${sql.raw(quotasOf("triggers.user_id"))}`;

/** The same for the clock, with the quotas of its user; null also if the user is disabled or deleted. */
export async function readActingTrigger(
  db: D1Database,
  user_id: string,
  trigger_id: string,
): Promise<{ trigger: Trigger; quotas: Quotas | null } | null> {
  const isIt = and(isTrigger(user_id, trigger_id), sql.raw(mayAct("triggers.user_id")));
  const found = await open(db).select({ trigger: triggers, quotas: heldQuotas }).from(triggers).where(isIt).get();
  return found ? { trigger: found.trigger, quotas: readQuotas(found.quotas) } : null;
}

export interface FoundTrigger {
  trigger: Trigger;
  secret: Secret | null;
  /** Null if its user may act. */
  rest: Rest | null;
  /** An admin's numbers for its user. */
  quotas: Quotas | null;
}

/** Finds any user's trigger with its secret: a sender brings no user. */
export async function findTrigger(db: D1Database, trigger_id: string): Promise<FoundTrigger | null> {
  const isItsSecret = and(
    eq(secrets.user_id, triggers.user_id),
    eq(secrets.kind, "trigger"),
    eq(secrets.name, triggers.trigger_id),
  );
  const found = await open(db)
    .select({
      trigger: triggers,
      secret: secrets,
      rest: sql<Rest | null>`${sql.raw(restOf("triggers.user_id"))}`,
      quotas: heldQuotas,
    })
    .from(triggers)
    .leftJoin(secrets, isItsSecret)
    .where(eq(triggers.trigger_id, trigger_id))
    .get();
  return found ? { ...found, quotas: readQuotas(found.quotas) } : null;
}

/** Deletes its secret and its log too. False if there is no such trigger. */
export async function deleteTrigger(db: D1Database, user_id: string, trigger_id: string): Promise<boolean> {
  const database = open(db);
  const isSecret = and(eq(secrets.user_id, user_id), eq(secrets.kind, "trigger"), eq(secrets.name, trigger_id));
  const isLog = and(eq(triggerDeliveries.user_id, user_id), eq(triggerDeliveries.trigger_id, trigger_id));
  const [deleted] = await database.batch([
    database.delete(triggers).where(isTrigger(user_id, trigger_id)).returning({ trigger_id: triggers.trigger_id }),
    database.delete(secrets).where(isSecret),
    database.delete(triggerDeliveries).where(isLog),
  ]);
  return deleted.length > 0;
}

export async function listTriggers(
  db: D1Database,
  user_id: string,
  request: PageRequest,
): Promise<Result<Page<Trigger>>> {
  return listNewest(
    request,
    [triggers.created_at, triggers.trigger_id],
    ({ older, order, limit }) =>
      open(db)
        .select()
        .from(triggers)
        .where(and(eq(triggers.user_id, user_id), older))
        .orderBy(...order)
        .limit(limit),
    (row) => [row.created_at, row.trigger_id],
  );
}

/** The updated trigger; null if it is gone or was changed since `seen` was read, or if a new maker is a deleted key. */
export async function updateTrigger(
  db: D1Database,
  seen: Trigger,
  patch: Partial<Omit<Trigger, "user_id" | "trigger_id" | "type" | "created_at">>,
): Promise<Trigger | null> {
  const { user_id, trigger_id, updated_at } = seen;
  const isMaker = typeof patch.made_by === "string" ? isLive(user_id, patch.made_by) : undefined;
  const isSeen = and(isTrigger(user_id, trigger_id), eq(triggers.updated_at, updated_at), isMaker);
  const [row] = await open(db).update(triggers).set(patch).where(isSeen).returning();
  return row ?? null;
}

export function isTrigger(user_id: string, trigger_id: string) {
  return and(eq(triggers.user_id, user_id), eq(triggers.trigger_id, trigger_id));
}
