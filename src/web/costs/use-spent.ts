// What the newest run of a thread has used: live from its stream, and from its row once it has ended.
import { useEffect, useState } from "react";
import type { UsageSoFar } from "../../protocol/event.ts";
import type { Run } from "../../protocol/run.ts";
import { useApp } from "../app/context.ts";
import { useStore } from "../state/store.ts";
import type { ThreadStore } from "../state/thread-store.ts";
import type { ThreadView } from "../state/thread-view.ts";

export type Spent = Pick<Run, "usage" | "reserved">;

export function useSpent(thread: ThreadStore): Spent | null {
  const { api } = useApp();
  const run = useStore(thread.view.shown, (view) => view.conversation.run.id);
  const hasEnded = useStore(thread.view.shown, (view) => isEnd(view.conversation.run.state));
  const known = useStore(thread.view.shown, (view) => findRun(view, run));
  const told = useStore(thread.view.shown, (view) => findLive(view, run));
  const [read, setRead] = useState<Run | null>(null);
  const isMissing = run !== null && hasEnded && known?.finished_at == null && read?.invocation_id !== run;
  useEffect(() => {
    if (!isMissing || run === null) return;
    // Without it, what was seen last stays: it is a remark, not worth a complaint.
    api.getRun(thread.id, run).then(setRead, () => {});
  }, [api, thread, run, isMissing]);
  if (run === null) return null;
  const live = told && readSpent(told);
  return chooseSpent({ hasEnded, live, read: read?.invocation_id === run ? read : null, known });
}

/** A run that has ended has its sum in its row. One that works has sent more on its stream than its row says. */
export function chooseSpent(given: {
  hasEnded: boolean;
  live: Spent | null;
  read: Run | null;
  known: Run | null;
}): Spent | null {
  const { hasEnded, live } = given;
  const [read, known] = [given.read, given.known].map((run) => (isWhole(run) ? run : null));
  if (!hasEnded) return live ?? known ?? null;
  const ended = [read, known].find((run) => run?.finished_at != null) ?? live ?? known ?? null;
  return ended && { usage: ended.usage };
}

/** A faulty answer of the server must not take the conversation with it. */
function isWhole(run: Partial<Spent> | null): boolean {
  return run?.usage !== undefined;
}

export function findLive({ spent }: Pick<ThreadView, "spent">, run: string | null): UsageSoFar | null {
  return spent?.invocation_id === run ? spent : null;
}

/** Events leave out a cost that is not known. */
export function readSpent({ usage: { estimated, ...counted }, reserved }: UsageSoFar): Spent {
  return {
    usage: { cost_usd: null, ...counted, ...(estimated && { estimated: { cost_usd: null, ...estimated } }) },
    ...(reserved && { reserved: { cost_usd: null, ...reserved } }),
  };
}

function findRun({ runs }: ThreadView, run: string | null): Run | null {
  return runs.find(({ invocation_id }) => invocation_id === run) ?? null;
}

function isEnd(state: string): boolean {
  return !["none", "waiting", "running"].includes(state);
}
