// What the server has stored of a thread, and which of its runs to follow from there.
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
  /** Those that have not ended, oldest first. */
  active: Run[];
  /** The runs whose stream is read: at most one, even where it has ended, because its stream has the most detail. */
  followed: string[];
  /** Messages that no run has taken: none waits where no run is active. */
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
  // Read after the rows: a message taken in between is in neither, and the followed stream brings it.
  const inbox = active.length === 0 ? [] : await readInbox(api, thread);
  const known = new Set([
    ...rows.map((row) => row.message_id),
    ...runs.map((run) => run.invocation_id),
    ...inbox.flatMap(({ id, run }) => [id, run]),
  ]);
  return { conversation: restore(rows, plan, runs, followed), plan, runs, active, followed, inbox, known };
}
