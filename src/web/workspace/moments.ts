// When a part of the workspace should look again.
import { useEffect, useRef, useState } from "react";
import { useStore } from "../state/store.ts";
import type { ThreadStore } from "../state/thread-store.ts";
import { isBusy } from "../state/thread-view.ts";

/** Each time that a run of the thread ends; at the next showing where the part was not shown then. */
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

/** True while it is shown, and for a time after: who comes back soon finds it as it was. */
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
