// Records what the loop emits in the journal, the rows and the state. A fact and everything that follows from it is
// stored in one transaction.
import type { LoopDelta, LoopFact, Part } from "../../agent/events.ts";
import { changedSteps } from "../../agent/plan/changes.ts";
import { logWarning } from "../../lib/log.ts";
import type { PatchOperation, ThreadEvent } from "../../protocol/event.ts";
import type { Receipt } from "../../protocol/plan/check.ts";
import type { Plan } from "../../protocol/plan/task.ts";
import { isoTime, type Life, storeRun, transact } from "../life.ts";
import { forgetHistory, noteOwn } from "../memory/kept-history.ts";
import { insertMessage, writePlan } from "../rows/messages.ts";
import { newOwnMessageId } from "../rows/own-ids.ts";
import { storeReceipts } from "../rows/receipts.ts";
import type { RunRecord } from "../rows/runs.ts";
import { foundSources, sawReceipt, shapeOf, toolResult } from "../stream/events.ts";
import { messagesSnapshot } from "../stream/snapshot.ts";
import { forgetIntroduced, storeIntroduced } from "./environment-notes.ts";
import { forgetSeenEdits, storeTimes } from "./plan-tracking.ts";
import { keepExtras } from "./reply-extras.ts";
import { keepResult } from "./results.ts";
import { addCited, addRead, storeSources } from "./sources.ts";
import { storeSummary, storeTokenScale } from "./summaries.ts";

/** The run id of events that happen while no run is active. */
const BETWEEN_RUNS = "";

export function recordDelta(life: Life, record: RunRecord, delta: LoopDelta): void {
  const { journal } = life;
  if (delta.type === "part_delta") journal.addDelta(delta.part_id, delta.text);
  else if (delta.type === "part_started") beginPart(life, record, delta.part);
  else if (delta.type === "part_ended") journal.closePart(delta.part_id);
  else if (delta.type === "message_dropped") transact(life, () => dropParts(life, delta.message_id));
  else {
    const { type: name, ...value } = delta;
    journal.addEphemeral({ type: "CUSTOM", name, value } as ThreadEvent);
  }
}

function beginPart(life: Life, record: RunRecord, part: Part): void {
  if (part.kind === "tool_call") life.callTimes.begin(part.message_id, part.part_id, isoTime(life));
  life.journal.openPart(record.run.invocation_id, shapeOf(part));
}

export function dropParts(life: Life, message_id: string): void {
  life.journal.storeParts(
    message_id,
    () => false,
    () => messagesSnapshot(life),
  );
}

/**
 * Stores a fact. A fact is progress, so the count of lives starts again. A started tool is no progress, since it may be
 * what ends each life; nor is a summary, since it may be all that each life gets done. A fact with `more` is held for the
 * next transaction, if nothing that is read before depends on it.
 */
export function recordFact(life: Life, record: RunRecord, fact: LoopFact, more = false): void {
  if (more && isPlain(fact)) {
    const stores = life.held?.stores ?? [];
    life.held = { record, stores: [...stores, () => storeFact(life, record, fact)] };
  } else
    transact(life, () => {
      storeFact(life, record, fact);
      storeRun(life, record);
    });
}

/** A fact of which nothing is read but its message. */
function isPlain(fact: LoopFact): boolean {
  if (fact.type === "assistant_message") return fact.seen_edits === undefined;
  if (fact.type === "tool_started") return fact.plan === undefined;
  if (fact.type === "context_compacted" || fact.type === "checks_settled") return false;
  const { plan, preview, introduces, sources, whole } = fact;
  return [plan, preview, introduces, sources, whole].every((more) => more === undefined);
}

/** All of a fact but the run's row. Inside a transaction. */
function storeFact(life: Life, record: RunRecord, fact: LoopFact): void {
  if (fact.type !== "tool_started" && fact.type !== "context_compacted") record.lives = [];
  if (fact.type === "assistant_message") recordAssistant(life, record, fact);
  else if (fact.type === "tool_started") recordToolStart(life, record, fact);
  else if (fact.type === "tool_finished") recordToolEnd(life, record, fact);
  else if (fact.type === "checks_settled") recordSettled(life, record, fact);
  else recordSummary(life, record, fact);
}

