// Records who approves or denies what a run asked, on whichever way the answer comes: one entry for each call, with the
// name of its tool and never its arguments. A run without answers costs nothing here.
import { readAskedTool } from "../../agent/calls/consent.ts";
import type { AuditSource } from "../../protocol/people/audit.ts";
import type { Run } from "../../protocol/run.ts";
import type { InterruptAnswer, RunInput, ThreadKey } from "../../protocol/thread.ts";
import { readDecision } from "../../thread/inbox/interrupts.ts";
import { callThread } from "../../thread/stub.ts";
import { type AuditedAct, type AuditNotes, auditedTogether } from "../audit.ts";
import type { AppContext } from "../context.ts";
import { unwrap } from "../errors.ts";

/** The run that asked is the newest that has started. Runs that wait may be newer. */
const NEWEST_RUNS = 20;

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

/** The same for answers that don't name the run that asked. */
export async function auditOpenAnswers<T>(
  context: AppContext,
  { user_id, thread_id, invocation_id, resume }: Pick<RunInput, "user_id" | "thread_id" | "invocation_id" | "resume">,
  work: (notes: AuditNotes) => Promise<T>,
): Promise<T> {
  if (resume === null) return await work({});
  const runs = await readNewest(context, { user_id, thread_id });
  const isAsked = ({ interrupts }: AskedRun) =>
    interrupts.some(({ id }) => resume.some(({ interrupt_id }) => interrupt_id === id));
  const run = runs.find(isAsked);
  // The thread refuses answers to what no run asks. Who names a run that there is only watches it.
  const isIdle = run === undefined || runs.some((known) => known.invocation_id === invocation_id);
  return isIdle ? await work({}) : await auditAnswers(context, { user_id, run }, resume, work);
}

async function readNewest({ env }: AppContext, key: ThreadKey): Promise<AskedRun[]> {
  const read = await callThread(env, key, (stub) => stub.readRuns(key, { limit: NEWEST_RUNS, cursor: null }));
  if (!read.ok && read.error.code === "not_found") return [];
  return unwrap(read).data;
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
        target: interrupt.tool_call_id,
        details: { tool: readAskedTool(interrupt), thread_id, invocation_id, changed: decision.is_changed },
        ...(sourceOf && { source: sourceOf(interrupt.id), by: { user_id: null, key_id: null } }),
      },
    ];
  });
}
