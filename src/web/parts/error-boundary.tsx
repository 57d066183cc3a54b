// An error boundary: an error in one part (such as a chunk that is gone after a deploy) leaves the rest of the page.
// React offers this only as a class.
import { Component, type ReactNode } from "react";
import { defineWords, wordsNow } from "../state/words.ts";
import { Notice } from "./notice.tsx";

const words = defineWords(
  { broken: "This part of the page couldn't be loaded. Reload the page." },
  { broken: "页面的这一部分无法加载。请重新加载页面。" },
);

export class ErrorBoundary extends Component<{ children: ReactNode }, { isBroken: boolean }> {
  override state = { isBroken: false };

  static getDerivedStateFromError(): { isBroken: boolean } {
    return { isBroken: true };
  }

  override render(): ReactNode {
    return this.state.isBroken ? <Notice tone="bad">{wordsNow(words).broken}</Notice> : this.props.children;
  }
}
