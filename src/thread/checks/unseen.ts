// Runs that end without their loop, as after too many lives, and turns that are asked again: nobody has looked at what is
// in the sandbox now. What was verified is stale until the end of a later run has seen it.
import { withUnseen } from "../../agent/checks/results.ts";
import type { CheckResult } from "../../protocol/plan/check.ts";
import type { Plan } from "../../protocol/plan/task.ts";
import { type Life, transact } from "../life.ts";
import type { RunRecord } from "../rows/runs.ts";
import { recordPlan } from "../run/recorder.ts";

/** Whatever the run's calls have changed. */
export function noteCut(life: Life, record: RunRecord): void {
  const before = life.state.plan;
  const plan = withUnseen(before, new Set());
  if (plan !== before) transact(life, () => recordPlan(life, record, { ...plan, version: before.version + 1 }));
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
