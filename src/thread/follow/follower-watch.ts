// The view that a follower has of its run, made from the journal's events in the same object. It takes each event at
// once, so it is never behind, keeps no events in memory and slows nobody. In each life it first reads all events of
// the run: next to what is shown already, a part of them would look as if the rest had become void.
import { addEvent, emptyView, type RunView } from "../../agent/run-view.ts";
import type { ThreadEvent } from "../../protocol/event.ts";
import { findRun, type Life } from "../life.ts";
import { readLastSaid } from "../rows/messages.ts";
import { eventsSoFar } from "../stream/run-events.ts";
import type { Follower } from "./follower-rows.ts";

export interface Watch {
  /** The run up to now. The returned object changes as events come. */
  view(): RunView;
  /** Resolves once something changed since the last `view`, or at `until`. */
  changed(until: number | null): Promise<void>;
  stop(): void;
}

/** Tokens come faster than a platform can show them, so they are gathered, for as long as for the stream's readers. */
const GATHER_MS = 16;

export function watchRun(life: Life, follower: Follower): Watch {
  const { invocation_id } = follower.row;
  const { clock } = life.ports;
  const view = emptyView();
  let isVoid = false;
  /** The run has ended in a former life, and its last row, which may have its last text, is not released yet. */
  let lacksEnd = false;
  let hasState = false;
  let isChanged = false;
  let wake: (() => void) | null = null;
  let cancelGather: (() => void) | null = null;

  function take(event: ThreadEvent): void {
    addEvent(view, event);
    if (event.type === "RUN_STARTED") view.begunAt ??= beginOf(life, invocation_id);
    if (event.type === "STATE_SNAPSHOT" || event.type === "STATE_DELTA") hasState = true;
    // A reply became void. The texts are read again later, when it is decided which parts stay.
    if (event.type === "MESSAGES_SNAPSHOT") isVoid = true;
  }

  function readTexts(): void {
    isVoid = false;
    view.texts = [];
    const record = findRun(life, invocation_id);
    if (record === null) throw new Error("not_found");
    lacksEnd = record.end_seq !== null && record.end_seq > life.journal.released;
    for (const event of eventsSoFar(life.journal, record)) take(event);
  }

  function readEnd(): void {
    view.end = structuredClone(findRun(life, invocation_id)?.run ?? null);
    view.asked = readLastSaid(life.database.sql, life.thread);
    if (view.begunAt !== null) return;
    // The run ended before it started, so no change of the plan is its own.
    view.begunAt = life.ports.clock.now();
    readState(life, view);
    view.planBefore = view.plan.version;
  }

  function receive(event: ThreadEvent, urgent: boolean): void {
    take(event);
    noteChange(urgent);
  }

  function noteChange(urgent: boolean): void {
    isChanged = true;
    if (wake === null) return;
    if (urgent) wake();
    else
      cancelGather ??= clock.setTimer(() => {
        cancelGather = null;
        wake?.();
      }, GATHER_MS);
  }

  readTexts();
  const stopListening = life.journal.listen(invocation_id, receive);
  follower.onEnd = () => noteChange(true);

  return {
    view() {
      isChanged = false;
      if (isVoid || (lacksEnd && !life.live.has(invocation_id))) readTexts();
      if (hasState) readState(life, view);
      hasState = false;
      // A run whose end is not released to readers yet is still in `live`.
      if (view.end === null && !life.live.has(invocation_id)) readEnd();
      return view;
    },
    changed: (until) =>
      new Promise((resolve) => {
        if (isChanged) return resolve();
        let cancelUntil = () => {};
        wake = () => {
          wake = null;
          cancelUntil();
          resolve();
        };
        if (until !== null) cancelUntil = clock.setTimer(() => wake?.(), Math.max(0, until - clock.now()));
      }),
    stop() {
      stopListening();
      cancelGather?.();
      follower.onEnd = () => {};
    },
  };
}

function beginOf(life: Life, invocation_id: string): number {
  const started_at = findRun(life, invocation_id)?.run.started_at ?? null;
  return started_at === null ? life.ports.clock.now() : Date.parse(started_at);
}

function readState(life: Life, view: RunView): void {
  const { plan, sandbox } = life.state.value;
  view.plan = plan;
  view.links = sandbox.previews;
}