function recordAssistant(life: Life, record: RunRecord, fact: Extract<LoopFact, { type: "assistant_message" }>): void {
  const { message, message_id, reasoning, partial, finish, model, xml, task_id, seen_task_ids, usage, call_sources } =
    fact;
  const cites = message.content ? addCited(life.database.sql, record.run, message.content) : [];
  const seq = insertMessage(life.database.sql, {
    message_id,
    invocation_id: record.run.invocation_id,
    agent_id: record.run.agent_id,
    type: "assistant",
    is_llm_message: true,
    content: message,
    metadata: {
      finish,
      ...(model === undefined ? {} : { model }),
      ...(task_id === undefined ? {} : { task_id }),
      ...(seen_task_ids === undefined ? {} : { seen_task_ids }),
      ...(call_sources.size === 0 ? {} : { call_sources: Object.fromEntries(call_sources) }),
      ...(usage === null ? {} : { usage }),
      ...(reasoning === "" ? {} : { reasoning }),
      ...(partial ? { partial: true } : {}),
      ...(xml === undefined ? {} : { xml }),
      ...(cites.length === 0 ? {} : { cites }),
    },
    created_at: isoTime(life),
  });
  noteOwn(life);
  if (fact.extras !== undefined) keepExtras(life.database.sql, seq, fact.extras);
  const calls = new Set(message.tool_calls?.map(({ id }) => id));
  const shapes = new Set(
    life.journal.liveParts().map(({ part_id, startEvents }) => (isToolCall(startEvents) ? "" : part_id)),
  );
  life.journal.storeParts(
    message_id,
    (part_id) => calls.has(part_id) || shapes.has(part_id),
    () => messagesSnapshot(life),
  );
  if (!partial) record.run.steps += 1;
  if (fact.seen_edits !== undefined) forgetSeenEdits(life, fact.seen_edits);
  storeTokenScale(life, record.run.model, fact.token_scale);
}

function isToolCall(startEvents: ThreadEvent[]): boolean {
  return startEvents[0]?.type === "TOOL_CALL_START";
}

function recordToolStart(life: Life, record: RunRecord, fact: Extract<LoopFact, { type: "tool_started" }>): void {
  const { tool_call_id: id, task_id } = fact;
  // A call that a later life starts again keeps the time of its first start.
  if (!record.started_calls.some((call) => call.id === id)) {
    const call = { id, at: isoTime(life), ...(task_id === undefined ? {} : { task_id }) };
    record.started_calls = [...record.started_calls, call];
  }
  if (fact.plan !== undefined) recordPlan(life, record, fact.plan, { since: life.callTimes.since(id, isoTime(life)) });
}

function recordToolEnd(life: Life, record: RunRecord, fact: Extract<LoopFact, { type: "tool_finished" }>): void {
  const { message, message_id, name, is_error, details, plan, receipts, preview, introduces, whole, complete } = fact;
  const sources = fact.sources && storeSources(life.database.sql, fact.sources);
  const cites = complete ? addCited(life.database.sql, record.run, complete) : [];
  const begun = record.started_calls.find(({ id }) => id === message.tool_call_id);
  record.started_calls = record.started_calls.filter((call) => call !== begun);
  const seq = insertMessage(life.database.sql, {
    message_id,
    invocation_id: record.run.invocation_id,
    agent_id: record.run.agent_id,
    type: "tool",
    is_llm_message: true,
    content: message,
    metadata: {
      name,
      is_error,
      details,
      ...(begun?.task_id === undefined ? {} : { task_id: begun.task_id }),
      ...(begun?.at == null ? {} : { started_at: begun.at }),
      ...(sources === undefined ? {} : { sources: sources.map(({ n }) => n) }),
      ...(cites.length === 0 ? {} : { cites }),
      ...(fact.names_until === undefined ? {} : { names_until: fact.names_until }),
    },
    created_at: isoTime(life),
  });
  noteOwn(life);
  if (whole !== undefined) keepResult(life.database.sql, seq, message.tool_call_id, whole);
  life.journal.addFact(
    record.run.invocation_id,
    toolResult(message_id, message),
    ...(sources === undefined ? [] : [foundSources(message, sources)]),
  );
  if (sources !== undefined) addRead(record.run, sources);
  if (introduces !== undefined) storeIntroduced(life, introduces, seq);
  const now = isoTime(life);
  if (receipts !== undefined) recordReceipts(life, record, receipts);
  if (plan === undefined) life.callTimes.end(now);
  else recordPlan(life, record, plan, { since: life.callTimes.since(message.tool_call_id, now) });
  if (preview !== undefined) recordPatch(life, record, life.state.addPreview(preview));
}

