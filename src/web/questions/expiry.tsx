// When a question expires: the time left, and that it is up. It uses the page's clock, and updates only when the text
// changes.
import { useEffect, useState } from "react";
import { type Asked, isExpired } from "../client/interrupts.ts";
import { useWords } from "../state/words.ts";
import styles from "./form.module.css";
import { timeLeft } from "./time-left.ts";
import { words } from "./words.ts";

/** The longest delay of a browser's timer. */
const maxTimerMs = 2 ** 31 - 1;

export function useExpired(asked: Asked): boolean {
  const [expired, setExpired] = useState(() => isExpired(asked, Date.now()));
  const { expires } = asked;
  useEffect(() => {
    if (expires === null) return;
    let timer: ReturnType<typeof setTimeout>;
    const look = (): void => {
      const left = expires - Date.now();
      setExpired(left <= 0);
      if (left > 0) timer = setTimeout(look, Math.min(left, maxTimerMs));
    };
    look();
    return () => clearTimeout(timer);
  }, [expires]);
  return expired;
}

export function Deadline({ expires }: { expires: number | null }) {
  const said = useWords(words);
  const [now, setNow] = useState(Date.now);
  const left = expires === null ? null : timeLeft(expires - now);
  const wait = left?.changesInMs ?? null;
  // biome-ignore lint/correctness/useExhaustiveDependencies: each tick asks for the next
  useEffect(() => {
    if (wait === null) return;
    const timer = setTimeout(() => setNow(Date.now()), Math.min(wait, maxTimerMs));
    return () => clearTimeout(timer);
  }, [wait, now]);
  if (expires === null) return null;
  const until = new Date(expires).toLocaleString(said.locale, { dateStyle: "medium", timeStyle: "short" });
  return (
    <p className={styles.hint}>
      {said.openUntil(until)}
      {left && (
        <>
          {" "}
          <span className={styles.left} data-soon={left.unit !== "hour" || undefined}>
            {said.timeLeft(
              new Intl.NumberFormat(said.locale, { style: "unit", unit: left.unit, unitDisplay: "long" }).format(
                left.count,
              ),
            )}
          </span>
        </>
      )}
    </p>
  );
}
