// A run from its start to its end. `ensureRunning` is the only entry point. It is idempotent, so anything may call it:
// it continues the run that a former life left, or starts the next run of the inbox.

import { withAlwaysApproved } from "../../agent/calls/always-approved.ts";
import type { NetworkRules } from "../../agent/context/environment.ts";
import type { LoopOutcome } from "../../agent/events.ts";
import { runAgent } from "../../agent/loop.ts";
import { withPermittedImages } from "../../agent/permitted-images.ts";
import type { LoopInput, LoopPorts } from "../../agent/ports.ts";
import type { Sandbox } from "../../agent/sandbox.ts";
import type { Spending } from "../../agent/spending.ts";
import { describeError, type LogFields, logError, logWarning } from "../../lib/log.ts";
import { giveWay, withinTime } from "../../lib/time-limit.ts";
import { isTerminal } from "../../protocol/run.ts";
import { readAnswered } from "../checks/answered.ts";
import { endChecks, RUN_BEGAN } from "../checks/check-run-end.ts";
import { ofRun, openChecks } from "../checks/open-checks.ts";
import { openProject } from "../checks/project.ts";
import { noteCut, readSeenChecks } from "../checks/unseen.ts";
import { isLongHistory, MANY_MESSAGES } from "../inbox/history.ts";
import { readGrants } from "../inbox/interrupts.ts";
import { takeSteered } from "../inbox/steering.ts";
import { type Life, noteError, stopActive, storeHeld, storeRequestedEnd, transact } from "../life.ts";
import { closeHistory, openHistory } from "../memory/kept-history.ts";
import { newOwnMessageId } from "../rows/own-ids.ts";
import type { RunRecord } from "../rows/runs.ts";
import { sleep } from "../sleep.ts";
import { trimMemory, watchIdle } from "../stream/streams.ts";
import { knownNetwork } from "./environment-notes.ts";
import { introducer } from "./introduction.ts";
import { readLedger } from "./ledger.ts";
import { openModelMemory } from "./model-memory.ts";
import { openTools } from "./open-tools.ts";
import { isFormerPlan, readSeenByCalls, readUnseenEdits } from "./plan-tracking.ts";
import { recordDelta, recordFact, recordPatch } from "./recorder.ts";
import { readResult } from "./results.ts";
import { openRunCache } from "./run-cache.ts";
import { endRun, endUnstarted, releaseRun } from "./run-end.ts";
import { continueRun, findCrashLoop, startRun } from "./run-start.ts";
import { openSources } from "./sources.ts";
import { startSpending } from "./spending.ts";
import { readTokenScale } from "./summaries.ts";

// D1 gets an active run early, for lists across threads; reads of one thread ask the object itself.
const SYNC_AFTER_MS = 1_000;
const LINKS_LIMIT_MS = 5_000;
// The first token waits for it, and the answer is one sentence to the model.
const PROJECT_LIMIT_MS = 2_000;

export function ensureRunning(life: Life): void {
  if (life.active !== null) return;
  const runs = [...life.live.values()];
  const [record] = runs;
  if (record === undefined) return;
  // A background run waits for its job, unless its end is requested or a run behind it may start: runs keep the order
  // of the inbox, not the queue's.
  const waits = record.run.status === "queued" && record.requested_end === null;
  if (waits && !runs.some(({ startable }) => startable)) return;
  drive(life, record);
}

/** Makes the run the active one until it ends, then continues with the inbox. */
function drive(life: Life, record: RunRecord): void {
  endChecks(life, "cancelled", RUN_BEGAN);
  const cancel = new AbortController();
  const endRequestedAt = record.requested_end === null ? null : life.ports.clock.now();
  if (endRequestedAt !== null) cancel.abort();
  // Until the run is released: its end waits for D1 with the same timer.
  const sync = (): void => {
    if (life.outbox.isDue) life.platform.waitUntil(life.outbox.sync());
  };
  const cancelSync = life.outbox.timer.setTimer(sync, SYNC_AFTER_MS);
  const done = driveRun(life, record, cancel.signal).then(
    () => {
      cancelSync();
      life.active = null;
      trimMemory(life);
      ensureRunning(life);
      watchIdle(life);
    },
    // It stays the active run: this life does nothing more, and the next one continues it.
    (error: unknown) => life.platform.abort(`a run can't be ended: ${describeError(error)}`),
  );
  const now = life.ports.clock.now();
  life.active = { record, cancel, endRequestedAt, countedAt: now, storedAt: now, done };
  life.platform.waitUntil(done);
}

