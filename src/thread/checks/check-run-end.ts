// Stores what becomes of checks that a person has run again, and ends them. Apart from what runs them, since a run that
// begins ends them, too.
import type { TracedCheckRun } from "../../traces/check-runs.ts";
import { isoTime, type Life, transact } from "../life.ts";
import { writeMeta } from "../rows/database.ts";
import { type CheckRunRecord, META_KEY } from "./check-run-row.ts";

export const RUN_BEGAN = "A run began, which may change what they look at.";

/** Inside a transaction. */
export function keepChecks(life: Life, record: CheckRunRecord): void {
  writeMeta(life.database.sql, META_KEY, record);
  life.checked = record;
}

export function storeChecks(life: Life, record: CheckRunRecord): void {
  transact(life, () => keepChecks(life, record));
}

/** Nobody waits for the end of what was stopped in the sandbox. Without checks that run it does nothing. */
export function endChecks(life: Life, status: "cancelled" | "failed", reason: string): void {
  const { checked, checking } = life;
  if (checked?.run.status !== "running") return;
  life.checking = null;
  if (!life.removed)
    storeChecks(life, { ...checked, run: { ...checked.run, status, reason, finished_at: isoTime(life) } });
  traceEnd(life);
  checking?.cancel.abort(new Error(reason));
}

export function tracedChecks({ thread }: Life, { run, lives, traceparent }: CheckRunRecord): TracedCheckRun {
  return { run, user_id: thread.user_id, project_id: thread.project_id, lives, traceparent };
}

/** Once their end is stored. */
export function traceEnd(life: Life): void {
  const { checked, ports } = life;
  if (!ports.traces || checked === null || checked.run.status === "running") return;
  ports.traces.endCheckRun(tracedChecks(life, checked));
  life.platform.waitUntil(ports.traces.flush());
}
