// Applies a change of a thread's state. The plan may have been read in the meantime, and then has the change already.

import { applyPatch } from "../../lib/json/patch.ts";
import type { PatchOperation, StateValue } from "../../protocol/event.ts";

export function patchState(state: StateValue, delta: PatchOperation[]): StateValue {
  try {
    const version = planVersionOf(delta);
    const isKnown = version !== null && version <= state.plan.version;
    return applyPatch(state, isKnown ? delta.filter(({ path }) => !changesPlan(path)) : delta);
  } catch {
    // The next snapshot corrects it; an old plan is better than none.
    return state;
  }
}

function changesPlan(path: string): boolean {
  return path === "" || path === "/plan" || path.startsWith("/plan/");
}

/**
 * The plan's version after this change. A plan that was read in the meantime already contains the change, which must
 * not be applied twice.
 */
function planVersionOf(delta: PatchOperation[]): number | null {
  for (const { path, value } of delta) {
    const versions: Record<string, unknown> = {
      "": (value as Partial<StateValue> | undefined)?.plan?.version,
      "/plan": (value as Partial<StateValue["plan"]> | undefined)?.version,
      "/plan/version": value,
    };
    if (typeof versions[path] === "number") return versions[path];
  }
  return null;
}
