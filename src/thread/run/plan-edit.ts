// A person changes the plan, whether a run is at work or not. Everything from the look at the plan to its storage is one
// turn, so an edit and the model's own changes come one after the other and neither undoes the other.
import { editPlan as applyOperations } from "../../agent/plan/edits.ts";
import { fail, type Result, succeed } from "../../protocol/error.ts";
import type { PlanEditRequest } from "../../protocol/plan/edit.ts";
import type { Plan } from "../../protocol/plan/task.ts";
import { type Life, transact } from "../life.ts";
import type { RunRecord } from "../rows/runs.ts";
import { trimMemory } from "../stream/streams.ts";
import { waitForEnd } from "./control.ts";
import { hasEdit, storeEdit } from "./plan-memory.ts";
import { recordPlan } from "./recorder.ts";

// Longer than an end is ever held back.
const HOLD_WAIT_MS = 5_000;

export async function editPlan(life: Life, request: PlanEditRequest): Promise<Result<Plan>> {
  // What comes after an end that is held back is not to be seen yet, and a snapshot would show it all the same.
  for (let held = findHeld(life); held !== undefined; held = findHeld(life)) {
    await waitForEnd(life, held.run.invocation_id, HOLD_WAIT_MS);
  }
  // Nothing is awaited from here on.
  if (life.removing) return fail("not_found", `The thread ${life.thread.thread_id} was deleted.`);
  const before = life.state.plan;
  if (hasEdit(life, request.request_id)) return succeed(before);
  if (request.version !== null && request.version !== before.version) {
    return fail("version_conflict", `The plan is at version ${before.version} now, not at ${request.version}.`);
  }
  const edit = applyOperations(before, request.operations);
  if (!edit.ok) return fail("invalid_operation", edit.message);
  if (edit.plan === before) return succeed(before);
  transact(life, () => {
    recordPlan(life, findRunning(life), edit.plan, request.hops);
    storeEdit(life, request.request_id, before, edit.plan);
  });
  if (life.active === null) trimMemory(life);
  return succeed(edit.plan);
}

/** A run whose end is stored and may not be seen yet. */
function findHeld({ live }: Life): RunRecord | undefined {
  return [...live.values()].find(({ end_seq, released }) => end_seq !== null && !released);
}

/** The run whose events those of the plan are: it has begun and not ended. */
function findRunning({ live }: Life): RunRecord | null {
  return [...live.values()].find(({ run }) => run.status === "running") ?? null;
}
