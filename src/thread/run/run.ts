// A run from its start to its end. `ensureRunning` is the one way in, idempotent, called by whatever happens: it takes up
// the run that a former life left, or starts the next one of the inbox.
import type { LoopOutcome } from "../../agent/events.ts";
import { runAgent } from "../../agent/loop.ts";
import { withPermittedImages } from "../../agent/permitted-images.ts";
import type { Sandbox } from "../../agent/sandbox.ts";
import { describeError, type LogFields, logError, logWarning } from "../../lib/log.ts";
import { withinTime } from "../../lib/time-limit.ts";
import { newId } from "../../protocol/ids.ts";
import { isTerminal } from "../../protocol/run.ts";
import { readGrants } from "../inbox/interrupts.ts";
import { takeSteered } from "../inbox/steering.ts";
import { type Life, noteError, transact } from "../life.ts";
import type { RunRecord } from "../rows/runs.ts";
import { trimMemory, watchIdle } from "../stream/streams.ts";
import { readLedger } from "./ledger.ts";
import { openTools } from "./open-tools.ts";
import { isFormerPlan, readNews, readToldTask } from "./plan-memory.ts";
import { recordDelta, recordFact, recordPatch } from "./recorder.ts";
import { readResult } from "./results.ts";
import { endRun, endUnstarted, releaseRun } from "./run-end.ts";
import { judgeLives, startRun, takeUpRun } from "./run-start.ts";
import { readHistory, readTokenScale } from "./summaries.ts";

// D1 is told while a run works, for lists across threads; reads of one thread ask for it themselves.
const SYNC_AFTER_MS = 1_000;
const LINKS_LIMIT_MS = 5_000;

export function ensureRunning(life: Life): void {
  if (life.active !== null) return;
  const runs = [...life.live.values()];
  const [record] = runs;
  if (record === undefined) return;
  // A background run waits for its job, unless it is to end or one behind it may start: the order is the inbox's, not the
  // queue's.
  const waits = record.run.status === "queued" && record.requested_end === null;
  if (waits && !runs.some(({ startable }) => startable)) return;
  drive(life, record);
}

/** Makes the run the active one until it is at its end, then goes on with the inbox. */
function drive(life: Life, record: RunRecord): void {
  const cancel = new AbortController();
  const condemnedAt = record.requested_end === null ? null : life.ports.clock.now();
  if (condemnedAt !== null) cancel.abort();
  const done = driveRun(life, record, cancel.signal).then(
    () => {
      life.active = null;
      trimMemory(life);
      ensureRunning(life);
      watchIdle(life);
    },
    // It stays the active run: this life does nothing more, and the next one takes it up.
    (error: unknown) => life.platform.abort(`a run can't be ended: ${describeError(error)}`),
  );
  life.active = { record, cancel, condemnedAt, done };
  life.platform.waitUntil(done);
}

async function driveRun(life: Life, record: RunRecord, signal: AbortSignal): Promise<void> {
  // The work starts after `active` is set: nothing below runs inside the caller's turn.
  await Promise.resolve();
  if (record.run.status === "queued") {
    const end = record.requested_end?.status === "cancelled" ? record.requested_end : judgeLives(record);
    if (end !== null) return await endUnstarted(life, record, record.requested_end ?? end);
  }
  if (!isTerminal(record.run.status)) {
    const outcome = await workOn(life, record, signal).catch((error: unknown): LoopOutcome => {
      logError("run_failed", error, nameOf(record));
      // Its text may hold what was said; who asks for diagnostics is told where to look.
      noteError(life, `a run failed: ${error instanceof Error ? error.name : "unknown"}; see the log`);
      return { status: "failed", error: { code: "internal", message: "Something went wrong in the server." } };
    });
    endRun(life, record, outcome.status === "cancelled" ? (record.requested_end ?? outcome) : outcome);
    // The code only: the sentence beside it may quote what was said.
    if (record.run.error !== null) logWarning("run_ended", { ...nameOf(record), code: record.run.error.code });
  }
  await releaseRun(life, record);
}

