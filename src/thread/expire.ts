// Whether a thread is so old that it is deleted (docs/decisions/0114-retention.md). D1 finds candidates; this decides, from
// the object's own rows, which no outage of D1 makes old.
import { withinTime } from "../lib/time-limit.ts";
import { hasExpired } from "./inbox/interrupts.ts";
import type { Life } from "./life.ts";
import { lastMessageTime } from "./rows/messages.ts";
import { lastEditTime } from "./run/plan-tracking.ts";

/** Who asks for the removal, in place of a request's id. */
export const EXPIRED = "expired";

/** How long it waits for D1. The clock comes again. */
const D1_LIMIT_MS = 3_000;

/**
 * Whether it goes. What D1 lacks would be lost with it: what its runs used, and deliveries of webhooks. The rules are read
 * last, since a user, a project or the setting may have got more days since the clock found the thread at the time `at`.
 * Nothing may be awaited between this answer and the removal.
 */
export async function mayExpire(life: Life, before: string, at: number): Promise<boolean> {
  if (!isExpired(life, before) || !(await life.outbox.syncWithin(D1_LIMIT_MS))) return false;
  const cutoff = await findCutoff(life, at);
  return cutoff !== null && isExpired(life, before) && isExpired(life, cutoff);
}

/** Null as well while D1 fails: then nobody knows. */
async function findCutoff({ thread, ports }: Life, at: number): Promise<string | null> {
  try {
    return await withinTime(ports.clock, D1_LIMIT_MS, "D1", ports.readCutoff(thread, at));
  } catch {
    return null;
  }
}

/** Nothing of it works, waits, arrives or is watched, and nothing has happened since `before`. */
function isExpired(life: Life, before: string): boolean {
  if (life.removing || life.arriving > 0 || life.live.size > 0 || life.checking !== null) return false;
  if (life.followers.size > 0 || life.readers.count > 0) return false;
  if (life.thread.metadata.keep === true || asksSomebody(life)) return false;
  return lastActivity(life) < Date.parse(before);
}

/** Its last run waits for an answer that may still be given. */
function asksSomebody({ newestStarted, ports }: Life): boolean {
  if (newestStarted?.run.status !== "interrupted") return false;
  return newestStarted.run.interrupts.some((interrupt) => !hasExpired(interrupt, ports.clock.now()));
}

function lastActivity(life: Life): number {
  const { thread, newestStarted, database, checked } = life;
  const run = newestStarted?.run;
  const times = [
    thread.created_at,
    thread.updated_at,
    lastMessageTime(database.sql),
    lastEditTime(life),
    run?.created_at,
    run?.finished_at,
    // A person had checks run again, or answered them.
    checked?.run.created_at,
    checked?.run.finished_at,
  ];
  return Math.max(...times.map((time) => (time ? Date.parse(time) : 0)));
}