async function driveRun(life: Life, record: RunRecord, signal: AbortSignal): Promise<void> {
  const isLong = record.input !== null && isLongHistory(record.input);
  // The work starts after `active` is set: nothing below runs inside the caller's turn.
  await (isLong ? giveWay(life.ports.clock) : Promise.resolve());
  let network: NetworkRules = null;
  if (record.run.status === "queued") {
    const end = record.requested_end?.status === "cancelled" ? record.requested_end : findCrashLoop(record);
    if (end !== null) return await endUnstarted(life, record, record.requested_end ?? end);
    const known = knownNetwork(life, record);
    network = known === undefined ? await readNetwork(life, record) : known;
    // Cancelled meanwhile: what it says, and what it replaces, stays as it was.
    if (record.requested_end?.status === "cancelled") return await endUnstarted(life, record, record.requested_end);
  }
  const { traces } = life.ports;
  if (!isTerminal(record.run.status)) {
    traces?.begin(record.run, record.input?.traceparent, (work) => life.platform.waitUntil(work));
    const outcome = await workOn(life, record, network, signal).catch((error: unknown): LoopOutcome => {
      logError("run_failed", error, nameOf(record));
      // The error's text may quote the conversation, so diagnostics only refer to the log.
      noteError(life, `a run failed: ${error instanceof Error ? error.name : "unknown"}; see the log`);
      noteCut(life, record);
      return { status: "failed", error: { code: "internal", message: "Something went wrong in the server." } };
    });
    endRun(life, record, outcome.status === "cancelled" ? (record.requested_end ?? outcome) : outcome);
    traces?.end(record.run);
    // Only the code: the error's message may quote the conversation.
    if (record.run.error !== null) logWarning("run_ended", { ...nameOf(record), code: record.run.error.code });
  }
  await releaseRun(life, record);
  if (traces) life.platform.waitUntil(traces.flush());
}

async function workOn(life: Life, record: RunRecord, network: NetworkRules, signal: AbortSignal): Promise<LoopOutcome> {
  if (life.begun === record) {
    life.begun = null;
    checkPreviews(life, record);
  } else if (record.run.status === "queued") {
    const isLong = record.input !== null && isLongHistory(record.input);
    startRun(life, record, network);
    if (isLong) await giveWay(life.ports.clock);
    checkPreviews(life, record);
  } else {
    const end = continueRun(life, record);
    if (end !== null) {
      noteCut(life, record);
      return record.requested_end ?? end;
    }
  }
  const { spending, stop } = startSpending(life, record, signal, (end) => {
    storeRequestedEnd(life, record, end);
    stopActive(life, record);
  });
  try {
    return await loopOver(life, record, spending, signal);
  } finally {
    stop();
    closeHistory(life);
  }
}

async function readNetwork(life: Life, record: RunRecord): Promise<NetworkRules> {
  const { thread, ports } = life;
  try {
    const read = ports.readProject(thread.user_id, thread.project_id);
    return (await withinTime(ports.clock, PROJECT_LIMIT_MS, "D1", read))?.sandbox?.network ?? {};
  } catch (error) {
    logError("project_not_read", error, nameOf(record));
    return null;
  }
}

/** Reads the links anew once a run, since people revoke and replace them and they expire. Nothing waits for it. */
function checkPreviews(life: Life, record: RunRecord): void {
  const { previews } = life.state.value.sandbox;
  if (previews.length === 0) return;
  const { user_id, project_id } = life.thread;
  const links = withinTime(life.ports.clock, LINKS_LIMIT_MS, "D1", life.ports.readPreviews(user_id, project_id));
  const checked = links.then(
    (links) => {
      // A tool may have made a link meanwhile, which is newer than what was read.
      const isSame = life.active?.record === record && life.state.value.sandbox.previews === previews;
      if (!isSame || isTerminal(record.run.status)) return;
      transact(life, () => recordPatch(life, record, life.state.setPreviews(links)));
    },
    (error: unknown) => logError("previews_not_read", error, nameOf(record)),
  );
  life.platform.waitUntil(checked);
}

