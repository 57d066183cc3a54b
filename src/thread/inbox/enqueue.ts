// A new run takes its place in the inbox.
import { followRun } from "../follow/followers.ts";
import type { Life } from "../life.ts";
import { insertRun, type RunRecord } from "../rows/runs.ts";

/** Stores a new run and marks it for D1. Inside a transaction. */
export function storeNewRun(life: Life, record: RunRecord): void {
  insertRun(life.database.sql, record, life.journal.newest);
  life.live.set(record.run.invocation_id, record);
  life.lastPosition = Math.max(life.lastPosition, record.position);
  life.outbox.markRun(record);
  followRun(life, record.run);
}
