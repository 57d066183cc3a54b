// The start of a run: its input becomes rows and its first events. A later life continues the run instead.
import type { NetworkRules } from "../../agent/context/environment.ts";
import { planFirstCall } from "../../agent/context/planned-call.ts";
import { estimateMessages, estimateText, separateImages } from "../../agent/context/tokens.ts";
import { dueTask } from "../../agent/plan/view.ts";
import { takeLonger } from "../../protocol/chain.ts";
import type { ThreadEvent } from "../../protocol/event.ts";
import type { SentImage, ToolMessage } from "../../protocol/message.ts";
import type { Interrupt } from "../../protocol/run.ts";
import type { RunInput } from "../../protocol/thread.ts";
import { readAnswered, storeJudgements } from "../checks/answered.ts";
import { noteInputs } from "../inbox/admission.ts";
import { findInterrupted, isAnswer, isSuggestion, resultOf } from "../inbox/interrupts.ts";
import { findRunBefore, isoTime, type Life, storeRun, transact } from "../life.ts";
import { noteWaiting } from "../memory/kept-history.ts";
import { insertMessage, insertMessages } from "../rows/messages.ts";
import { newOwnMessageId } from "../rows/own-ids.ts";
import { type RunRecord, trimInput } from "../rows/runs.ts";
import type { RequestedEnd } from "../rows/shapes/run-record.ts";
import { runStarted, toolResult, toUserMessage } from "../stream/events.ts";
import { supersede } from "../supersede/supersede.ts";
import { bringsResults, carryCount } from "../usage/pinned.ts";
import { storeEnvironmentNote } from "./environment-notes.ts";
import { openStep } from "./recorder.ts";
import { continueSpending, expectFirstCall } from "./spending.ts";

// If five lives within ten minutes end without progress, the run itself is what ends them.
const MAX_LIVES_IN_WINDOW = 5;
const LIVES_WINDOW_MS = 10 * 60_000;
// However long each life takes: lives that end every fifteen minutes never fill the window.
const MAX_LIVES = 20;

/** `network` is what the project's settings say of it, for a message whose note says so. */
export function startRun(life: Life, record: RunRecord, network: NetworkRules = null): void {
  transact(life, () => {
    beginRun(life, record, network);
    storeRun(life, record, { input: true });
  });
}

/** All of the start but the run's own row, which the caller stores. Inside a transaction. */
export function beginRun(life: Life, record: RunRecord, network: NetworkRules): void {
  const { run, input } = record;
  const replaced = supersede(life, record);
  const interrupted = replaced === null ? findInterrupted(life, record) : replaced.asked;
  const before = findRunBefore(life, record.position);
  const counted = before?.spending.size ?? null;
  if (input !== null && bringsResults(input)) record.spending = carryCount(record.spending, before);
  run.status = "running";
  run.attempt = 1;
  run.instance_id = life.instance_id;
  run.started_at = isoTime(life);
  run.resumes = interrupted?.run.invocation_id ?? null;
  // An answer continues the chain of the run that asked.
  if (interrupted !== null && (input?.resume || isAnswer(record, interrupted))) takeLonger(run, interrupted.run);
  record.lives = [life.ports.clock.now()];
  const messages = input?.messages ?? [];
  const said = messages.map(({ message_id, content }) => toUserMessage(message_id, content));
  const snapshot: ThreadEvent = { type: "STATE_SNAPSHOT", snapshot: life.state.value };
  // Both events share a row and have neighbouring numbers: the run starts with the first.
  record.start_seq = life.journal.addFact(run.invocation_id, runStarted(run, said), snapshot) - 1;
  if (!(life.newestStarted !== null && life.newestStarted.position > record.position)) life.newestStarted = record;
  openSteps(life, record);
  if (interrupted !== null) storeJudgements(life, record, interrupted);
  const isAnswered = interrupted !== null && storeAnswers(life, record, interrupted);
  for (const result of input?.tool_results ?? []) {
    storeResult(life, record, result.message_id, result.tool_call_id, result.content, describeClientWork(life));
  }
  storeSaid(life, record, { isAnswered, interrupts: interrupted?.run.interrupts ?? [] }, network);
  const asksModel = record.requested_end === null && readAnswered(life, record)?.nudge !== null;
  if (asksModel) expectFirst(life, record, counted);
  trimInput(record);
  noteInputs(life);
}

/** `counted`: the thread's last request and reply. */
function expectFirst(life: Life, record: RunRecord, counted: number | null): void {
  const { model } = record.run;
  const { config } = record.agent;
  const context_tokens = life.ports.contextTokens(model);
  const added = estimateInput(record.input);
  expectFirstCall(life, record, planFirstCall({ model, agent: config, context_tokens, counted, ...added }));
}

