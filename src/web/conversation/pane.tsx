// The middle of the page: the conversation, the run's state, open questions, and the composer.
import { RotateCcw } from "lucide-react";
import { lazy, Suspense, useEffect, useMemo, useRef, useState } from "react";
import { useMay } from "../app/may.tsx";
import { words as frame } from "../app/words.ts";
import type { Item } from "../client/conversation.ts";
import { requestOf } from "../client/requests.ts";
import { isSilentTool } from "../client/tool-title.ts";
import { Button } from "../parts/button.tsx";
import { Notice as Note, ProblemNotice } from "../parts/notice.tsx";
import { PlanStrip } from "../plan/plan-strip.tsx";
import { drafts, giveBack, setDraft } from "../state/drafts.ts";
import { go, place } from "../state/place.ts";
import type { Problem } from "../state/problem.ts";
import { useStore } from "../state/store.ts";
import type { ThreadStore } from "../state/thread-store.ts";
import { isBusy, type ThreadView, type Waiting } from "../state/thread-view.ts";
import { useWords } from "../state/words.ts";
import { type Again, AgainContext } from "./again-context.ts";
import { Composer, type ComposerHandle } from "./composer.tsx";
import { GoOn } from "./late-again.ts";
import { Log, type LogHandle } from "./log.tsx";
import styles from "./pane.module.css";
import { RunLine } from "./run-line.tsx";
import { SourcesContext } from "./sources.ts";
import { Welcome } from "./welcome.tsx";
import { words } from "./words.ts";

/** After a deploy its file may be gone, and the conversation continues without a line of figures. */
const RunCost = lazy(() =>
  import("../costs/costs.tsx").then(
    ({ RunCost }) => ({ default: RunCost }),
    () => ({ default: () => null }),
  ),
);
/** Where it can't be loaded, people still read what waits. */
const Waitings = lazy(() =>
  import("./waitings.tsx").then(
    ({ Waitings }) => ({ default: Waitings }),
    () => ({ default: ({ waiting }: { waiting: Waiting[] }) => waiting.map(({ id, text }) => <p key={id}>{text}</p>) }),
  ),
);
/** Where it can't be loaded, messages go to the agent that they would go to anyway. */
const AgentChoice = lazy(() =>
  import("./agent-choice.tsx").then(
    ({ AgentChoice }) => ({ default: AgentChoice }),
    () => ({ default: () => null }),
  ),
);
const Questions = lazy(() => import("../questions/form.tsx").then(({ Questions }) => ({ default: Questions })));

export function ConversationPane({
  thread,
  onSend,
}: {
  thread: ThreadStore;
  onSend: (text: string, mode: "enqueue" | "steer") => void;
}) {
  const view = useStore(thread.view.shown);
  const named = useStore(place, (now) => now.thread);
  const composer = useRef<ComposerHandle>(null);
  const log = useRef<LogHandle>(null);
  // Whoever sends something wants to see it, and what comes of it.
  const send = (text: string, mode: Waiting["mode"]): void => {
    log.current?.toEnd();
    onSend(text, mode);
  };
  const general = useWords(frame);
  const mayRun = useMay("run");
  const mayRead = useMay("read");
  const busy = isBusy(view);
  const { conversation } = view;
  const shown = useMemo(() => conversation.items.filter(isShown), [conversation.items]);
  const asks = !busy && conversation.interrupts.length > 0;
  useEffect(() => {
    // A phone's keyboard would cover what was just opened.
    if (window.matchMedia("(pointer: fine)").matches && thread.id !== "") composer.current?.focus();
  }, [thread]);
  useEscape(busy && mayRun, () => void thread.stop());
  const again = useAgain(thread, mayRun && !busy && view.phase === "ready", () => composer.current?.focus());
  const isFresh = view.phase === "ready" && shown.length === 0 && !busy && !asks && view.waiting.length === 0;
  return (
    <section className={styles.pane}>
      {isFresh ? (
        <Welcome onChoose={mayRun ? (text) => onSend(text, "enqueue") : null} />
      ) : (
        <SourcesContext value={conversation.sources}>
          <AgainContext value={again}>
            <Log ref={log} items={shown}>
              {view.waiting.length > 0 && (
                <Suspense fallback={null}>
                  <Waitings waiting={view.waiting} inbox={thread.inbox} />
                </Suspense>
              )}
              <RunLine thread={thread} view={view} />
              <Suspense fallback={null}>
                <RunCost thread={thread} />
              </Suspense>
              {conversation.run.state === "failed" && mayRun && <Retry view={view} onSend={send} />}
              {conversation.run.state === "cancelled" && mayRun && (
                <Suspense fallback={null}>
                  <GoOn onSend={send} />
                </Suspense>
              )}
              {conversation.interrupts.length > 0 && (
                // While an answer is in flight the form is only hidden: if the server refuses it, the typed text is
                // still there.
                <fieldset hidden={!asks} disabled={!mayRun}>
                  <Suspense fallback={null}>
                    <Questions conversation={conversation} onAnswer={(answers) => thread.answer(answers)} />
                  </Suspense>
                </fieldset>
              )}
            </Log>
          </AgainContext>
        </SourcesContext>
      )}
      <div className={styles.foot}>
        {view.problem && <Trouble thread={thread} problem={view.problem} />}
        <PlanStrip thread={thread} />
        {mayRun ? (
          <Composer ref={composer} draft={named ?? ""} busy={busy} onSend={send} onStop={() => void thread.stop()}>
            <Suspense fallback={null}>
              <AgentChoice thread={thread} />
            </Suspense>
          </Composer>
        ) : (
          <Note>{mayRead ? general.onlyReads : general.lacks("read")}</Note>
        )}
      </div>
    </section>
  );
}