async function loopOver(life: Life, record: RunRecord, spending: Spending, signal: AbortSignal): Promise<LoopOutcome> {
  const { ports } = life;
  const { limits } = ports;
  // Before anything of the thread is read: a source may be slow, and a person may write meanwhile.
  const { tools, unavailable } = await openTools(life, record, signal);
  const sandbox = await openSandbox(life);
  const project = openProject(life, sandbox, signal);
  const config = withAlwaysApproved(record.agent.config, limits.always_approve, tools);
  const isKept = life.memory.history.conversation !== null;
  const read = openHistory(life);
  if (!isKept && read.history.length > MANY_MESSAGES) await giveWay(ports.clock);
  const own: LoopPorts = {
    model: withPermittedImages(ports.models[config.tool_format](openModelMemory(life)), ports.images),
    spending,
    tools,
    sandbox,
    checks: openChecks(life, ofRun(life, record), sandbox, signal),
    project,
    introduceSandbox: introducer(life, sandbox, project, signal),
    readPlan: () => life.state.plan,
    readUnseenEdits: () => readUnseenEdits(life),
    readLedger: () => {
      // It is of the rows.
      storeHeld(life);
      return readLedger(life);
    },
    readResult: (id) => readResult(life.database.sql, id),
    sources: openSources(life),
    cache: openRunCache(life, record.run.invocation_id),
    takeUse: () => ports.takeUse(record.run.user_id),
    onDelta: (delta) => recordDelta(life, record, delta),
    emit: async (fact, more) => recordFact(life, record, fact, more),
    storeHeld: () => storeHeld(life),
    takeSteered: async () => takeSteered(life, record),
    newMessageId: () => newOwnMessageId(),
    now: () => ports.clock.now(),
    sleep: (ms, until) => sleep(ports.clock, ms, until),
    signal,
    onBug: (where, error) => logError("bug", error, { where, ...nameOf(record) }),
  };
  return runAgent(
    {
      model: record.run.model,
      agent: config,
      ...boundSteps(record.agent.max_steps ?? config.max_steps, limits.max_steps),
      steps: record.run.steps,
      ...read,
      ...readSeenByCalls(life, read.history),
      context_tokens: ports.contextTokens(record.run.model),
      token_scale: readTokenScale(life, record.run.model),
      started_calls: record.started_calls.map(({ id }) => id),
      seen_checks: readSeenChecks(life, record),
      grants: readGrants(life, record),
      is_former_plan: isFormerPlan(life, record),
      interrupt_ms: ports.interrupt_ms,
      client_tools: record.input?.client_tools ?? [],
      answered: readAnswered(life, record),
      unavailable_sources: unavailable,
      context: record.input?.context ?? [],
    },
    life.ports.traces?.wrap(own, record.run.steps) ?? own,
  );
}

/** Agents and runs from before the operator's ceiling are lowered: routes refuse what is above it only when it is given. */
function boundSteps(asked: number, ceiling: number | null): Pick<LoopInput, "max_steps" | "is_ceiling"> {
  return ceiling !== null && ceiling < asked ? { max_steps: ceiling, is_ceiling: true } : { max_steps: asked };
}

function nameOf(record: RunRecord): LogFields {
  const { user_id, thread_id, invocation_id, attempt } = record.run;
  return { user_id, thread_id, invocation_id, attempt };
}

/** The project's sandbox. A run's first tool that needs it creates it, or reads its settings anew. */
export async function openSandbox(life: Life): Promise<Sandbox> {
  if (life.sandbox !== null) {
    const sandbox = await life.sandbox;
    sandbox.renew?.();
    return sandbox;
  }
  const onState = (state: string, message: string): void => {
    const run = life.active?.record;
    if (run === undefined) return;
    transact(life, () => recordPatch(life, run, life.state.setSandboxState(state)));
    life.journal.addEphemeral({ type: "CUSTOM", name: "sandbox", value: { state, message } });
  };
  const memory = {
    get known() {
      return life.state.knownSandbox;
    },
    remember: (id: string) => transact(life, () => life.state.rememberSandbox(id)),
  };
  const active = () => life.active?.record;
  // Checks that a person has run again work for their key.
  const maker = () => {
    const run = active();
    const asked = life.checking === null ? null : life.checked;
    return (run === undefined ? asked?.key_id : run.input?.key_id) ?? null;
  };
  const invocation_id = () => active()?.run.invocation_id ?? null;
  const origin = {
    made_at: life.stored.made_project?.created_at ?? null,
    onUnknown: () => life.outbox.sendThreadAgain(),
  };
  life.sandbox = life.ports.openSandbox(life.thread, onState, memory, maker, invocation_id, origin);
  return life.sandbox;
}
