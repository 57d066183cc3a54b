// Turns what the loop says into the journal, the rows and the state: a fact and everything that follows from it is one
// transaction.
import type { LoopDelta, LoopFact } from "../agent/events.ts";
import { changedSteps } from "../agent/plan-changes.ts";
import type { PatchOperation, ThreadEvent } from "../protocol/event.ts";
import { newId } from "../protocol/ids.ts";
import type { Usage } from "../protocol/run.ts";
import type { Plan } from "../protocol/task.ts";
import { shapeOf, toolResult } from "./events.ts";
import { isoTime, type Life, storeRun, transact } from "./life.ts";
import { insertMessage, writePlan } from "./messages.ts";
import { keepResult } from "./results.ts";
import type { RunRecord } from "./runs.ts";
import { messagesSnapshot } from "./snapshot.ts";
import { storeSummary, storeTokenScale } from "./summaries.ts";

export function recordDelta(life: Life, record: RunRecord, delta: LoopDelta): void {
  const { journal } = life;
  if (delta.type === "part_delta") journal.addDelta(delta.part_id, delta.text);
  else if (delta.type === "part_started") journal.openPart(record.run.invocation_id, shapeOf(delta.part));
  else if (delta.type === "part_ended") journal.closePart(delta.part_id);
  else if (delta.type === "message_dropped") transact(life, () => dropParts(life, delta.message_id));
  else {
    const { type: name, ...value } = delta;
    journal.addEphemeral({ type: "CUSTOM", name, value } as ThreadEvent);
  }
}

export function dropParts(life: Life, message_id: string): void {
  life.journal.storeParts(
    message_id,
    () => false,
    () => messagesSnapshot(life),
  );
}

/**
 * Stores a fact. What has come out is progress: a life that dies after it has not died in vain. That a tool has begun is
 * none, since it may be the tool that ends each life; nor is a summary, which may be all that each life gets to.
 */
export function recordFact(life: Life, record: RunRecord, fact: LoopFact): void {
  transact(life, () => {
    if (fact.type !== "tool_started" && fact.type !== "context_compacted") record.lives = [];
    if (fact.type === "assistant_message") recordAssistant(life, record, fact);
    else if (fact.type === "tool_started") recordToolStart(life, record, fact);
    else if (fact.type === "tool_finished") recordToolEnd(life, record, fact);
    else recordSummary(life, record, fact);
    storeRun(life, record);
  });
}

function recordAssistant(life: Life, record: RunRecord, fact: Extract<LoopFact, { type: "assistant_message" }>): void {
  const { message, message_id, reasoning, partial, finish } = fact;
  insertMessage(life.database.sql, {
    message_id,
    invocation_id: record.run.invocation_id,
    agent_id: record.run.agent_id,
    type: "assistant",
    is_llm_message: true,
    content: message,
    metadata: { finish, ...(reasoning === "" ? {} : { reasoning }), ...(partial ? { partial: true } : {}) },
    created_at: isoTime(life),
  });
  const calls = new Set(message.tool_calls?.map(({ id }) => id));
  const shapes = new Set(life.journal.liveParts().map(({ part_id, heads }) => (isToolCall(heads) ? "" : part_id)));
  life.journal.storeParts(
    message_id,
    (part_id) => calls.has(part_id) || shapes.has(part_id),
    () => messagesSnapshot(life),
  );
  if (!partial) record.run.steps += 1;
  if (fact.usage !== null) record.run.usage = addUsage(record.run.usage, fact.usage);
  storeTokenScale(life.database.sql, record.run.model, fact.token_scale);
}

function isToolCall(heads: ThreadEvent[]): boolean {
  return heads[0]?.type === "TOOL_CALL_START";
}

function recordToolStart(life: Life, record: RunRecord, fact: Extract<LoopFact, { type: "tool_started" }>): void {
  record.started_calls = [...new Set([...record.started_calls, fact.tool_call_id])];
  if (fact.plan !== undefined) recordPlan(life, record, fact.plan);
}

function recordToolEnd(life: Life, record: RunRecord, fact: Extract<LoopFact, { type: "tool_finished" }>): void {
  const { message, message_id, name, is_error, details, plan, preview, whole } = fact;
  record.started_calls = record.started_calls.filter((id) => id !== message.tool_call_id);
  const seq = insertMessage(life.database.sql, {
    message_id,
    invocation_id: record.run.invocation_id,
    agent_id: record.run.agent_id,
    type: "tool",
    is_llm_message: true,
    content: message,
    metadata: { name, is_error, details },
    created_at: isoTime(life),
  });
  if (whole !== undefined) keepResult(life.database.sql, seq, message.tool_call_id, whole);
  life.journal.addFact(record.run.invocation_id, toolResult(message_id, message));
  if (plan !== undefined) recordPlan(life, record, plan);
  if (preview !== undefined) recordPatch(life, record, life.state.addPreview(preview));
}

/** A row and no event: people still see all that it stands for. Its tokens are the run's, and it is no step. */
function recordSummary(life: Life, record: RunRecord, fact: Extract<LoopFact, { type: "context_compacted" }>): void {
  const { invocation_id, agent_id } = record.run;
  storeSummary(life.database.sql, fact, { invocation_id, agent_id, created_at: isoTime(life) });
  if (fact.usage !== null) record.run.usage = addUsage(record.run.usage, fact.usage);
}

/** The plan's row, one STATE_DELTA, and the steps that began or ended by it. Inside a transaction. */
export function recordPlan(life: Life, record: RunRecord, plan: Plan): void {
  const { invocation_id, agent_id } = record.run;
  const { started, finished } = changedSteps(life.state.plan, plan);
  const message_id = newId("msg");
  writePlan(life.database.sql, plan, { message_id, invocation_id, agent_id, created_at: isoTime(life) });
  life.outbox.markPlan();
  recordPatch(life, record, life.state.setPlan(plan));
  for (const stepName of finished) closeStep(life, record, stepName);
  for (const stepName of started) {
    openStep(life, record, stepName);
    // Begun and ended by one call.
    if (finished.includes(stepName)) closeStep(life, record, stepName);
  }
}

/** Inside a transaction. */
export function recordPatch(life: Life, record: RunRecord, delta: PatchOperation[]): void {
  if (delta.length > 0) life.journal.addFact(record.run.invocation_id, { type: "STATE_DELTA", delta });
}

/** Inside a transaction. */
export function openStep(life: Life, record: RunRecord, stepName: string): void {
  if (life.openSteps.has(stepName)) return;
  life.openSteps.add(stepName);
  life.journal.addFact(record.run.invocation_id, { type: "STEP_STARTED", stepName });
}

/** Inside a transaction. */
export function closeStep(life: Life, record: RunRecord, stepName: string): void {
  if (!life.openSteps.delete(stepName)) return;
  life.journal.addFact(record.run.invocation_id, { type: "STEP_FINISHED", stepName });
}

function addUsage(sum: Usage, more: Usage): Usage {
  return {
    input_tokens: sum.input_tokens + more.input_tokens,
    cached_input_tokens: sum.cached_input_tokens + more.cached_input_tokens,
    output_tokens: sum.output_tokens + more.output_tokens,
    cost_usd: more.cost_usd === null ? sum.cost_usd : (sum.cost_usd ?? 0) + more.cost_usd,
  };
}
