// How long a task has taken. While a run works on it, the page counts on by itself as long as it is visible.
import { useEffect, useState } from "react";
import { useWords } from "../state/words.ts";
import { formatDuration } from "./format.ts";
import styles from "./task-row.module.css";
import { words } from "./words.ts";

export function TaskTime({ seconds, at, ticks }: { seconds: number | null; at: number; ticks: boolean }) {
  const said = useWords(words);
  const now = useClock(ticks);
  if (seconds === null || (seconds === 0 && !ticks)) return null;
  const shown = seconds + (ticks ? Math.max(0, now - at) / 1000 : 0);
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