/** While a question is open it is a form; afterwards the question and its answer are shown. */
function isShown(item: Item): boolean {
  if (item.kind !== "tool" || !isSilentTool(item.name)) return true;
  return item.name === "ask" && item.result !== null;
}

/** What a turn's buttons do. The buttons go when the run begins, so the focus moves on. */
function useAgain(thread: ThreadStore, may: boolean, onBegin: () => void): Again | null {
  const [editing, setEditing] = useState<string | null>(null);
  const typed = useRef(new Map<string, string>());
  const left = useRef<string | null>(null);
  const begin = useRef(onBegin);
  begin.current = onBegin;
  return useMemo(() => {
    const ask = (message: string, text: string | null): void => {
      thread.again(message, text);
      if (window.matchMedia("(pointer: fine)").matches) begin.current();
    };
    const { current } = typed;
    const acts = {
      regenerate: (message: string) => ask(message, null),
      edit: ask,
      editing,
      setEditing,
      typed: current,
      left,
    };
    return may ? acts : null;
  }, [thread, may, editing]);
}

/** Escape stops the run, unless it closes something over the page or is typed in the workspace. */
function useEscape(busy: boolean, stop: () => void): void {
  const latest = useRef(stop);
  latest.current = stop;
  useEffect(() => {
    if (!busy) return;
    const press = (event: KeyboardEvent): void => {
      if (event.key !== "Escape" || event.defaultPrevented || event.isComposing) return;
      const isElsewhere = event.target instanceof Element && event.target.closest("aside") !== null;
      if (!isElsewhere && document.querySelector("[role=dialog]") === null) latest.current();
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, [busy]);
}

/** The same request again, where there is one and no run works on it. */
function Retry({ view, onSend }: { view: ThreadView; onSend: (text: string, mode: "enqueue") => void }) {
  const said = useWords(words);
  const request = requestOf(view.conversation.items, view.conversation.run.id);
  if (request === null || isBusy(view)) return null;
  return (
    <Button small icon={RotateCcw} onClick={() => onSend(request, "enqueue")}>
      {said.retry}
    </Button>
  );
}

/** A refused message is back in the composer, so there is nothing else to retry. */
function Trouble({ thread, problem }: { thread: ThreadStore; problem: Problem }) {
  const said = useWords(words);
  const general = useWords(frame);
  const action = problem.isMissing ? (
    <Button small onClick={() => beginAnew(thread.id)}>
      {general.newThread}
    </Button>
  ) : (
    <Button small look="quiet" onClick={() => thread.dismissProblem()}>
      {said.dismiss}
    </Button>
  );
  return <ProblemNotice problem={problem} action={action} />;
}

/** Text typed for the lost thread moves along. */
function beginAnew(thread: string): void {
  const typed = drafts.get()[thread] ?? "";
  setDraft(thread, "");
  if (typed !== "") giveBack("", typed);
  go({ thread: null });
}
