// Keeps the tab's title (title.ts) up to date, also while the tab is hidden.
import { useEffect } from "react";
import { Store, useStore } from "../state/store.ts";
import type { ThreadStore } from "../state/thread-store.ts";
import { opening } from "../state/thread-view.ts";
import { useWords } from "../state/words.ts";
import { signOf, titleOf } from "./title.ts";
import { words } from "./words.ts";

const noThread = new Store(opening);

export function useTitle(thread: ThreadStore | null, title: string | null | undefined): void {
  const { needsYou } = useWords(words);
  const sign = useStore(thread?.view.shown ?? noThread, signOf);
  useEffect(() => {
    document.title = titleOf(title, sign, needsYou);
  }, [title, sign, needsYou]);
  // Whoever signs out leaves nothing of the thread in the tab.
  useEffect(
    () => () => {
      document.title = titleOf(null, null, "");
    },
    [],
  );
}