/** What was seen stands in the plan, too: one transaction, so no task closes without its receipts. */
function recordSettled(life: Life, record: RunRecord, fact: Extract<LoopFact, { type: "checks_settled" }>): void {
  recordReceipts(life, record, fact.receipts);
  recordPlan(life, record, fact.plan);
}

/** Inside a transaction. `record`: the run that saw them; null for a person who has checks run again. */
export function recordReceipts(life: Life, record: RunRecord | null, receipts: readonly Receipt[]): void {
  if (receipts.length === 0) return;
  const invocation_id = record?.run.invocation_id ?? null;
  storeReceipts(
    life.database.sql,
    receipts.map((receipt) => ({ ...receipt, invocation_id })),
    life.outbox.receiptsThrough,
  );
  life.journal.addFact(invocation_id ?? BETWEEN_RUNS, ...receipts.map(sawReceipt));
  const left = receipts.filter(({ outcome, spec }) => outcome === "not_run" && spec.type !== "person").length;
  // Their reasons may quote commands.
  const { user_id, thread_id } = life.thread;
  if (left > 0) logWarning("checks_not_run", { user_id, thread_id, invocation_id, not_run: left, of: receipts.length });
}

/** A row and no event: people still see every summarized message. Its tokens count for the run, but it is no step. */
function recordSummary(life: Life, record: RunRecord, fact: Extract<LoopFact, { type: "context_compacted" }>): void {
  const { invocation_id, agent_id } = record.run;
  const keep_from = storeSummary(life.database.sql, fact, { invocation_id, agent_id, created_at: isoTime(life) });
  forgetIntroduced(life, keep_from);
  forgetHistory(life);
}

/**
 * Stores the plan's row and one STATE_DELTA, and for an active run the steps that started or finished. Inside a
 * transaction. Throws if the plan was not made from the stored one, since it would undo a change that came between: the
 * transaction fails, and the life ends. `hops`: how many webhooks in a row led to the change, if no run made it.
 * `since`: from when on it holds, if that is not now.
 */
export function recordPlan(
  life: Life,
  record: RunRecord | null,
  plan: Plan,
  { hops = 0, since }: { hops?: number; since?: string } = {},
): void {
  const before = life.state.plan;
  if (plan.version !== before.version + 1) throw new Error(`version ${plan.version} of a plan after ${before.version}`);
  const { invocation_id = null, agent_id = null } = record?.run ?? {};
  const created_at = isoTime(life);
  writePlan(life.database.sql, plan, { message_id: newOwnMessageId(), invocation_id, agent_id, created_at });
  storeTimes(life, before, plan, since ?? created_at);
  life.outbox.markPlan(record?.run ?? null, hops);
  const delta = life.state.setPlan(plan);
  if (record !== null) recordSteps(life, record, before, plan, delta);
  else
    life.journal.addFact(BETWEEN_RUNS, { type: "STATE_DELTA", delta: isStateUnsent(life) ? wholeState(life) : delta });
}

/** Before the first run no reader has received the state, so a difference has nothing to be applied to. */
function isStateUnsent(life: Life): boolean {
  return life.newestStarted === null;
}

function wholeState(life: Life): PatchOperation[] {
  return [{ op: "replace", path: "", value: life.state.value }];
}

function recordSteps(life: Life, record: RunRecord, before: Plan, plan: Plan, delta: PatchOperation[]): void {
  const { started, finished } = changedSteps(before, plan);
  recordPatch(life, record, delta);
  for (const stepName of finished) closeStep(life, record, stepName);
  for (const stepName of started) {
    openStep(life, record, stepName);
    // One call both started and finished it.
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
