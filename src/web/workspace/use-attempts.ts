// A person's action: that it is in progress, and what went wrong with the last one.
import { useCallback, useState } from "react";
import { describeProblem, type Problem } from "../state/problem.ts";

export interface Attempts {
  problem: Problem | null;
  isBusy: boolean;
  /** Whether it succeeded. */
  attempt(act: () => Promise<unknown>): Promise<boolean>;
}

export function useAttempts(): Attempts {
  const [problem, setProblem] = useState<Problem | null>(null);
  const [running, setRunning] = useState(0);
  const attempt = useCallback(async (act: () => Promise<unknown>): Promise<boolean> => {
    setProblem(null);
    setRunning((count) => count + 1);
    try {
      await act();
      return true;
    } catch (error) {
      setProblem(describeProblem(error));
      return false;
    } finally {
      setRunning((count) => count - 1);
    }
  }, []);
  return { problem, isBusy: running > 0, attempt };
}
