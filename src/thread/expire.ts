// Whether a thread is so old that it is deleted (docs/decisions/0114-retention.md). D1 finds candidates; this decides, from
// the object's own rows, which no outage of D1 makes old.
import { hasExpired } from "./inbox/interrupts.ts";
import type { Life } from "./life.ts";
import { lastMessageTime } from "./rows/messages.ts";

/** Who asks for the removal, in place of a request's id. */
export const EXPIRED = "expired";

/** Nothing of it works, waits or is watched, and nothing has happened since `before`. */
export function isExpired(life: Life, before: string): boolean {
  if (life.removing || life.live.size > 0 || life.followers.size > 0 || life.readers.count > 0) return false;
  if (life.thread.metadata.keep === true || asksSomebody(life)) return false;
  return lastActivity(life) < Date.parse(before);
}

/** Its last run waits for an answer that may still be given. */
function asksSomebody({ newestStarted, ports }: Life): boolean {
  if (newestStarted?.run.status !== "interrupted") return false;
  return newestStarted.run.interrupts.some((interrupt) => !hasExpired(interrupt, ports.clock.now()));
}

function lastActivity({ thread, newestStarted, database }: Life): number {
  const run = newestStarted?.run;
  const times = [
    thread.created_at,
    thread.updated_at,
    lastMessageTime(database.sql),
    run?.created_at,
    run?.finished_at,
  ];
  return Math.max(...times.map((time) => (time ? Date.parse(time) : 0)));
}
