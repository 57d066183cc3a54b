// Keeps what breaks in one section (a chunk that can't be loaded any more after a deployment, say) from taking the page with it.
// React knows no other way than a class.
import { Component, type ReactNode } from "react";
import { Notice } from "../../parts/notice.tsx";
import { wordsNow } from "../../state/words.ts";
import { words } from "../words.ts";

export class Guard extends Component<{ children: ReactNode }, { isBroken: boolean }> {
  override state = { isBroken: false };

  static getDerivedStateFromError(): { isBroken: boolean } {
    return { isBroken: true };
  }

  override render(): ReactNode {
    return this.state.isBroken ? <Notice tone="bad">{wordsNow(words).broken}</Notice> : this.props.children;
  }
}
