// A person's action: one at a time, with its error.
import { useCallback, useEffect, useRef, useState } from "react";
import { useApp } from "../app/context.ts";
import { type Api, ApiError } from "../client/api.ts";
import { describeProblem, type Problem } from "../state/problem.ts";

export interface Action {
  isBusy: boolean;
  problem: Problem | null;
  /** Resolves to whether it succeeded. */
  run(act: (api: Api) => Promise<unknown>): Promise<boolean>;
  clear(): void;
}

export function useAction(): Action {
  const { api, onUnauthorized } = useApp();
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const isUnderWay = useRef(false);
  const isGone = useRef(false);
  useEffect(() => {
    isGone.current = false;
    return () => {
      isGone.current = true;
    };
  }, []);
  const run = useCallback(
    async (act: (api: Api) => Promise<unknown>): Promise<boolean> => {
      if (isUnderWay.current) return false;
      isUnderWay.current = true;
      setBusy(true);
      setProblem(null);
      try {
        await act(api);
        return true;
      } catch (error) {
        if (error instanceof ApiError && error.status === 401) onUnauthorized();
        if (!isGone.current) setProblem(describeProblem(error));
        return false;
      } finally {
        isUnderWay.current = false;
        if (!isGone.current) setBusy(false);
      }
    },
    [api, onUnauthorized],
  );
  return { isBusy, problem, run, clear: () => setProblem(null) };
}
