// How long a task has taken. While a run works on it, the page counts on by itself as long as it is visible.
import { useEffect, useMemo, useState } from "react";
import { useWords } from "../state/words.ts";
import { formatDuration } from "./format.ts";
import styles from "./task-row.module.css";
import { words } from "./words.ts";

export function TaskTime({ seconds, at, ticks }: { seconds: number | null; at: number; ticks: boolean }) {
  const said = useWords(words);
  const now = useClock(ticks);
  // The server does not know yet when a task began whose first call is being written.
  // biome-ignore lint/correctness/useExhaustiveDependencies: it begins when it ticks
  const begunAt = useMemo(Date.now, [ticks]);
  if (!ticks && !seconds) return null;
  const [before, since] = seconds === null ? [0, begunAt] : [seconds, at];
  const shown = before + (ticks ? Math.max(0, now - since) / 1000 : 0);
  return (
    <span className={styles.time}>
      <span className="unseen">{said.time}: </span>
      {formatDuration(shown, said.locale)}
    </span>
  );
}

function useClock(ticks: boolean): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!ticks) return;
    const tick = (): void => {
      if (document.visibilityState === "visible") setNow(Date.now());
    };
    tick();
    const timer = setInterval(tick, 1000);
    return () => clearInterval(timer);
  }, [ticks]);
  return now;
}
