// What the line of a run that works consists of (run-line.tsx): how far it is with its plan, how long it works, and
// what it has used. The clock ticks by itself, so that no second draws the conversation again. Loaded after the page.
import { useEffect, useMemo, useState } from "react";
import { progressOf } from "../plan/progress.ts";
import { usePlan } from "../plan/use-plan.ts";
import { showPanel } from "../state/panel.ts";
import type { ThreadStore } from "../state/thread-store.ts";
import type { ThreadView } from "../state/thread-view.ts";
import { defineWords, useWords } from "../state/words.ts";
import { formatClock, formatShort, shorten, startOf, tokensOf } from "./run-facts.ts";
import styles from "./run-line.module.css";
import { words as general } from "./words.ts";

const words = defineWords(
  {
    locale: "en",
    progress: (done: number, total: number) => `${done} of ${total}`,
    tokens: (count: string) => `${count} tokens`,
    elapsed: "Time so far",
    openPlan: "Open plan",
  },
  {
    locale: "zh-CN",
    progress: (done, total) => `已完成 ${done}/${total}`,
    tokens: (count) => `${count} token`,
    elapsed: "已用时间",
    openPlan: "打开计划",
  },
);

/** A plan that is done says nothing of a run that continues. */
export function Progress({ thread }: { thread: ThreadStore }) {
  const said = useWords(words);
  const { working } = useWords(general);
  const { done, total, current } = progressOf(usePlan(thread));
  if (current === null) return working;
  return (
    <button type="button" className={styles.progress} title={said.openPlan} onClick={() => showPanel("plan")}>
      <span className={styles.count}>{said.progress(done, total)}</span>
      <span aria-hidden="true">·</span>
      <span className={styles.task} dir="auto">
        {shorten(current.content)}
      </span>
    </button>
  );
}

export function Figures({ view }: { view: ThreadView }) {
  const said = useWords(words);
  const run = view.conversation.run.id;
  const row = view.runs.find(({ invocation_id }) => invocation_id === run);
  // The activity forgets the run's beginning after a thousand events.
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is known with the run, and better with its row
  const start = useMemo(() => startOf(view), [run, row]);
  const tokens = tokensOf(view);
  return (
    <>
      {start !== null && <Clock start={start} />}
      {tokens !== null && <span className={styles.figure}>{said.tokens(formatShort(tokens, said.locale))}</span>}
    </>
  );
}

/** Whoever wants less motion sees fewer steps. */
const tickMs = { usual: 1_000, reduced: 10_000 };

function Clock({ start }: { start: number }) {
  const said = useWords(words);
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const isReduced = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    const tick = (): void => {
      if (document.visibilityState === "visible") setNow(Date.now());
    };
    const timer = setInterval(tick, isReduced ? tickMs.reduced : tickMs.usual);
    document.addEventListener("visibilitychange", tick);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", tick);
    };
  }, []);
  return (
    <span className={styles.figure} data-clock="">
      <span className="unseen">{said.elapsed}: </span>
      {formatClock(now - start)}
    </span>
  );
}
