// The ledger of each task. Only the server has it: it is requested when the plan is opened, when the plan changes and
// when a run begins or ends, never by a timer.
import { useEffect, useState } from "react";
import type { TaskLedger } from "../../protocol/plan/ledger.ts";
import { useApp } from "../app/context.ts";
import { pathOf } from "../client/api.ts";
import { describeProblem, type Problem } from "../state/problem.ts";

interface PlanWithLedger {
  sections: { tasks: { id: string; ledger?: TaskLedger }[] }[];
}

export interface LedgerView {
  /** By task id; null before it is read. */
  tasks: Record<string, TaskLedger> | null;
  /** When it was read, in ms since 1970. The time of a task in progress is counted on from here. */
  at: number;
  problem: Problem | null;
}

/** Several changes in a row cause one request. */
const restMs = 200;

export function useLedger(thread: string, { version, busy }: { version: number; busy: boolean }): LedgerView {
  const { api } = useApp();
  const [view, setView] = useState<LedgerView>({ tasks: null, at: 0, problem: null });
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is the change of these that asks
  useEffect(() => {
    if (version === 0) return;
    let isWanted = true;
    const read = async (): Promise<void> => {
      try {
        const { sections } = await api.get<PlanWithLedger>(`${pathOf(thread)}/tasks?include=ledger`);
        const listed = sections
          .flatMap(({ tasks }) => tasks)
          .flatMap(({ id, ledger }) => (ledger ? [[id, ledger]] : []));
        if (isWanted) setView({ tasks: Object.fromEntries(listed), at: Date.now(), problem: null });
      } catch (error) {
        if (isWanted) setView((before) => ({ ...before, problem: describeProblem(error) }));
      }
    };
    const timer = setTimeout(() => void read(), restMs);
    return () => {
      isWanted = false;
      clearTimeout(timer);
    };
  }, [api, thread, version, busy]);
  return view;
}
