// Which project the thread works in. Its runs name it; until the first of them has ended only the thread itself does. A
// thread without messages has no project.
import { useEffect, useState } from "react";
import type { Thread } from "../../protocol/thread.ts";
import { useApp } from "../app/context.ts";
import { type Api, ApiError, pathOf } from "../client/api.ts";
import { place } from "../state/place.ts";
import { describeProblem, type Problem } from "../state/problem.ts";
import { useStore } from "../state/store.ts";
import type { ThreadStore } from "../state/thread-store.ts";

export type ProjectState =
  | { phase: "loading" }
  /** Created with the thread's first message. */
  | { phase: "none" }
  | { phase: "ready"; id: string }
  | { phase: "failed"; problem: Problem; retry: () => void };

/** A thread never changes its project. */
const known = new WeakMap<ThreadStore, string>();
/** All parts share one request. */
const asked = new WeakMap<ThreadStore, Promise<string | null>>();

export function useProject(thread: ThreadStore): ProjectState {
  const { api } = useApp();
  const fromRuns = useStore(thread.view.shown, ({ runs }) => runs[0]?.project_id);
  // The server knows a new thread once its first run has begun.
  const isLoading = useStore(
    thread.view.shown,
    ({ phase, conversation }) => phase === "loading" || conversation.run.state === "waiting",
  );
  const isNew = useStore(place, (now) => now.thread !== thread.id);
  const [state, setState] = useState<ProjectState>({ phase: "loading" });
  const [attempt, setAttempt] = useState(0);
  const id = fromRuns ?? known.get(thread);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another attempt is a reason to ask
  useEffect(() => {
    // Rendering lags behind: the server may not know a thread that has just got its first message.
    const isStarting = thread.view.latest().conversation.run.state === "waiting";
    if (id !== undefined || isLoading || isNew || isStarting) return;
    let isCurrent = true;
    const show = (next: ProjectState): void => {
      if (isCurrent) setState(next);
    };
    askProject(api, thread).then(
      (project) => show(project === null ? { phase: "none" } : { phase: "ready", id: project }),
      (error: unknown) =>
        show({ phase: "failed", problem: describeProblem(error), retry: () => setAttempt((before) => before + 1) }),
    );
    return () => {
      isCurrent = false;
    };
  }, [api, thread, id, isLoading, isNew, attempt]);
  if (id !== undefined) return { phase: "ready", id };
  return isNew && !isLoading ? { phase: "none" } : state;
}

/** Null where the server does not know the thread. */
function askProject(api: Api, thread: ThreadStore): Promise<string | null> {
  const before = asked.get(thread);
  if (before !== undefined) return before;
  const asking = api
    .get<Thread>(pathOf(thread.id))
    .then(({ project_id }) => {
      known.set(thread, project_id);
      return project_id;
    })
    .catch((error: unknown) => {
      if (error instanceof ApiError && error.status === 404) return null;
      throw error;
    })
    .finally(() => asked.delete(thread));
  asked.set(thread, asking);
  return asking;
}

export function pathOfSandbox(project: string): string {
  return `/v1/projects/${encodeURIComponent(project)}/sandbox`;
}
