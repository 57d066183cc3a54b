// An answer under the id of the run that asked, as CopilotKit sends it: to its client both are one run. Here the answer
// is a run of its own, whose id is derived from what it answers. So the same request again finds that run.
import { derivedId } from "../../protocol/ids.ts";
import type { Run } from "../../protocol/run.ts";
import type { InterruptAnswer, ThreadKey } from "../../protocol/thread.ts";
import { sortedKeys } from "../../thread/inbox/input-hash.ts";
import { callThread } from "../../thread/stub.ts";
import { findAsked, isKnownRun } from "../audit/approvals.ts";
import type { AppContext } from "../context.ts";

/** The run that a request is about, and whether the thread has it already: then the request only watches it. */
export interface ChosenRun {
  invocation_id: string;
  is_known: boolean;
}

/**
 * For a request with answers: the run that it names, or the one that answers in its place. A client that answers under
 * a fresh id and repeats its request names the run that answers.
 */
export async function chooseRun(
  context: AppContext,
  key: ThreadKey,
  invocation_id: string,
  answers: InterruptAnswer[],
): Promise<ChosenRun> {
  const named = await callThread(context.env, key, (stub) => stub.getRun(key, invocation_id));
  if (!named.ok) return { invocation_id, is_known: false };
  const answering = await answeringId(invocation_id, answers);
  if (await isKnownRun(context, key, answering)) return { invocation_id: answering, is_known: true };
  const isAnswer = await asksFor(context, key, named.value, answers);
  return isAnswer ? { invocation_id: answering, is_known: false } : { invocation_id, is_known: true };
}

/** Whether the answers are for this run, or for a later one whose questions the client answers under the id of this. */
async function asksFor(context: AppContext, key: ThreadKey, run: Run, answers: InterruptAnswer[]): Promise<boolean> {
  if (run.interrupts.some(({ id }) => answers.some(({ interrupt_id }) => interrupt_id === id))) return true;
  const asked = await findAsked(context, key, answers);
  return asked !== null && run.started_at !== null && run.resumes !== asked.invocation_id;
}

async function answeringId(invocation_id: string, answers: InterruptAnswer[]): Promise<string> {
  const sorted = [...answers].sort((one, other) => (one.interrupt_id < other.interrupt_id ? -1 : 1));
  return await derivedId("inv", "ag-ui answer", invocation_id, JSON.stringify(sorted, sortedKeys));
}
