// What the server has stored of a thread, and which of its runs is to be followed from there.
import type { PlanView } from "../../protocol/plan/task.ts";
import type { Run } from "../../protocol/run.ts";
import type { Api } from "../client/api.ts";
import type { Conversation } from "../client/conversation.ts";
import { restore } from "../client/restore.ts";
import { readInbox } from "./inbox.ts";
import type { Waiting } from "./thread-view.ts";

export interface StoredThread {
  conversation: Conversation;
  plan: PlanView;
  /** Newest first. */
  runs: Run[];
  /** Those of them that have not ended, oldest first. */
  active: Run[];
  /** The runs whose stream is to be read: at most one, also where it has ended, since its stream knows most about it. */
  followed: string[];
  /** What no run has taken yet: nothing waits where none is active. */
  inbox: Waiting[];
  /** The ids of all messages and runs that were read. */
  known: Set<string>;
}

export async function readThread(api: Api, thread: string): Promise<StoredThread> {
  const [rows, plan, { data: runs }] = await Promise.all([
    api.listMessages(thread),
    api.getPlan(thread),
    api.listRuns(thread),
  ]);
  const active = runs.filter(({ status }) => status === "queued" || status === "running").toReversed();
  const followed = (active.length > 0 ? active : runs).slice(0, 1).map((run) => run.invocation_id);
  // Behind the rows, so that what is taken up in between is in neither: the stream that is followed brings it.
  const inbox = active.length === 0 ? [] : await readInbox(api, thread);
  const known = new Set([
    ...rows.map((row) => row.message_id),
    ...runs.map((run) => run.invocation_id),
    ...inbox.flatMap(({ id, run }) => [id, run]),
  ]);
  return { conversation: restore(rows, plan, runs, followed), plan, runs, active, followed, inbox, known };
}
