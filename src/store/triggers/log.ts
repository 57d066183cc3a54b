// The log of a trigger: one row per delivery with its outcome. A row holds ids and a reason, never the content that was
// sent.
import { and, eq, gte, isNull, lt, or, sql } from "drizzle-orm";
import type { Result } from "../../protocol/error.ts";
import { newId } from "../../protocol/ids.ts";
import type { Page, PageRequest } from "../../protocol/page.ts";
import type { Trigger, TriggerDeliveryStatus } from "../../protocol/trigger.ts";
import { open } from "../database.ts";
import { listNewest } from "../newest.ts";
import { triggerDeliveries, triggers } from "../schema.ts";
import { isTrigger } from "./triggers.ts";

export type TriggerDelivery = typeof triggerDeliveries.$inferSelect;

/** The outcome; the other columns come from the trigger and the clock. */
export interface TriggerEvent {
  status: TriggerDeliveryStatus;
  reason: string | null;
  source_id: string | null;
  thread_id: string | null;
  invocation_id: string | null;
}

const KEPT_MS = 30 * 24 * 60 * 60 * 1000;

/** A busy sender's month would be millions of rows. */
const MAX_ROWS = 10_000;

/** Counting reads all rows, so it happens once in this many insertions. */
const INSERTIONS_PER_COUNT = 1000;

/** A trigger deleted in the meantime gets no row. A delivery that started a run updates the trigger's newest run. */
export async function logTriggerEvent(
  db: D1Database,
  { user_id, trigger_id }: Trigger,
  event: TriggerEvent,
  now: number,
): Promise<void> {
  const database = open(db);
  const created_at = new Date(now).toISOString();
  const { status, reason, source_id, thread_id, invocation_id } = event;
  const row = sql`SELECT ${user_id}, ${trigger_id}, ${created_at}, ${newId("del", now)}, ${status}, ${reason}, ${source_id}, ${thread_id}, ${invocation_id}, NULL
    WHERE EXISTS (SELECT 1 FROM ${triggers} WHERE ${isTrigger(user_id, trigger_id)})`;
  const oldest = new Date(now - KEPT_MS).toISOString();
  const isOld = and(isOf(user_id, trigger_id), lt(triggerDeliveries.created_at, oldest));
  const isNewest = or(isNull(triggers.last_fired_at), lt(triggers.last_fired_at, created_at));
  const fired = { last_fired_at: created_at, last_thread_id: thread_id, last_invocation_id: invocation_id };
  await database.batch([
    database.insert(triggerDeliveries).select(row),
    database.delete(triggerDeliveries).where(isOld),
    ...(status === "accepted"
      ? [
          database
            .update(triggers)
            .set(fired)
            .where(and(isTrigger(user_id, trigger_id), isNewest)),
        ]
      : []),
  ]);
  if (now % INSERTIONS_PER_COUNT === 0) await cutLog(db, user_id, trigger_id);
}

async function cutLog(db: D1Database, user_id: string, trigger_id: string): Promise<void> {
  const newest = sql`(SELECT created_at FROM trigger_deliveries WHERE user_id = ${user_id} AND trigger_id = ${trigger_id}
    ORDER BY created_at DESC LIMIT 1 OFFSET ${MAX_ROWS})`;
  await open(db)
    .delete(triggerDeliveries)
    .where(and(isOf(user_id, trigger_id), lt(triggerDeliveries.created_at, newest)));
}

export async function listTriggerDeliveries(
  db: D1Database,
  user_id: string,
  trigger_id: string,
  request: PageRequest,
): Promise<Result<Page<TriggerDelivery>>> {
  return listNewest(
    request,
    [triggerDeliveries.created_at, triggerDeliveries.delivery_id],
    ({ older, order, limit }) =>
      open(db)
        .select()
        .from(triggerDeliveries)
        .where(and(isOf(user_id, trigger_id), older))
        .orderBy(...order)
        .limit(limit),
    (row) => [row.created_at, row.delivery_id],
  );
}

/** The run of a recent delivery with this id. */
export async function findAcceptedDelivery(
  db: D1Database,
  { user_id, trigger_id }: Trigger,
  source_id: string,
  since: string,
): Promise<{ thread_id: string; invocation_id: string } | null> {
  const isIt = and(
    isOf(user_id, trigger_id),
    gte(triggerDeliveries.created_at, since),
    eq(triggerDeliveries.source_id, source_id),
    eq(triggerDeliveries.status, "accepted"),
  );
  const found = await open(db).select().from(triggerDeliveries).where(isIt).limit(1).get();
  if (!found?.thread_id || !found.invocation_id) return null;
  return { thread_id: found.thread_id, invocation_id: found.invocation_id };
}

function isOf(user_id: string, trigger_id: string) {
  return and(eq(triggerDeliveries.user_id, user_id), eq(triggerDeliveries.trigger_id, trigger_id));
}
