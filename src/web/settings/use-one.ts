// One thing from the server: read when it is shown, when somebody comes back to the page, and after a change.
import { useCallback, useEffect, useRef, useState } from "react";
import { useApp } from "../app/context.ts";
import { ApiError } from "../client/api.ts";
import { describeProblem, type Problem } from "../state/problem.ts";
import { onWake } from "../state/wake.ts";

export interface One<Thing> {
  /** Null until it is first read. */
  thing: Thing | null;
  problem: Problem | null;
  refresh(): void;
}

export function useOne<Thing>(path: string): One<Thing> {
  const { api, onUnauthorized } = useApp();
  const [read, setRead] = useState<{ path: string; thing: Thing | null; problem: Problem | null } | null>(null);
  /** Drops an answer that a newer request has overtaken. */
  const newest = useRef(0);
  const refresh = useCallback(() => {
    newest.current += 1;
    const mine = newest.current;
    api.get<Thing>(path).then(
      (thing) => mine === newest.current && setRead({ path, thing, problem: null }),
      (error: unknown) => {
        if (error instanceof ApiError && error.status === 401) onUnauthorized();
        if (mine !== newest.current) return;
        setRead((before) => ({
          path,
          thing: before?.path === path ? before.thing : null,
          problem: describeProblem(error),
        }));
      },
    );
  }, [api, path, onUnauthorized]);
  useEffect(() => {
    refresh();
    const stop = onWake((thread) => thread === null && refresh());
    return () => {
      stop();
      newest.current += 1;
    };
  }, [refresh]);
  const isOwn = read?.path === path;
  return { thing: isOwn ? read.thing : null, problem: isOwn ? read.problem : null, refresh };
}
