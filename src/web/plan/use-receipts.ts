// What the server has seen of a task, read when somebody opens it, and again when checks have run.
import { useEffect, useState } from "react";
import type { Receipt } from "../../protocol/plan/check.ts";
import { useApp } from "../app/context.ts";
import { pathOf } from "../client/api.ts";
import { describeProblem, type Problem } from "../state/problem.ts";
import { usePlanThread } from "./plan-thread.ts";

interface PlanWithReceipts {
  sections: { tasks: { id: string; receipts?: Receipt[] }[] }[];
}

/** Null before they are read; the newest first. `mark`: what they are read again for. */
export function useReceipts(task: string, mark: string): { receipts: Receipt[] | null; problem: Problem | null } {
  const { api } = useApp();
  const thread = usePlanThread();
  const [view, setView] = useState<{ receipts: Receipt[] | null; problem: Problem | null }>({
    ...{ receipts: null, problem: null },
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is the change of the mark that asks
  useEffect(() => {
    let isWanted = true;
    const read = async (): Promise<void> => {
      try {
        const { sections } = await api.get<PlanWithReceipts>(`${pathOf(thread.id)}/tasks?include=receipts`);
        const own = sections.flatMap(({ tasks }) => tasks).find(({ id }) => id === task)?.receipts ?? [];
        if (isWanted) setView({ receipts: own.toReversed(), problem: null });
      } catch (error) {
        if (isWanted) setView(({ receipts }) => ({ receipts, problem: describeProblem(error) }));
      }
    };
    void read();
    return () => {
      isWanted = false;
    };
  }, [api, thread, task, mark]);
  return view;
}
