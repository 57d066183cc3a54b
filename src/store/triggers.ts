// Triggers. A schedule's `next_at` is when it is due; whoever moves it says what it was, so that of two who move it at once one does.
import { and, eq } from "drizzle-orm";
import type { Result } from "../protocol/error.ts";
import type { Page, PageRequest } from "../protocol/page.ts";
import type { Trigger } from "../protocol/trigger.ts";
import { isConflict, open } from "./database.ts";
import { listNewest } from "./newest.ts";
import { triggers } from "./schema.ts";

/** False where the id is taken, be it by another user. */
export async function createTrigger(db: D1Database, trigger: Trigger): Promise<boolean> {
  try {
    await open(db).insert(triggers).values(trigger);
    return true;
  } catch (error) {
    if (isConflict(error)) return false;
    throw error;
  }
}

export async function readTrigger(db: D1Database, user_id: string, trigger_id: string): Promise<Trigger | null> {
  return (await open(db).select().from(triggers).where(isTrigger(user_id, trigger_id)).get()) ?? null;
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

/** The trigger as it is now; null where there is none. */
export async function updateTrigger(
  db: D1Database,
  user_id: string,
  trigger_id: string,
  patch: Partial<Omit<Trigger, "user_id" | "trigger_id" | "type" | "created_at">>,
): Promise<Trigger | null> {
  const [row] = await open(db).update(triggers).set(patch).where(isTrigger(user_id, trigger_id)).returning();
  return row ?? null;
}

export function isTrigger(user_id: string, trigger_id: string) {
  return and(eq(triggers.user_id, user_id), eq(triggers.trigger_id, trigger_id));
}
