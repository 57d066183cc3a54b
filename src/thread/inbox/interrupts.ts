// Interrupts of a run (questions, approvals, a plan) and their answers. Answers are checked when they arrive and
// applied when the next run starts. An answer is either the result of the call that asked, or a grant: then the loop
// makes the call.
//
// Expiry needs no alarm, since it only makes a late answer refused. An open interrupt costs nothing.
import type { Grant } from "../../agent/calls/consent.ts";
import { checkArguments } from "../../agent/calls/tool-arguments.ts";
import { handOf } from "../../agent/checks/make.ts";
import { createTasksInput } from "../../agent/plan/arguments.ts";
import { createTasks } from "../../agent/plan/rules.ts";
import type { Tool } from "../../agent/tool.ts";
import { isRecord } from "../../lib/is-record.ts";
import { cutEnd } from "../../lib/truncate.ts";
import { fail, type Result, succeed } from "../../protocol/error.ts";
import { newId } from "../../protocol/ids.ts";
import { textOf, type UserContent } from "../../protocol/message.ts";
import { capNames } from "../../protocol/money/caps.ts";
import { type Interrupt, isTerminal } from "../../protocol/run.ts";
import type { InterruptAnswer } from "../../protocol/thread.ts";
import { checkRaise } from "../caps/raise.ts";
import { findRunBefore, type Life } from "../life.ts";
import { readMessagesBefore } from "../rows/messages.ts";
import type { RunRecord } from "../rows/runs.ts";

export const NOT_ANSWERED = "The person did not answer this question.";
const NOT_APPROVED =
  "declined: the person did not approve this call, so it was not made. Don't make it again in this or another form: go on without it, or ask what they want instead.";
const PLAN_NOT_APPROVED =
  "declined: the person did not approve this plan, so nothing was planned. Make another plan that does what they said, or ask what should be different.";

/** Enough to reach the message that asked: only results of its other calls come after it. */
const NEWEST_ROWS = 300;
/** Limits a person's reason, which the model reads. */
const REASON_CHARACTERS = 4_000;

/** A payload, parsed. */
type Reading =
  | { kind: "text"; text: string }
  | { kind: "approved"; arguments: Record<string, unknown> | null; said?: string }
  | { kind: "declined"; reason: string };

/** Null if the answers cover exactly the open interrupts of the newest run. */
export function checkAnswers(life: Life, answers: InterruptAnswer[]): Result<never> | null {
  const newest = life.newestStarted;
  // A run that waits to start already answers or cancels them.
  const taken = [...life.live.values()].some(({ run }) => !isTerminal(run.status));
  const open = newest?.run.status === "interrupted" && !taken ? newest.run.interrupts : [];
  const unknown = answers.find((answer) => !open.some(({ id }) => id === answer.interrupt_id));
  if (unknown !== undefined || open.length === 0) {
    return fail("interrupt_answered", `The interrupt ${unknown?.interrupt_id ?? ""} is not open (any more).`);
  }
  const missing = open.find(({ id }) => !answers.some((answer) => answer.interrupt_id === id));
  if (missing !== undefined) return fail("interrupts_uncovered", `The interrupt ${missing.id} is not answered.`);
  for (const interrupt of open) {
    const given = answers.filter(({ interrupt_id }) => interrupt_id === interrupt.id);
    if (given.length > 1) return fail("invalid_field", `The interrupt ${interrupt.id} is answered twice.`);
    const problem = given[0]?.status === "resolved" ? checkPayload(life, interrupt, given[0].payload) : null;
    if (problem !== null) return problem;
  }
  return null;
}

function checkPayload(life: Life, interrupt: Interrupt, payload: unknown): Result<never> | null {
  if (hasExpired(interrupt, life.ports.clock.now())) {
    const detail = `The interrupt ${interrupt.id} expired at ${interrupt.expires_at}; it can only be cancelled.`;
    return fail("interrupt_answered", detail);
  }
  const reading = readPayload(interrupt, payload);
  if (!reading.ok) return reading;
  if (interrupt.reason === "budget") return checkRaised(life, reading.value);
  if (reading.value.kind !== "approved" || reading.value.arguments === null) return null;
  return checkChanges(life, interrupt, reading.value.arguments);
}

function checkRaised(life: Life, reading: Reading): Result<never> | null {
  if (reading.kind !== "approved") return null;
  const wrong = checkRaise(life.newestStarted?.spending.asks ?? null, reading.arguments ?? {});
  return wrong === null ? null : fail("invalid_field", `The payload raises no cap: ${wrong}.`);
}

