// The project's checks in a person's edit of the plan: what the person adds gets them, and the person may accept the file
// as it is now.
import { type Applied, noneCompleted, withoutFormer, withProjectChecks } from "../../agent/checks/project/apply.ts";
import { PROJECT_FILE } from "../../agent/checks/project/file.ts";
import { fail, type Result, succeed } from "../../protocol/error.ts";
import type { PlanOperation } from "../../protocol/plan/edit.ts";
import type { Plan } from "../../protocol/plan/task.ts";
import type { Life } from "../life.ts";
import type { StoredProject } from "../rows/project-checks.ts";
import { viewOf } from "./project.ts";

/** What is to be stored; null if the person accepts nothing. A file that makes no checks can't be accepted. */
export function acceptProject(
  { project: stored }: Life,
  operations: readonly PlanOperation[],
): Result<StoredProject | null> {
  const accepted = operations.find(({ op }) => op === "accept_project_checks");
  if (accepted?.op !== "accept_project_checks") return succeed(null);
  const { pending = null } = stored ?? {};
  // Asked again, for example after a broken connection.
  if (stored !== null && stored.file?.hash === accepted.hash) return succeed(null);
  if (stored === null || pending?.hash !== accepted.hash)
    return fail("invalid_operation", `${PROJECT_FILE} with the hash ${accepted.hash} does not wait to be accepted.`);
  if (pending.problem !== null) return fail("invalid_operation", pending.problem);
  return succeed({ ...stored, file: pending, pending: null });
}

/** The edited plan with the project's checks, as one change. `accepted`: what counts from now on. */
export function withProject(
  { project: former }: Life,
  before: Plan,
  edited: Plan,
  accepted: StoredProject | null,
): Applied {
  if (former === null) return { ok: true, plan: edited };
  const now = viewOf(accepted ?? former);
  const left = accepted === null ? edited : withoutFormer(edited, viewOf(former), now);
  const applied = withProjectChecks(left, now, noneCompleted);
  if (!applied.ok || applied.plan === edited || edited !== before) return applied;
  return { ok: true, plan: { ...applied.plan, version: before.version + 1 } };
}
