// The project's own checks on the way of a call that changes the plan. They are looked up once for a call, before a person
// is asked about it or its checks run, and added to every plan that the call makes.
import type { Plan } from "../../../protocol/plan/task.ts";
import { type Applied, dependsOnChanges, withProjectChecks } from "../../checks/project/apply.ts";
import type { Owed } from "../../checks/project/port.ts";
import { unlessCancelled } from "../../checks/runner.ts";
import type { RunState } from "../../loop-state.ts";

const nothing: Owed = { project: null, changed: [], notes: [] };

/** `completes`: the call completes a task. Null if the run was cancelled meanwhile. */
export async function readOwed(call_id: string, completes: boolean, state: RunState): Promise<Owed | null> {
  const { project } = state.ports;
  if (project === undefined) return nothing;
  if (!completes) return { ...nothing, project: project.known() };
  const known = state.owed.get(call_id);
  if (known !== undefined) return known;
  if (!project.isThere()) return nothing;
  state.ports.storeHeld?.();
  const owed = await unlessCancelled(state.ports, async (): Promise<Owed> => {
    const view = await project.look();
    if (view === null) return nothing;
    const { notes, ...checks } = view;
    return { project: checks, notes, changed: dependsOnChanges(checks) ? await project.listChanged() : [] };
  });
  if (owed !== null) state.owed.set(call_id, owed);
  return owed;
}

/** The plan with what its open tasks and those that are completed owe to the project. */
export function withOwed(plan: Plan, { project, changed }: Owed, task_ids: ReadonlySet<string>): Applied {
  return project === null ? { ok: true, plan } : withProjectChecks(plan, project, { task_ids, changed });
}
