// Before the model's calls are made: the files that checks of people and the project protect are hashed as they are then.
// Later, the model may have written them, and a hash of that would make its tests a person's.
import { type RunState, store } from "../loop-state.ts";
import { isUnhashed, listUnhashed, withHashes } from "./protect.ts";
import { unlessCancelled } from "./runner.ts";

/** Asks for nothing where no check waits for it. What can't be hashed now is never hashed in this life: it is too late. */
export async function protectFiles(state: RunState): Promise<void> {
  const { ports, unprotected } = state;
  const paths = listUnhashed(state.plan, ({ id }) => !unprotected.has(id));
  if (paths.length === 0 || ports.checks === undefined) return;
  ports.storeHeld?.();
  const files = await unlessCancelled(ports, async () => await ports.checks?.hashProtected(paths));
  if (files == null) return;
  // Nothing is awaited from here to the transaction: a person may have edited the plan meanwhile.
  const before = state.plan;
  const plan = withHashes(before, files, ({ id }) => !unprotected.has(id));
  if (files.size < paths.length)
    for (const { checks = [] } of plan.tasks) for (const check of checks.filter(isUnhashed)) unprotected.add(check.id);
  if (plan !== before)
    await store(state, { type: "checks_settled", receipts: [], plan: { ...plan, version: before.version + 1 } });
}
