// What of the object's SQLite D1 lacks, as one thread's outbox knows it: the position, and what changed since.

import type { Database, Sql } from "../rows/database.ts";
import { lastMessageSeq } from "../rows/messages.ts";
import type { StoredThread } from "../rows/stored-thread.ts";
import type { WakingRuns } from "../rows/waking-runs.ts";
import type { Journal } from "../stream/journal/journal.ts";
import { type Superseded, writeSuperseded } from "../supersede/marks.ts";
import { ChangedPlan } from "./changed-plan.ts";
import { ChangedRuns } from "./changed-runs.ts";
import { Progress } from "./progress.ts";

export interface Changes {
  sql: Sql;
  stored: StoredThread;
  progress: Progress;
  runs: ChangedRuns;
  plan: ChangedPlan;
  superseded: Superseded;
  /** The journal's newest number. */
  newest: () => number;
}

/** What a life knows of them when it begins. */
export function openChanges(
  database: Database,
  { live, changed }: Pick<WakingRuns, "live" | "changed">,
  now: () => number,
  rest: Pick<Changes, "stored" | "superseded" | "newest">,
): Changes {
  return {
    ...{ sql: database.sql, ...rest },
    progress: new Progress(database.sql, rest.stored.made_project === null),
    runs: new ChangedRuns(database.sql, changed, now),
    plan: new ChangedPlan([...live.values()].find(({ start_seq }) => start_seq !== null)?.run),
  };
}

export function lacksMessages({ sql, progress }: Changes): boolean {
  return lastMessageSeq(sql) > progress.position.message_seq;
}

/** Whether D1 lacks something else that its readers wait for. */
export function lacksOther({ runs, plan, superseded, stored, progress }: Changes): boolean {
  return (
    runs.isDue || plan.isDirty || superseded.ranges.length > 0 || stored.version > progress.position.thread_version
  );
}

/** Stores the position if it moved, and the end of a live run would not do so soon. Inside the transaction of a fact. */
export function storePosition(changes: Changes, journal: Pick<Journal, "newest" | "settle">): void {
  const { sql, runs, progress, superseded } = changes;
  const canWait = runs.hasLive && !superseded.isChanged;
  const isStored = progress.store(canWait, () => ({
    settled: journal.settle(),
    ...(runs.count === 0 ? { run_seq: journal.newest, last_run: runs.lastSent ?? progress.position.last_run } : {}),
  }));
  if (isStored && superseded.isChanged) writeSuperseded(sql, superseded);
}