/** Checks a person's changes by the tool's own rules while the person can still correct them. */
function checkChanges(life: Life, interrupt: Interrupt, changed: Record<string, unknown>): Result<never> | null {
  if (interrupt.reason === "plan_approval") {
    const input = createTasksInput.safeParse(changed);
    const problem = input.success ? createTasks(life.state.plan, input.data, newId, handOf("person")) : null;
    if (problem?.ok) return null;
    return fail(
      "invalid_operation",
      problem?.message ?? "sections must be [{title, tasks: [text or {content, checks}]}] with at least one task.",
    );
  }
  const tool = findTool(life, interrupt);
  const checked = tool ? checkArguments(tool, JSON.stringify(changed), false) : null;
  return checked === null || checked.ok ? null : fail("invalid_field", `arguments: ${checked.message}`);
}

/** The tool of the call that asked, which is in the newest assistant message. */
function findTool({ database, thread, ports }: Life, { tool_call_id }: Interrupt): Tool | undefined {
  const newest = readMessagesBefore(database.sql, thread, Number.MAX_SAFE_INTEGER, NEWEST_ROWS).find(
    ({ type }) => type === "assistant",
  );
  const calls = newest?.type === "assistant" ? newest.content.tool_calls : [];
  const name = calls?.find(({ id }) => id === tool_call_id)?.function.name;
  return ports.tools.find((tool) => tool.name === name);
}

const yes = new Set(["approve", "approved", "yes", "y", "ok", "true", "allow", "同意", "批准", "是", "好"]);
const no = new Set([
  "decline",
  "declined",
  "deny",
  "denied",
  "reject",
  "rejected",
  "no",
  "n",
  "false",
  "拒绝",
  "不同意",
  "否",
]);

/** A decision is `{approved, …}`. Clients with a button or a line of text may also send a boolean or a plain word. */
function readPayload({ id, reason }: Interrupt, payload: unknown): Result<Reading> {
  if (reason === "question") {
    if (typeof payload === "string") return succeed({ kind: "text", text: payload });
    return fail("invalid_field", `The payload of ${id} must be a string.`);
  }
  const word = typeof payload === "string" ? payload.trim().toLowerCase() : payload;
  if (word === true || (typeof word === "string" && yes.has(word)))
    return succeed({ kind: "approved", arguments: null });
  if (word === false || (typeof word === "string" && no.has(word))) return succeed({ kind: "declined", reason: "" });
  const changes = reason === "budget" ? capNames : [reason === "plan_approval" ? "sections" : "arguments"];
  // Clients may send back what the answer is about.
  const known = ["approved", "reason", ...(reason === "check" ? ["tree"] : changes)];
  const wrong = isRecord(payload) ? Object.keys(payload).find((name) => !known.includes(name)) : undefined;
  if (!isRecord(payload) || typeof payload.approved !== "boolean" || wrong !== undefined) {
    return fail(
      "invalid_field",
      `The payload of ${id} must be {"approved": true | false, ${known
        .slice(1)
        .map((name) => `"${name}"?`)
        .join(", ")}}.`,
    );
  }
  if (payload.reason !== undefined && typeof payload.reason !== "string") {
    return fail("invalid_field", `The reason in the payload of ${id} must be a string.`);
  }
  if (!payload.approved) return succeed({ kind: "declined", reason: payload.reason ?? "" });
  if (reason === "budget") return succeed({ kind: "approved", arguments: pickCaps(payload) });
  if (reason === "check") return succeed({ kind: "approved", arguments: null, said: payload.reason ?? "" });
  const changed = payload[reason === "plan_approval" ? "sections" : "arguments"];
  if (changed === undefined || changed === null) return succeed({ kind: "approved", arguments: null });
  if (reason === "plan_approval") return succeed({ kind: "approved", arguments: { sections: changed } });
  if (isRecord(changed)) return succeed({ kind: "approved", arguments: changed });
  return fail("invalid_field", `The arguments in the payload of ${id} must be an object.`);
}

/** Null if the person left it to the server how far to raise the cap. */
function pickCaps(payload: Record<string, unknown>): Record<string, unknown> | null {
  const given = capNames.filter((name) => payload[name] != null).map((name) => [name, payload[name]]);
  return given.length === 0 ? null : Object.fromEntries(given);
}

/**
 * What a person said to a run that asked for more: the caps that they named, or that it may not go on. Null if the run
 * did not ask for that, or the input is no answer to it.
 */
export function readRaise(
  { run: { interrupts } }: RunRecord,
  answers: InterruptAnswer[] | null,
): { approved: boolean; caps: Record<string, unknown> } | null {
  const asked = interrupts.find(({ reason }) => reason === "budget");
  if (asked === undefined || answers === null) return null;
  const reading = readAnswer(asked, answers);
  if (reading?.kind !== "approved") return { approved: false, caps: {} };
  return { approved: true, caps: reading.arguments ?? {} };
}

