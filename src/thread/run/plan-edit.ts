// A person's edit of the plan, whether or not a run is active. Reading the plan, changing it and storing it happen in
// one turn of the event loop, so an edit and the model's changes never undo each other.
import { editPlan as applyOperations } from "../../agent/plan/edits.ts";
import { fail, type Result, succeed } from "../../protocol/error.ts";
import type { PlanEditRequest } from "../../protocol/plan/edit.ts";
import type { Plan } from "../../protocol/plan/task.ts";
import { acceptProject, withProject } from "../checks/accept.ts";
import { storeProject } from "../checks/project.ts";
import { type Life, transact } from "../life.ts";
import type { RunRecord } from "../rows/runs.ts";
import { trimMemory } from "../stream/streams.ts";
import { waitForEnd } from "./control.ts";
import { hasEdit, storeEdit } from "./plan-tracking.ts";
import { recordPlan } from "./recorder.ts";

// Longer than an end is held back.
const HOLD_WAIT_MS = 5_000;

export async function editPlan(life: Life, request: PlanEditRequest): Promise<Result<Plan>> {
  await untilReleased(life);
  // From here on nothing is awaited.
  if (life.removing) return fail("not_found", `The thread ${life.thread.thread_id} was deleted.`);
  const before = life.state.plan;
  if (hasEdit(life, request.request_id)) return succeed(before);
  if (request.version !== null && request.version !== before.version) {
    return fail("version_conflict", `The plan is at version ${before.version} now, not at ${request.version}.`);
  }
  const accepted = acceptProject(life, request.operations);
  if (!accepted.ok) return accepted;
  const edit = applyOperations(before, request.operations);
  if (!edit.ok) return fail("invalid_operation", edit.message);
  const project = withProject(life, before, edit.plan, accepted.value);
  if (!project.ok) return fail("invalid_operation", project.message);
  const { plan } = project;
  if (plan === before && accepted.value === null) return succeed(before);
  transact(life, () => {
    if (accepted.value !== null) storeProject(life, accepted.value);
    if (plan === before) return;
    recordPlan(life, findRunning(life), plan, { hops: request.hops });
    storeEdit(life, request.request_id, before, plan);
  });
  if (life.active === null) trimMemory(life);
  return succeed(plan);
}

/** While an end is held back, nothing after it may be seen yet, but a snapshot would show the change. */
export async function untilReleased(life: Life): Promise<void> {
  for (let held = findHeld(life); held !== undefined; held = findHeld(life)) {
    await waitForEnd(life, held.run.invocation_id, HOLD_WAIT_MS);
  }
}

/** A run whose end is stored and not released yet. */
function findHeld({ live }: Life): RunRecord | undefined {
  return [...live.values()].find(({ end_seq, released }) => end_seq !== null && !released);
}

/** The run that events of the plan belong to: it has started and not ended. */
export function findRunning({ live }: Life): RunRecord | null {
  return [...live.values()].find(({ run }) => run.status === "running") ?? null;
}
