// What of the checks nobody has looked at: after runs that end without their loop, as after too many lives, and turns
// that are asked again. What was verified is stale then until the end of a later run has seen it. And what a former life
// has looked at.
import { withUnseen } from "../../agent/checks/results.ts";
import type { CheckResult } from "../../protocol/plan/check.ts";
import type { Plan } from "../../protocol/plan/task.ts";
import { type Life, transact } from "../life.ts";
import { lastMessageTime } from "../rows/messages.ts";
import { readReceiptsOf } from "../rows/receipts.ts";
import type { RunRecord } from "../rows/runs.ts";
import { hasTable } from "../rows/tables.ts";
import { recordPlan } from "../run/recorder.ts";

/** Whatever the run's calls have changed. */
export function noteCut(life: Life, record: RunRecord): void {
  const before = life.state.plan;
  const plan = withUnseen(before, new Set());
  if (plan !== before) transact(life, () => recordPlan(life, record, { ...plan, version: before.version + 1 }));
}

/** Ids of checks that a former life of the run has run behind its last message. Nothing is asked in a first life. */
export function readSeenChecks({ database: { sql } }: Life, { run, started_calls }: RunRecord): string[] {
  if (run.attempt === 1 || started_calls.length > 0 || !hasTable(sql, "receipts")) return [];
  const last = lastMessageTime(sql) ?? "";
  const seen = readReceiptsOf(sql, run.invocation_id).filter(({ started_at }) => started_at > last);
  return seen.map(({ check_id }) => check_id);
}

/** A plan is taken back, and files are not. What was seen before still holds where nothing else is known `now`. */
export function withoutOutdated(plan: Plan, now: Plan): Plan {
  const known = new Set(listResults(now).flatMap(({ result }) => (result.stale ? [] : [result.receipt_id])));
  const same = listResults(plan).filter(({ result }) => known.has(result.receipt_id));
  return withUnseen(plan, new Set(same.map(({ id }) => id)));
}

function listResults({ tasks }: Plan): { id: string; result: CheckResult }[] {
  const checks = tasks.flatMap(({ checks = [] }) => checks);
  return checks.flatMap(({ id, result }) => (result === undefined ? [] : [{ id, result }]));
}
