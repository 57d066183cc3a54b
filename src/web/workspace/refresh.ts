// When a part of the workspace reads again.
import { useEffect, useRef, useState } from "react";
import { useStore } from "../state/store.ts";
import type { ThreadStore } from "../state/thread-store.ts";
import { isBusy } from "../state/thread-view.ts";

/** Calls each time that a run of the thread ends, or when the part is next shown if it was hidden. */
export function useRunEnd(thread: ThreadStore, isShown: boolean, act: () => void): void {
  const busy = useStore(thread.view.shown, isBusy);
  const wasBusy = useRef(busy);
  const isDue = useRef(false);
  const latest = useRef(act);
  latest.current = act;
  useEffect(() => {
    if (wasBusy.current && !busy) isDue.current = true;
    wasBusy.current = busy;
    if (!isDue.current || !isShown) return;
    isDue.current = false;
    latest.current();
  }, [busy, isShown]);
}

/** True while it is shown and for some time after, so that whoever comes back soon finds it unchanged. */
export function useLinger(isShown: boolean, ms: number): boolean {
  const [isLeft, setLeft] = useState(!isShown);
  useEffect(() => {
    if (isShown) {
      setLeft(false);
      return;
    }
    const timer = setTimeout(() => setLeft(true), ms);
    return () => clearTimeout(timer);
  }, [isShown, ms]);
  return isShown || !isLeft;
}
