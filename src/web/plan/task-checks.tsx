// What the server has seen of a task: a label in its row, and its checks with their last results. Only what people or the
// project have asked for is shown as verified.
import { Circle, CircleCheck, CircleX, RotateCcw } from "lucide-react";
import type { TaskState } from "../../protocol/plan/task.ts";
import { describeCheck, seenOf } from "../client/check-lines.ts";
import { useWords } from "../state/words.ts";
import { words } from "./check-words.ts";
import styles from "./task-checks.module.css";

type Checked = Pick<TaskState, "status" | "checks" | "verification" | "weakened">;

/** Before a task has ended, only a failure is news. */
export function VerificationLabel({ task: { status, verification = "none" } }: { task: Checked }) {
  const said = useWords(words);
  const isOpen = status === "pending" || status === "in_progress";
  if (verification === "none" || (isOpen && verification !== "failed")) return null;
  if (status === "cancelled" && verification !== "failed") return null;
  return (
    <span className={styles.label} data-verification={verification} title={said.verificationHints[verification]}>
      {said.verifications[verification]}
    </span>
  );
}

const icons = { passed: CircleCheck, failed: CircleX, stale: RotateCcw, not_run: Circle };

export function TaskChecks({ task: { checks = [], verification = "none", weakened = false } }: { task: Checked }) {
  const said = useWords(words);
  const hint = said.verificationHints[verification];
  return (
    <div className={styles.checks}>
      <p className={styles.title}>{said.checks}</p>
      <ul className={styles.list}>
        {checks.map((check) => {
          const seen = seenOf(check);
          const Icon = icons[seen];
          return (
            <li key={check.id} className={styles.line} data-seen={seen}>
              <Icon size={14} role="img" aria-label={said.seen[seen]} />
              <span className={styles.text} dir="auto">
                {describeCheck(check.spec, said.locale === "zh-CN")}
              </span>
              {check.result && seen !== "passed" && <span className={styles.author}>{check.result.reason}</span>}
              <span className={styles.author}>{said.authors[check.author]}</span>
            </li>
          );
        })}
      </ul>
      {hint !== "" && <p className={styles.hint}>{hint}</p>}
      {weakened && <p className={styles.hint}>{said.weakened}</p>}
    </div>
  );
}
