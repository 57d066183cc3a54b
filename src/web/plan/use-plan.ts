// The plan of the open thread, as people see it.
import { useMemo } from "react";
import type { PlanState } from "../../protocol/plan/task.ts";
import { useStore } from "../state/store.ts";
import type { ThreadStore } from "../state/thread-store.ts";
import { findBegun, withBegun } from "./progress.ts";

export function usePlan(thread: ThreadStore): PlanState {
  const plan = useStore(thread.view.shown, (view) => view.conversation.state.plan);
  const begun = useStore(thread.view.shown, (view) => findBegun(view.conversation));
  return useMemo(() => withBegun(plan, begun), [plan, begun]);
}
