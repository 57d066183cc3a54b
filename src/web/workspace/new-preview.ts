// Notices that a run has opened a preview. A dot announces it and does not disturb. The workspace opens by itself only
// where it was never opened and there is room.
import { useEffect, useState } from "react";
import { panel, showPanel } from "../state/panel.ts";
import { useStore } from "../state/store.ts";
import type { ThreadStore } from "../state/thread-store.ts";
import { isBusy, type ThreadView } from "../state/thread-view.ts";

/** The addresses of all previews, in one string. */
function readShown(view: ThreadView): string {
  return view.conversation.state.sandbox.previews.map(({ url }) => url).join("\n");
}

/** Whatever arrives before that is history. */
function isSettled(view: ThreadView): boolean {
  return view.phase === "ready" || isBusy(view);
}

export function hasMore(before: string, now: string): boolean {
  const known = before.split("\n");
  return now.split("\n").some((url) => url !== "" && !known.includes(url));
}

export function useNewPreview(thread: ThreadStore, isShown: boolean): boolean {
  const now = useStore(thread.view.shown, readShown);
  const settled = useStore(thread.view.shown, isSettled);
  const [seen, setSeen] = useState<string | null>(null);
  useEffect(() => {
    if (settled) setSeen((before) => (before === null || isShown ? now : before));
  }, [settled, isShown, now]);
  return !isShown && seen !== null && hasMore(seen, now);
}

export function usePreviewShown(thread: ThreadStore | null): void {
  useEffect(() => {
    if (thread === null || !window.matchMedia("(min-width: 1100px)").matches) return;
    const { shown } = thread.view;
    let wasOpened = panel.get().open;
    let before = isSettled(shown.get()) ? readShown(shown.get()) : null;
    const stopWatching = panel.subscribe(() => {
      wasOpened ||= panel.get().open;
    });
    const stop = shown.subscribe(() => {
      if (!isSettled(shown.get())) return;
      const now = readShown(shown.get());
      if (before !== null && hasMore(before, now) && !wasOpened) showPanel("preview");
      before = now;
    });
    return () => {
      stop();
      stopWatching();
    };
  }, [thread]);
}
