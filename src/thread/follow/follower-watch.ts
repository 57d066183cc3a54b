// What a follower sees of its run: the events of its own object, as the journal numbers them. It takes each at once, so it is
// never behind, holds nothing in memory and slows nobody. In each life it first reads all that there is, since a part of it
// would look like a text that turned out void next to what is shown already.
import { addEvent, emptyView, type RunView } from "../../agent/run-view.ts";
import type { ThreadEvent } from "../../protocol/event.ts";
import { findRun, type Life } from "../life.ts";
import { eventsSoFar } from "../stream/run-events.ts";
import type { Follower } from "./follower-rows.ts";

export interface Watch {
  /** All that there is up to now. It changes as events come. */
  view(): RunView;
  /** Resolves once there is more than `view` last had, or at `until`. */
  changed(until: number | null): Promise<void>;
  stop(): void;
}

/** Tokens come faster than anything can be shown: they are gathered for as long as readers of the stream wait for them. */
const GATHER_MS = 16;

export function watchRun(life: Life, follower: Follower): Watch {
  const { invocation_id } = follower.row;
  const { clock } = life.ports;
  const view = emptyView();
  let isVoid = false;
  let hasState = false;
  let isChanged = false;
  let wake: (() => void) | null = null;
  let cancelGather: (() => void) | null = null;

  function take(event: ThreadEvent): void {
    addEvent(view, event);
    if (event.type === "RUN_STARTED") view.begunAt ??= beginOf(life, invocation_id);
    if (event.type === "STATE_SNAPSHOT" || event.type === "STATE_DELTA") hasState = true;
    // What was made of a reply is void: the texts are read again, once it is decided which ones stay.
    if (event.type === "MESSAGES_SNAPSHOT") isVoid = true;
  }

  function readTexts(): void {
    isVoid = false;
    view.texts = [];
    const record = findRun(life, invocation_id);
    if (record === null) throw new Error("not_found");
    for (const event of eventsSoFar(life.journal, record)) take(event);
  }

  function readEnd(): void {
    view.end = structuredClone(findRun(life, invocation_id)?.run ?? null);
    if (view.begunAt !== null) return;
    // It ended before it began, and nothing of the plan is its own.
    view.begunAt = life.ports.clock.now();
    readState(life, view);
    view.planBefore = view.plan.version;
  }

  function hear(event: ThreadEvent, urgent: boolean): void {
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
  const stopListening = life.journal.listen(invocation_id, hear);
  follower.onEnd = () => noteChange(true);

  return {
    view() {
      isChanged = false;
      if (isVoid) readTexts();
      if (hasState) readState(life, view);
      hasState = false;
      // A run whose end readers may not see yet is live.
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
