// Questions that a run ended with, and their answers: checked when they come in, applied when the next run starts.
import { fail, type Result } from "../protocol/error.ts";
import { textOf, type UserContent } from "../protocol/message.ts";
import { type Interrupt, isTerminal } from "../protocol/run.ts";
import type { InterruptAnswer } from "../protocol/thread.ts";
import { findRunBefore, type Life } from "./life.ts";
import type { RunRecord } from "./runs.ts";

export const NOT_ANSWERED = "The person did not answer this question.";

/** Null where the answers cover exactly the open interrupts of the newest run. */
export function checkAnswers(life: Life, answers: InterruptAnswer[]): Result<never> | null {
  const newest = life.newestStarted;
  // A run that waits to start answers or cancels them already.
  const taken = [...life.live.values()].some(({ run }) => !isTerminal(run.status));
  const open = newest?.run.status === "interrupted" && !taken ? newest.run.interrupts : [];
  const unknown = answers.find((answer) => !open.some(({ id }) => id === answer.interrupt_id));
  if (unknown !== undefined || open.length === 0) {
    return fail("interrupt_answered", `The interrupt ${unknown?.interrupt_id ?? ""} is not open (any more).`);
  }
  const missing = open.find(({ id }) => !answers.some((answer) => answer.interrupt_id === id));
  if (missing !== undefined) return fail("interrupts_uncovered", `The interrupt ${missing.id} is not answered.`);
  const wrong = answers.find((answer) => answer.status === "resolved" && typeof answer.payload !== "string");
  if (wrong !== undefined) return fail("invalid_field", `The payload of ${wrong.interrupt_id} must be a string.`);
  return null;
}

/** The interrupted run that this one follows directly; it is what this one answers. */
export function findInterrupted(life: Life, record: RunRecord): RunRecord | null {
  const before = findRunBefore(life, record.position);
  return before?.run.status === "interrupted" ? before : null;
}

/** The result of the call that asked: the answer given, or a plain message where it is the only question. */
export function answerTo(
  interrupt: Interrupt,
  lone: boolean,
  answers: InterruptAnswer[] | null,
  said: UserContent | null,
): string {
  const answer = answers?.find(({ interrupt_id }) => interrupt_id === interrupt.id);
  if (answer?.status === "resolved") return String(answer.payload);
  if (answers === null && said !== null && lone && interrupt.reason === "question") return textOf(said);
  return NOT_ANSWERED;
}
