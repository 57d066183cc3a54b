// What was done for each task. Only the server can tell; it is asked when the plan is opened, when the plan becomes another one and
// when a run begins or ends, never by a clock.
import { useEffect, useState } from "react";
import type { TaskLedger } from "../../protocol/plan/ledger.ts";
import { useApp } from "../app/context.ts";
import { pathOf } from "../client/api.ts";
import { describeProblem, type Problem } from "../state/problem.ts";

interface PlanWithLedger {
  sections: { tasks: { id: string; ledger?: TaskLedger }[] }[];
}

export interface LedgerView {
  /** By task; null before it was read. */
  tasks: Record<string, TaskLedger> | null;
  /** When it was read, ms since 1970: what works on is counted on from there. */
  at: number;
  problem: Problem | null;
}

/** Several changes at once are one. */
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
