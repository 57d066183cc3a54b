// Records who approves or denies what a run asked, on whichever way the answer comes: one entry for each call, with the
// name of its tool and never its arguments. A run without answers costs nothing here.
import { readAskedTool } from "../../agent/calls/consent.ts";
import type { PageRequest } from "../../protocol/page.ts";
import type { AuditSource } from "../../protocol/people/audit.ts";
import type { Run } from "../../protocol/run.ts";
import type { InterruptAnswer, RunInput, ThreadKey } from "../../protocol/thread.ts";
import { readDecision } from "../../thread/inbox/interrupts.ts";
import { callThread } from "../../thread/stub.ts";
import { type AuditedAct, type AuditNotes, auditedTogether } from "../audit.ts";
import type { AppContext } from "../context.ts";
import { Problem, unwrap } from "../errors.ts";

/** The run that asked is the newest that has started. Runs that were cancelled before they started may be newer. */
const RUNS_AT_ONCE = 20;
/** As many such runs as a queue that is filled and emptied four times. Beyond them no answer is taken. */
const MAX_READS = 20;

type AskedRun = Pick<Run, "thread_id" | "invocation_id" | "interrupts">;

/** Who answers, if not the caller of the API: by the id of the interrupt. */
export type AnsweredBy = (interrupt_id: string) => AuditSource;

/** Does the work, which gives the answers to the thread, between the entries and their outcome. */
export async function auditAnswers<T>(
  context: AppContext,
  asked: { user_id: string; run: AskedRun },
  answers: InterruptAnswer[],
  work: (notes: AuditNotes) => Promise<T>,
  sourceOf?: AnsweredBy,
): Promise<T> {
  const acts = actsOf(asked, answers, sourceOf);
  return acts.length === 0 ? await work({}) : await auditedTogether(context, acts, work);
}

/**
 * The same for answers that don't name the run that asked. The thread gets no answer to what no run is found to ask:
 * its run may ask a moment later, and the answer would count without an entry.
 */
export async function auditOpenAnswers<T>(
  context: AppContext,
  { user_id, thread_id, resume }: Pick<RunInput, "user_id" | "thread_id" | "resume">,
  /** Whoever names a run that there is only watches it. */
  isKnown: boolean,
  work: (notes: AuditNotes) => Promise<T>,
): Promise<T> {
  if (resume === null || isKnown) return await work({});
  const key = { user_id, thread_id };
  const run = await findAsked(context, key, resume);
  if (run !== null) return await auditAnswers(context, { user_id, run }, resume, work);
  throw new Problem("interrupt_answered", `The interrupt ${resume[0]?.interrupt_id ?? ""} is not open (any more).`);
}

export async function isKnownRun({ env }: AppContext, key: ThreadKey, invocation_id: string): Promise<boolean> {
  return (await callThread(env, key, (stub) => stub.getRun(key, invocation_id))).ok;
}

/** The newest run that asked one of these, if it may still be open. */
export async function findAsked(
  { env }: AppContext,
  key: ThreadKey,
  answers: InterruptAnswer[],
): Promise<AskedRun | null> {
  const isAsked = ({ interrupts }: AskedRun) =>
    interrupts.some(({ id }) => answers.some(({ interrupt_id }) => interrupt_id === id));
  let cursor: string | null = null;
  for (let read = 0; read < MAX_READS; read++) {
    const request: PageRequest = { limit: RUNS_AT_ONCE, cursor };
    const { data, next_cursor } = unwrap(await callThread(env, key, (stub) => stub.readRuns(key, request)));
    const run = data.find(isAsked);
    if (run !== undefined) return run;
    if (next_cursor === null || data.some(({ started_at }) => started_at !== null)) return null;
    cursor = next_cursor;
  }
  return null;
}

function actsOf(
  { user_id, run }: { user_id: string; run: AskedRun },
  answers: InterruptAnswer[],
  sourceOf: AnsweredBy | undefined,
): AuditedAct[] {
  return run.interrupts.flatMap((interrupt) => {
    const answer = answers.find(({ interrupt_id }) => interrupt_id === interrupt.id);
    const decision = answer === undefined ? null : readDecision(interrupt, answer);
    if (decision === null) return [];
    const { thread_id, invocation_id } = run;
    return [
      {
        action: decision.is_approved ? "approval.approve" : "approval.deny",
        user_id,
        // No call is behind a question for a higher cap.
        target: interrupt.tool_call_id || interrupt.id,
        details: { tool: readAskedTool(interrupt), thread_id, invocation_id, changed: decision.is_changed },
        ...(sourceOf && { source: sourceOf(interrupt.id), by: { user_id: null, key_id: null } }),
      },
    ];
  });
}
