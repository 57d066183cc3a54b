// Keeps what breaks in one part (a chunk that can't be loaded any more after a deployment, say) from taking the page with it.
// React knows no other way than a class.
import { Component, type ReactNode } from "react";
import { defineWords, wordsNow } from "../state/words.ts";
import { Notice } from "./notice.tsx";

const words = defineWords(
  { broken: "This part of the page could not be loaded. Reload the page." },
  { broken: "页面的这一部分无法加载。请重新加载页面。" },
);

export class Guard extends Component<{ children: ReactNode }, { isBroken: boolean }> {
  override state = { isBroken: false };

  static getDerivedStateFromError(): { isBroken: boolean } {
    return { isBroken: true };
  }

  override render(): ReactNode {
    return this.state.isBroken ? <Notice tone="bad">{wordsNow(words).broken}</Notice> : this.props.children;
  }
}
