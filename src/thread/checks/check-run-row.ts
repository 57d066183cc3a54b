// The row of checks that a person has run again: the last request, while it runs and after it.
import { isRecord } from "../../lib/is-record.ts";
import type { CheckRun, CheckRunRequest } from "../../protocol/plan/check-run.ts";
import { readMeta, type Sql } from "../rows/database.ts";

export const META_KEY = "check_run";

export interface CheckRunRecord extends Pick<CheckRunRequest, "answers" | "key_id" | "hops" | "traceparent"> {
  run: CheckRun;
  /** What was asked, to know a repetition. */
  asked: string;
  /** How many lives have begun with it. */
  lives: number;
}

/** Null if nothing was run again, or a row can't be read. */
export function readCheckRun(sql: Sql): CheckRunRecord | null {
  return readMeta(sql, META_KEY, (value) => (isCheckRun(value) ? value : undefined));
}

function isCheckRun(value: unknown): value is CheckRunRecord {
  if (!isRecord(value) || !isRecord(value.run) || typeof value.asked !== "string") return false;
  const { check_run_id, status, task_ids } = value.run;
  const isRun = typeof check_run_id === "string" && typeof status === "string" && Array.isArray(task_ids);
  return isRun && Array.isArray(value.answers) && typeof value.lives === "number";
}
