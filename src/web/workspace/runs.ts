// The thread's runs, newest first. The thread's view has those that it has read. The server is asked once when a run
// begins or ends, and for older runs on demand.
import { useCallback, useEffect, useState } from "react";
import type { Run } from "../../protocol/run.ts";
import { useApp } from "../app/context.ts";
import { pathOf } from "../client/api.ts";
import type { Problem } from "../state/problem.ts";
import { useStore } from "../state/store.ts";
import type { ThreadStore } from "../state/thread-store.ts";
import { useAttempts } from "./use-attempts.ts";

const pageSize = 20;

export interface Runs {
  runs: Run[];
  hasOlder: boolean;
  isBusy: boolean;
  problem: Problem | null;
  readOlder(): void;
}

function mergeRuns(...lists: readonly (readonly Run[])[]): Run[] {
  const runs = new Map<string, Run>();
  for (const run of lists.flat()) {
    const before = runs.get(run.invocation_id);
    // A run that has ended never runs again.
    if (!before || before.finished_at === null) runs.set(run.invocation_id, run);
  }
  return [...runs.values()].toSorted((one, other) => other.created_at.localeCompare(one.created_at));
}

export function useRuns(thread: ThreadStore, isShown: boolean): Runs {
  const { api } = useApp();
  const viewRuns = useStore(thread.view.shown, (view) => view.runs);
  const current = useStore(thread.view.shown, (view) => view.conversation.run.id);
  const state = useStore(thread.view.shown, (view) => view.conversation.run.state);
  const [own, setOwn] = useState<Run[]>([]);
  const [older, setOlder] = useState<{ runs: Run[]; cursor: string | null } | null>(null);
  const { problem, isBusy, attempt } = useAttempts();
  // The view may already have this run as it is now.
  const isKnown = viewRuns.some(
    (run) => run.invocation_id === current && (run.finished_at !== null) === hasEnded(state),
  );
  useEffect(() => {
    if (!isShown || current === null || isKnown || state === "waiting") return;
    api.getRun(thread.id, current).then(
      (run) => setOwn((before) => mergeRuns([run], before)),
      () => {
        // The next change of its state asks again.
      },
    );
  }, [api, thread, current, state, isKnown, isShown]);
  const readOlder = useCallback((): void => {
    void attempt(async () => {
      const after = older?.cursor ? `&cursor=${encodeURIComponent(older.cursor)}` : "";
      const path = `${pathOf(thread.id)}/runs?limit=${pageSize}${after}`;
      const page = await api.get<{ data: Run[]; next_cursor: string | null }>(path);
      setOlder({ runs: mergeRuns(older?.runs ?? [], page.data), cursor: page.next_cursor });
    });
  }, [api, attempt, older, thread]);
  const hasOlder = older === null ? viewRuns.length >= 10 : older.cursor !== null;
  return { runs: mergeRuns(own, viewRuns, older?.runs ?? []), hasOlder, isBusy, problem, readOlder };
}

function hasEnded(state: string): boolean {
  return !["none", "waiting", "running"].includes(state);
}
