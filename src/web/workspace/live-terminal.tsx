// The live output of the agent's commands, to read, scroll and copy. It takes no input.
import type { Terminal } from "@xterm/xterm";
import { lazy, Suspense, useCallback } from "react";
import { words as conversationWords } from "../conversation/words.ts";
import type { ThreadStore } from "../state/thread-store.ts";
import { useWords } from "../state/words.ts";
import { LiveTranscript } from "./live-transcript.ts";
import styles from "./terminal.module.css";
import { terminalWords } from "./words.ts";

const TerminalScreen = lazy(() =>
  import("./terminal-screen.tsx").then(({ TerminalScreen }) => ({ default: TerminalScreen })),
);

export function LiveTerminal({ thread }: { thread: ThreadStore }) {
  const said = useWords(terminalWords);
  const { tools } = useWords(conversationWords);
  const follow = useCallback(
    (terminal: Terminal): (() => void) => {
      const transcript = new LiveTranscript({ ...said, tools });
      const { shown } = thread.view;
      let items: unknown = null;
      const write = (): void => {
        const { conversation } = shown.get();
        if (conversation.items === items) return;
        items = conversation.items;
        const text = transcript.advance(conversation.items);
        if (text !== "") terminal.write(text);
      };
      terminal.write("\x1b[?25l");
      write();
      return shown.subscribe(write);
    },
    [thread, said, tools],
  );
  return (
    <Suspense fallback={<div className={styles.screen} />}>
      <TerminalScreen label={said.liveLabel} isReadOnly onOpen={follow} />
    </Suspense>
  );
}
