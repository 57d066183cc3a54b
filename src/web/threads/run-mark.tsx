// The state of a conversation's newest run where it deserves attention: a small mark, and a word for screen readers.
import type { LastRun } from "../../protocol/thread.ts";
import { useWords } from "../state/words.ts";
import styles from "./run-mark.module.css";
import { words } from "./words.ts";

export function RunMark({ run }: { run: LastRun | null }) {
  const said = useWords(words);
  const word = run === null ? undefined : said.states[run.status];
  if (run === null || word === undefined) return null;
  return (
    <span className={styles.mark} data-run={run.status} title={word}>
      <span className="unseen"> ({word})</span>
    </span>
  );
}