/** Whether the answer approves what was asked; null if it is a question that was asked, or the answer can't be read. */
export function readDecision(
  interrupt: Interrupt,
  { status, payload }: InterruptAnswer,
): { is_approved: boolean; is_changed: boolean } | null {
  if (interrupt.reason === "question") return null;
  if (status === "cancelled") return { is_approved: false, is_changed: false };
  const reading = readPayload(interrupt, payload);
  if (!reading.ok) return null;
  const is_approved = reading.value.kind === "approved";
  return { is_approved, is_changed: reading.value.kind === "approved" && reading.value.arguments !== null };
}

export function hasExpired({ expires_at }: Interrupt, now: number): boolean {
  return expires_at !== null && Date.parse(expires_at) <= now;
}

/** The run directly before this one, if it was interrupted: this one answers it. */
export function findInterrupted(life: Life, record: RunRecord): RunRecord | null {
  const before = findRunBefore(life, record.position);
  return before?.run.status === "interrupted" ? before : null;
}

/** The calls that the run's answers approve, by id: the loop makes them. */
export function readGrants(life: Life, record: RunRecord): Map<string, Grant> {
  const interrupts = record.run.resumes === null ? [] : (findInterrupted(life, record)?.run.interrupts ?? []);
  const answers = record.input?.resume ?? [];
  return new Map(
    interrupts.flatMap((interrupt) => {
      const reading = readAnswer(interrupt, answers);
      const { reason, checks } = interrupt;
      if (reading?.kind !== "approved" || (reason !== "approval" && reason !== "plan_approval")) return [];
      const asked = checks === undefined ? {} : { checks };
      return [[interrupt.tool_call_id, { arguments: reading.arguments, reason, ...asked }] as const];
    }),
  );
}

/** What a person said of finished work, with their words; null if they said nothing of it. */
export function readJudgement(
  interrupt: Interrupt,
  answers: readonly InterruptAnswer[],
): { is_content: boolean; note: string } | null {
  const reading = readAnswer(interrupt, answers);
  if (reading?.kind === "approved") return { is_content: true, note: reading.said ?? "" };
  return reading?.kind === "declined" ? { is_content: false, note: reading.reason } : null;
}

function readAnswer(interrupt: Interrupt, answers: readonly InterruptAnswer[]): Reading | null {
  const answer = answers.find(({ interrupt_id }) => interrupt_id === interrupt.id);
  const reading = answer?.status === "resolved" ? readPayload(interrupt, answer.payload) : null;
  return reading?.ok ? reading.value : null;
}

/**
 * Whether a run's plain message answers the only open question. A message that was sent before the question was asked,
 * and waited or came too late to steer, is no answer.
 */
export function isAnswer({ run, input }: RunRecord, asked: RunRecord): boolean {
  const { interrupts, finished_at } = asked.run;
  const [interrupt] = interrupts;
  if (input?.resume || interrupts.length !== 1 || interrupt?.reason !== "question") return false;
  const isEarlier = input?.answers_nothing === true || run.created_at < (finished_at ?? "");
  return !isEarlier && !hasExpired(interrupt, Date.parse(run.created_at));
}

/**
 * `said_at`: the offset at which the person's own words begin; null if they said nothing. `chosen`: the answer is a
 * suggestion of the question, so its words are the model's.
 */
interface AnsweredResult {
  content: string;
  said_at: number | null;
  chosen: boolean;
}

/**
 * The result of the call that asked; null if it was approved, since then it is still to be made, or if no call asked.
 */
export function resultOf(
  interrupt: Interrupt,
  answers: InterruptAnswer[] | null,
  /** The message that answers it. */
  said: UserContent | null,
): AnsweredResult | null {
  const reading = readAnswer(interrupt, answers ?? []);
  if (reading?.kind === "approved" || interrupt.reason === "budget" || interrupt.reason === "check") return null;
  const answer = reading?.kind === "text" ? reading.text : said === null ? null : textOf(said);
  if (interrupt.reason === "question") {
    if (answer === null) return { content: NOT_ANSWERED, said_at: null, chosen: false };
    return { content: answer, said_at: 0, chosen: isSuggested(interrupt, answer) };
  }
  const declined = interrupt.reason === "approval" ? NOT_APPROVED : PLAN_NOT_APPROVED;
  const reason = cutEnd(reading?.kind === "declined" ? reading.reason.trim() : "", REASON_CHARACTERS);
  if (reason === "") return { content: declined, said_at: null, chosen: false };
  const head = `${declined} They said: `;
  return { content: head + reason, said_at: head.length, chosen: false };
}

/** Whether a message that follows the questions is a suggestion of one of them, even if it does not answer it. */
export function isSuggestion(interrupts: Interrupt[], content: UserContent): boolean {
  return interrupts.some((interrupt) => isSuggested(interrupt, textOf(content)));
}

function isSuggested({ response_schema }: Interrupt, answer: string): boolean {
  const suggested: unknown[] = Array.isArray(response_schema.enum) ? response_schema.enum : [];
  return suggested.some((text) => typeof text === "string" && text.trim() === answer.trim());
}
