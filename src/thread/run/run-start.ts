// The start of a run: its input becomes rows and its first events; and what a later life does instead.
import { dueTask } from "../../agent/plan/view.ts";
import { takeLonger } from "../../protocol/chain.ts";
import type { ThreadEvent } from "../../protocol/event.ts";
import { newId } from "../../protocol/ids.ts";
import type { ToolMessage, UserMessage } from "../../protocol/message.ts";
import { findInterrupted, isAnswer, resultOf } from "../inbox/interrupts.ts";
import { isoTime, type Life, storeRun, transact } from "../life.ts";
import { insertMessage } from "../rows/messages.ts";
import { type RunRecord, trimInput } from "../rows/runs.ts";
import type { RequestedEnd } from "../rows/shapes/run-record.ts";
import { runStarted, toolResult, toUserMessage } from "../stream/events.ts";
import { openStep } from "./recorder.ts";

// Five lives within ten minutes that leave nothing behind: then the run itself is what ends them.
const MOST_LIVES = 5;
const LIVES_WINDOW_MS = 10 * 60_000;
// However long each of them took: lives that end each quarter of an hour never meet the window.
const MOST_LIVES_IN_ALL = 20;

export function startRun(life: Life, record: RunRecord): void {
  transact(life, () => {
    const { run, input } = record;
    const interrupted = findInterrupted(life, record);
    run.status = "running";
    run.attempt = 1;
    run.instance_id = life.instance_id;
    run.started_at = isoTime(life);
    run.resumes = interrupted?.run.invocation_id ?? null;
    // An answer goes on with what was begun.
    if (interrupted !== null && (input?.resume || isAnswer(record, interrupted))) takeLonger(run, interrupted.run);
    record.lives = [life.ports.clock.now()];
    const messages = input?.messages ?? [];
    const said = messages.map(({ message_id, content }) => toUserMessage(message_id, content));
    const snapshot: ThreadEvent = { type: "STATE_SNAPSHOT", snapshot: life.state.value };
    // One row for both: a run starts with the first of two neighbouring numbers.
    record.start_seq = life.journal.addFact(run.invocation_id, runStarted(run, said), snapshot) - 1;
    if (!(life.newestStarted !== null && life.newestStarted.position > record.position)) life.newestStarted = record;
    openSteps(life, record);
    const answered = interrupted !== null && storeAnswers(life, record, interrupted);
    for (const result of input?.tool_results ?? []) {
      storeResult(life, record, result.message_id, result.tool_call_id, result.content, describeClientWork(life));
    }
    for (const [place, message] of messages.entries()) {
      storeMessage(life, record, message, !(answered && place === 0 && typeof message.content === "string"));
    }
    trimInput(record);
    storeRun(life, record, { input: true });
  });
}

/** For a life that finds the run at work: it goes on at the last stored fact. Its end where it must not. */
export function takeUpRun(life: Life, record: RunRecord): RequestedEnd | null {
  transact(life, () => {
    record.run.attempt += 1;
    record.run.instance_id = life.instance_id;
    countLife(life, record);
    storeRun(life, record);
  });
  return judgeLives(record);
}

/** Inside a transaction that stores the run. */
export function countLife(life: Life, record: RunRecord): void {
  record.lives = [...record.lives, life.ports.clock.now()];
}

export function judgeLives(record: RunRecord): RequestedEnd | null {
  const newest = record.lives.at(-1) ?? 0;
  const recent = record.lives.filter((at) => at > newest - LIVES_WINDOW_MS);
  const isLoop = recent.length > MOST_LIVES;
  if (!isLoop && record.lives.length <= MOST_LIVES_IN_ALL) return null;
  const times = isLoop ? `${MOST_LIVES} times within ten minutes` : `${MOST_LIVES_IN_ALL} times`;
  const message = `The server ended ${times} while it worked on this run, and nothing came of it.`;
  return { status: "failed", error: { code: "crash_loop", message } };
}

function openSteps(life: Life, record: RunRecord): void {
  for (const task of life.state.plan.tasks) if (task.status === "in_progress") openStep(life, record, task.id);
}

/** Gives the calls that asked their results, but those that are to be made; true where the message itself was the answer. */
function storeAnswers(life: Life, record: RunRecord, interrupted: RunRecord): boolean {
  const answers = record.input?.resume ?? null;
  const { interrupts } = interrupted.run;
  const first = record.input?.messages[0]?.content ?? null;
  const said = isAnswer(record, interrupted) ? first : null;
  for (const interrupt of interrupts) {
    const result = resultOf(interrupt, answers, said);
    if (result === null) continue;
    const metadata = result.said_at === null ? {} : { said_at: result.said_at };
    storeResult(life, record, newId("msg"), interrupt.tool_call_id, result.content, metadata);
  }
  return said !== null;
}

/** What a client did with its own tool is work for the task that is due. */
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
  metadata: Record<string, unknown> = {},
): void {
  const message: ToolMessage = { role: "tool", tool_call_id, content };
  insertMessage(life.database.sql, { ...rowOf(life, record), message_id, type: "tool", content: message, metadata });
  life.journal.addFact(record.run.invocation_id, toolResult(message_id, message));
}

/** A text that answered a question is kept for people; the model reads it as the result of its call. */
function storeMessage(
  life: Life,
  record: RunRecord,
  { message_id, content }: { message_id: string; content: UserMessage["content"] },
  is_llm_message: boolean,
): void {
  const message: UserMessage = { role: "user", content };
  insertMessage(life.database.sql, {
    ...rowOf(life, record),
    message_id,
    agent_id: null,
    type: "user",
    is_llm_message,
    content: message,
  });
}

function rowOf(life: Life, record: RunRecord) {
  const { invocation_id, agent_id } = record.run;
  return { invocation_id, agent_id, is_llm_message: true, created_at: isoTime(life) };
}
