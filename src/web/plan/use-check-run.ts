// Runs the checks of one task again, and shows the plan as it is then. The request waits for their end, since a thread
// without a run may have no stream that would show it.
import { useState } from "react";
import type { CheckRun } from "../../protocol/plan/check-run.ts";
import { useApp } from "../app/context.ts";
import { pathOf } from "../client/api.ts";
import { describeProblem, type Problem } from "../state/problem.ts";
import { usePlanThread } from "./plan-thread.ts";

export interface PersonAnswer {
  check_id: string;
  approved: boolean;
  reason?: string;
}

export interface CheckRunView {
  runs: boolean;
  /** What the last one left to say. */
  problem: Problem | null;
  /** Grows with each that has ended: what was seen is to be read anew. */
  count: number;
  start: (answers?: PersonAnswer[]) => Promise<void>;
  cancel: () => Promise<void>;
}

/** The server answers after five minutes at the latest. */
const patienceMs = 5 * 60_000 + 10_000;

export function useCheckRun(task: string): CheckRunView {
  const { api } = useApp();
  const thread = usePlanThread();
  const [view, setView] = useState<Pick<CheckRunView, "runs" | "problem" | "count">>({
    ...{ runs: false, problem: null, count: 0 },
  });
  const path = `${pathOf(thread.id)}/checks/run`;
  const finish = (problem: Problem | null): void =>
    setView(({ count }) => ({ runs: false, problem, count: count + 1 }));
  const start = async (answers: PersonAnswer[] = []): Promise<void> => {
    setView(({ count }) => ({ runs: true, problem: null, count }));
    try {
      const body = { task_ids: [task], ...(answers.length === 0 ? {} : { answers }) };
      const { status, reason } = await api.send<CheckRun>("POST", `${path}?wait=1`, body, patienceMs);
      thread.takePlan(await api.getPlan(thread.id));
      finish(status === "failed" ? { text: reason ?? status, detail: null } : null);
    } catch (error) {
      finish(describeProblem(error));
    }
  };
  const cancel = async (): Promise<void> => {
    await api.send("DELETE", path).catch((error: unknown) => finish(describeProblem(error)));
  };
  return { ...view, start, cancel };
}
