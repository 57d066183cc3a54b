// The thread whose plan is shown, for parts of the plan that ask the server for more of it.
import { createContext, useContext } from "react";
import type { ThreadStore } from "../state/thread-store.ts";

export const PlanThread = createContext<ThreadStore | null>(null);

export function usePlanThread(): ThreadStore {
  const thread = useContext(PlanThread);
  if (thread === null) throw new Error("a part of a plan is outside of a plan");
  return thread;
}
