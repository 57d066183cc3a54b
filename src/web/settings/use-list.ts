// A paged list from the server: read when it is shown, when somebody comes back to the page and after a change; never
// by a timer. The rows stay while it is read again.
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useApp } from "../app/context.ts";
import { ApiError } from "../client/api.ts";
import { describeProblem, type Problem } from "../state/problem.ts";
import { onWake } from "../state/wake.ts";

export interface List<Row, More = object> {
  /** Null until it is first read. */
  rows: Row[] | null;
  /** The newest answer, which may say more than its rows. */
  page: Partial<More> | null;
  hasMore: boolean;
  isReading: boolean;
  problem: Problem | null;
  refresh(): Promise<void>;
  more(): Promise<void>;
}

interface Page<Row> {
  data: Row[];
  next_cursor?: string | null;
}

interface Read<Row> {
  rows: Row[] | null;
  page: object | null;
  cursor: string | null;
  problem: Problem | null;
  isReading: boolean;
}

/** It is read again when `state` changes, because something shown beside it was changed. */
export function useList<Row, More = object>(path: string, state: unknown = null): List<Row, More> {
  const { api, onUnauthorized } = useApp();
  const [read, setRead] = useState<Read<Row>>({ rows: null, page: null, cursor: null, problem: null, isReading: true });
  /** Drops an answer that a newer request has overtaken. */
  const newest = useRef(0);
  const ask = useCallback(
    async (cursor: string | null): Promise<void> => {
      newest.current += 1;
      const mine = newest.current;
      setRead((before) => ({ ...before, isReading: true, problem: null }));
      const after = cursor === null ? "" : `${path.includes("?") ? "&" : "?"}cursor=${encodeURIComponent(cursor)}`;
      try {
        const page = await api.get<Page<Row>>(`${path}${after}`);
        if (mine !== newest.current) return;
        setRead((before) => ({
          rows: cursor === null ? page.data : [...(before.rows ?? []), ...page.data],
          page,
          cursor: page.next_cursor ?? null,
          problem: null,
          isReading: false,
        }));
      } catch (error) {
        if (error instanceof ApiError && error.status === 401) onUnauthorized();
        if (mine !== newest.current) return;
        setRead((before) => ({ ...before, isReading: false, problem: describeProblem(error) }));
      }
    },
    [api, path, onUnauthorized],
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: another state is asked for anew
  useEffect(() => {
    void ask(null);
    const stop = onWake((thread) => thread === null && void ask(null));
    return () => {
      stop();
      newest.current += 1;
    };
  }, [ask, state]);
  const { rows, page, cursor, problem, isReading } = read;
  return useMemo(
    () => ({
      ...{ rows, page: page as Partial<More> | null, problem, isReading, hasMore: cursor !== null },
      refresh: () => ask(null),
      more: () => ask(cursor),
    }),
    [rows, page, cursor, problem, isReading, ask],
  );
}
