// What a follower sees of its run: it reads the run's stream as any client does, from the start in each life, and is woken by
// what comes. It takes what it is given at once, so it is never behind. What it has not read up to now yet is not shown: next
// to what Slack shows already it would look like a text that turned out void.
import { createSseParser } from "../../lib/sse.ts";
import type { ThreadEvent } from "../../protocol/event.ts";
import { isTerminal } from "../../protocol/run.ts";
import { addEvent, emptyView, type SlackView } from "../../slack/show/view.ts";
import { findRun, type Life } from "../life.ts";
import { readTexts } from "../rows/messages.ts";
import type { Sink } from "../stream/readers.ts";
import { planStream } from "../stream/streams.ts";

export interface Watch {
  view: SlackView;
  /** Resolves once the view is all that there was when the watch began. */
  ready: Promise<void>;
  /** Resolves when the view has changed since it was last asked, or at `until`. */
  changed(until: number | null): Promise<void>;
}

/** The result of a tool may be as long as all that is kept of one. */
const LONGEST_EVENT = 64 * 1024 * 1024;

export function watchRun(life: Life, invocation_id: string): Watch {
  const ready = Promise.withResolvers<void>();
  const watch: Watch = { view: emptyView(), ready: ready.promise, changed: (until) => wait(until) };
  let wake: (() => void) | null = null;
  let isChanged = false;
  let isResync = false;

  function wait(until: number | null): Promise<void> {
    return new Promise((resolve) => {
      let cancel = () => {};
      const end = (): void => {
        wake = null;
        isChanged = false;
        cancel();
        resolve();
      };
      if (isChanged) return end();
      wake = end;
      if (until !== null) cancel = life.ports.clock.setTimer(end, Math.max(0, until - life.ports.clock.now()));
    });
  }

  function take(view: SlackView, event: ThreadEvent): void {
    const { run } = findRun(life, invocation_id) ?? {};
    if (event.type === "RUN_STARTED") {
      view.begunAt ??= Date.parse(run?.started_at ?? "") || life.ports.clock.now();
      isResync = event.metadata?.resync === true;
    }
    if (isResync && event.type === "MESSAGES_SNAPSHOT") {
      isResync = false;
      view.texts = readTexts(life.database.sql, invocation_id);
    } else addEvent(view, event);
    if (event.type === "STATE_SNAPSHOT" || event.type === "STATE_DELTA") {
      const { plan, sandbox } = life.state.value;
      view.plan = plan;
      view.links = sandbox.previews;
    }
    if ((event.type === "RUN_FINISHED" || event.type === "RUN_ERROR") && run !== undefined && isTerminal(run.status)) {
      view.end = structuredClone(run);
    }
    if (watch.view === view) tellChange();
  }

  function tellChange(): void {
    isChanged = true;
    wake?.();
  }

  function show(view: SlackView): void {
    if (watch.view === view) return;
    watch.view = view;
    tellChange();
    ready.resolve();
  }

  function read(): void {
    // Without ids and states of a reader that was cut: what is told again is told from the start.
    const view = { ...emptyView(), begunAt: watch.view.begunAt, planBefore: watch.view.planBefore };
    const parser = createSseParser((data) => take(view, JSON.parse(data) as ThreadEvent), LONGEST_EVENT);
    const planned = planStream(life, { invocation_id, after: null, resync: false });
    if (!planned.ok) throw new Error(planned.error.code);
    if (planned.value.kind === "whole") {
      parser.push(new TextEncoder().encode(planned.value.text));
      show(view);
      return;
    }
    const sink: Sink = {
      write: async (bytes) => parser.push(bytes),
      rest: () => show(view),
      close: async () => show(view),
      abort: async () => {
        if (life.removing) ready.resolve();
        else if (view.end === null) read();
        else show(view);
      },
    };
    life.readers.add(sink, planned.value.request);
  }

  read();
  return watch;
}