async function workOn(life: Life, record: RunRecord, signal: AbortSignal): Promise<LoopOutcome> {
  if (record.run.status === "queued") {
    startRun(life, record);
    checkPreviews(life, record);
  } else {
    const end = takeUpRun(life, record);
    if (end !== null) return record.requested_end ?? end;
  }
  const cancelSync = life.ports.clock.setTimer(() => life.platform.waitUntil(life.outbox.sync()), SYNC_AFTER_MS);
  try {
    return await loopOver(life, record, signal);
  } finally {
    cancelSync();
  }
}

/** People revoke and replace links, and they expire: the state is told once a run. Nothing waits for it. */
function checkPreviews(life: Life, record: RunRecord): void {
  const { previews } = life.state.value.sandbox;
  if (previews.length === 0) return;
  const { user_id, project_id } = life.thread;
  const links = withinTime(life.ports.clock, LINKS_LIMIT_MS, "D1", life.ports.readPreviews(user_id, project_id));
  const told = links.then(
    (links) => {
      // A tool may have made one meanwhile: what was read is older than that.
      const isSame = life.active?.record === record && life.state.value.sandbox.previews === previews;
      if (!isSame || isTerminal(record.run.status)) return;
      transact(life, () => recordPatch(life, record, life.state.setPreviews(links)));
    },
    (error: unknown) => logError("previews_not_read", error, nameOf(record)),
  );
  life.platform.waitUntil(told);
}

async function loopOver(life: Life, record: RunRecord, signal: AbortSignal): Promise<LoopOutcome> {
  const { ports } = life;
  const { config } = record.agent;
  // Before anything is read of the thread: a source may take its time, and a person may write meanwhile.
  const { tools, unavailable } = await openTools(life, record, signal);
  return runAgent(
    {
      model: record.run.model,
      agent: config,
      max_steps: record.agent.max_steps ?? config.max_steps,
      steps: record.run.steps,
      ...readHistory(life.database.sql),
      context_tokens: ports.contextTokens(record.run.model),
      token_scale: readTokenScale(life.database.sql, record.run.model),
      started_calls: record.started_calls.map(({ id }) => id),
      grants: readGrants(life, record),
      seen_task_id: readToldTask(life),
      is_former_plan: isFormerPlan(life, record),
      interrupt_ms: ports.interrupt_ms,
      client_tools: record.input?.client_tools ?? [],
      unavailable_sources: unavailable,
      context: record.input?.context ?? [],
    },
    {
      model: withPermittedImages(ports.models[config.tool_format], ports.images),
      tools,
      sandbox: await openSandbox(life),
      readPlan: () => life.state.plan,
      readUnseenEdits: () => readNews(life),
      readLedger: () => readLedger(life),
      readResult: (id) => readResult(life.database.sql, id),
      onDelta: (delta) => recordDelta(life, record, delta),
      emit: async (fact) => recordFact(life, record, fact),
      takeSteered: async () => takeSteered(life, record),
      newMessageId: () => newId("msg"),
      now: () => ports.clock.now(),
      sleep: (ms, until) => sleep(life, ms, until),
      signal,
      onBug: (where, error) => logError("bug", error, { where, ...nameOf(record) }),
    },
  );
}

function nameOf(record: RunRecord): LogFields {
  const { user_id, thread_id, invocation_id, attempt } = record.run;
  return { user_id, thread_id, invocation_id, attempt };
}

/** The project's sandbox. Nothing is made here: the first tool of a run that needs it does that, or looks what it is to be. */
async function openSandbox(life: Life): Promise<Sandbox> {
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
  life.sandbox = life.ports.openSandbox(life.thread, onState, {
    get known() {
      return life.state.knownSandbox;
    },
    remember: (id) => transact(life, () => life.state.rememberSandbox(id)),
  });
  return life.sandbox;
}

function sleep(life: Life, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const cancel = life.ports.clock.setTimer(finish, ms);
    signal.addEventListener("abort", finish);
    function finish(): void {
      cancel();
      signal.removeEventListener("abort", finish);
      resolve();
    }
  });
}
