// Stores what becomes of checks that a person has run again, and ends them. Apart from what runs them, since a run that
// begins ends them, too.
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
  checking?.cancel.abort(new Error(reason));
}
