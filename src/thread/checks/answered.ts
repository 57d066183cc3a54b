// What people have said of finished work. It is stored with the start of the run that brings the answers, so each
// question has one receipt for each time that it was asked, and a later life of that run finds all of it.
import { describeAnswers, type PersonAnswer, withAnswers } from "../../agent/checks/people/answers.ts";
import type { AnsweredQuestions } from "../../agent/ports.ts";
import { isRecord } from "../../lib/is-record.ts";
import type { Interrupt } from "../../protocol/run.ts";
import type { InterruptAnswer } from "../../protocol/thread.ts";
import { findInterrupted, readJudgement } from "../inbox/interrupts.ts";
import { isoTime, type Life } from "../life.ts";
import { readReceiptsOf } from "../rows/receipts.ts";
import type { RunRecord } from "../rows/runs.ts";
import { recordPlan, recordReceipts } from "../run/recorder.ts";

/** Inside the transaction that starts the run. A run that brings no answers leaves the questions as not answered. */
export function storeJudgements(life: Life, record: RunRecord, interrupted: RunRecord): void {
  const asked = interrupted.run.interrupts.filter(({ reason }) => reason === "check");
  if (asked.length === 0) return;
  const given = record.input?.resume ?? [];
  const answers = asked.map((interrupt) => toAnswer(interrupt, given));
  const { invocation_id } = record.run;
  const { plan, receipts } = withAnswers(life.state.plan, answers, { invocation_id, at: isoTime(life) });
  if (receipts.length === 0) return;
  recordReceipts(life, record, receipts);
  recordPlan(life, record, plan);
}

function toAnswer(interrupt: Interrupt, given: readonly InterruptAnswer[]): PersonAnswer {
  const { message, response_schema } = interrupt;
  const judgement = readJudgement(interrupt, given);
  const question = typeof response_schema.title === "string" ? response_schema.title : message;
  const outcome = judgement === null ? "not_run" : judgement.is_content ? "passed" : "failed";
  return { question, outcome, note: judgement?.note ?? "", tree: readTree(response_schema) };
}

function readTree({ properties }: Record<string, unknown>): string | null {
  const tree = isRecord(properties) ? properties.tree : undefined;
  return isRecord(tree) && typeof tree.const === "string" ? tree.const : null;
}

/** Null unless the run brings answers to such questions and nothing else. */
export function readAnswered(life: Life, record: RunRecord): AnsweredQuestions | null {
  const { run, input } = record;
  if (run.resumes === null || input?.resume == null || input.resume.length === 0) return null;
  const asked = findInterrupted(life, record);
  if (asked === null || !asked.run.interrupts.some(({ reason }) => reason === "check")) return null;
  const receipts = readReceiptsOf(life.database.sql, run.invocation_id);
  return { text: asked.run.result?.text ?? "", nudge: describeAnswers(life.state.plan, receipts) };
}