/** What an input adds to the conversation, by our estimate, and its images, which are not in that. */
function estimateInput(input: RunInput | null): { tokens: number; images: SentImage[] } {
  const said = (input?.messages ?? []).map(({ content }) => ({ role: "user" as const, content }));
  const results = (input?.tool_results ?? []).reduce((sum, { content }) => sum + estimateText(content), 0);
  const { images, tokens } = separateImages(said);
  return { tokens: estimateMessages(said) - tokens + results, images };
}

/** For a life that finds the run active. What a former life left reserved stays charged. Returns the run's end if it is in a crash loop. */
export function continueRun(life: Life, record: RunRecord): RequestedEnd | null {
  transact(life, () => {
    record.run.attempt += 1;
    record.run.instance_id = life.instance_id;
    continueSpending(life, record);
    storeRun(life, record);
  });
  return findCrashLoop(record);
}

/** Inside a transaction that also stores the run. */
export function countLife(life: Life, record: RunRecord): void {
  record.lives = [...record.lives, life.ports.clock.now()];
}

export function findCrashLoop(record: RunRecord): RequestedEnd | null {
  const newest = record.lives.at(-1) ?? 0;
  const recent = record.lives.filter((at) => at > newest - LIVES_WINDOW_MS);
  const isLoop = recent.length > MAX_LIVES_IN_WINDOW;
  if (!isLoop && record.lives.length <= MAX_LIVES) return null;
  const times = isLoop ? `${MAX_LIVES_IN_WINDOW} times within ten minutes` : `${MAX_LIVES} times`;
  const message = `The server ended ${times} while it worked on this run, and nothing came of it.`;
  return { status: "failed", error: { code: "crash_loop", message } };
}

function openSteps(life: Life, record: RunRecord): void {
  for (const task of life.state.plan.tasks) if (task.status === "in_progress") openStep(life, record, task.id);
}

/**
 * Stores the results of the calls that asked, except of approved ones, which are still to be made. Returns whether the
 * run's message was the answer.
 */
function storeAnswers(life: Life, record: RunRecord, interrupted: RunRecord): boolean {
  const answers = record.input?.resume ?? null;
  const { interrupts } = interrupted.run;
  const first = record.input?.messages[0]?.content ?? null;
  const said = isAnswer(record, interrupted) ? first : null;
  for (const interrupt of interrupts) {
    const result = resultOf(interrupt, answers, said);
    if (result === null) continue;
    const { said_at, chosen } = result;
    const metadata = { ...(said_at === null ? {} : { said_at }), ...(chosen ? { chosen } : {}) };
    storeResult(life, record, newOwnMessageId(), interrupt.tool_call_id, result.content, metadata);
  }
  return said !== null;
}

/** A client's call of its own tool counts as work for the due task. */
function describeClientWork(life: Life): Record<string, unknown> {
  const due = dueTask(life.state.plan);
  return due === null ? {} : { task_id: due.id };
}

function storeResult(
  life: Life,
  record: RunRecord,
  message_id: string,
  tool_call_id: string,
  content: string,
  metadata: Record<string, unknown> & { said_at?: number } = {},
): void {
  const message: ToolMessage = { role: "tool", tool_call_id, content };
  const row = { ...rowOf(life, record), message_id, type: "tool" as const, content: message, metadata };
  const seq = insertMessage(life.database.sql, row);
  noteWaiting(life, { seq, message, said_at: metadata.said_at ?? null });
  life.journal.addFact(record.run.invocation_id, toolResult(message_id, message));
}

/** Stores what people said. They see a text that answered a question; the model reads it as the result of its call. */
function storeSaid(
  life: Life,
  record: RunRecord,
  { isAnswered, interrupts }: { isAnswered: boolean; interrupts: Interrupt[] },
  network: NetworkRules,
): void {
  const { messages = [], from_history } = record.input ?? {};
  if (messages.length === 0) return;
  const shared = { ...rowOf(life, record), agent_id: null, type: "user" as const };
  const rows = messages.map(({ message_id, content }, place) => ({
    ...shared,
    message_id,
    is_llm_message: !(isAnswered && place === 0 && typeof content === "string"),
    content: { role: "user" as const, content },
    metadata: {
      ...(isSuggestion(interrupts, content) ? { chosen: true } : {}),
      ...(from_history === true ? { client_history: true } : {}),
    },
  }));
  const first = insertMessages(life.database.sql, rows);
  const firstRead = rows.findIndex(({ is_llm_message }) => is_llm_message);
  for (const [place, { is_llm_message, content: message }] of rows.entries()) {
    const seq = first + place;
    if (is_llm_message) noteWaiting(life, { seq, message, said_at: null });
    if (place === firstRead) storeEnvironmentNote(life, record, seq, network);
  }
}

function rowOf(life: Life, record: RunRecord) {
  const { invocation_id, agent_id } = record.run;
  return { invocation_id, agent_id, is_llm_message: true, created_at: isoTime(life) };
}
