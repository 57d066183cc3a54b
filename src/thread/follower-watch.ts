// What a follower sees of its run: it reads the run's stream as any client does, from the start in each life, and is woken by
// what comes. It takes what it is given at once, so it is never behind.
import { addEvent, emptyView, type SlackView } from "../integrations/index.ts";
import { createSseParser } from "../lib/sse.ts";
import type { ThreadEvent } from "../protocol/event.ts";
import { isTerminal } from "../protocol/run.ts";
import { findRun, type Life } from "./life.ts";
import { readTexts } from "./messages.ts";
import { planStream } from "./streams.ts";

export interface Watch {
  view: SlackView;
  /** Resolves when the view has changed since it was last asked, or at `until`. */
  changed(until: number | null): Promise<void>;
}

/** The result of a tool may be as long as all that is kept of one. */
const LONGEST_EVENT = 64 * 1024 * 1024;

export function watchRun(life: Life, invocation_id: string): Watch {
  const watch: Watch = { view: emptyView(), changed: (until) => wait(until) };
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

  function take(event: ThreadEvent): void {
    const { view } = watch;
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
    isChanged = true;
    wake?.();
  }

  function read(): void {
    // Without ids and states of a reader that was cut: what is told again is told from the start.
    watch.view = { ...emptyView(), begunAt: watch.view.begunAt, planBefore: watch.view.planBefore };
    const parser = createSseParser((data) => take(JSON.parse(data) as ThreadEvent), LONGEST_EVENT);
    const planned = planStream(life, { invocation_id, after: null, resync: false });
    if (!planned.ok) throw new Error(planned.error.code);
    if (planned.value.kind === "whole") parser.push(new TextEncoder().encode(planned.value.text));
    else
      life.readers.add(
        {
          write: async (bytes) => parser.push(bytes),
          close: async () => {},
          abort: async () => {
            if (!life.removing && watch.view.end === null) read();
          },
        },
        planned.value.request,
      );
  }

  read();
  return watch;
}
