// What the server has seen of a task: a label in its row, and its checks with their last results. Only what people or the
// project have asked for is shown as verified.
import { Circle, CircleCheck, CircleX, Plus, RotateCcw, X } from "lucide-react";
import type { ReactNode } from "react";
import type { Check } from "../../protocol/plan/check.ts";
import type { TaskState } from "../../protocol/plan/task.ts";
import { useMay } from "../app/may.tsx";
import { describeCheck, seenOf } from "../client/check-lines.ts";
import { Button, IconButton } from "../parts/button.tsx";
import { useFocusBack } from "../parts/use-focus-back.ts";
import { useWords } from "../state/words.ts";
import { CheckActions } from "./check-actions.tsx";
import { words } from "./check-words.ts";
import { LineForm } from "./line-form.tsx";
import { acceptChecks, addCheck, type PlanEdit, removeCheck } from "./plan-edits.ts";
import styles from "./task-checks.module.css";
import { TaskReceipts } from "./task-receipts.tsx";

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

/** The server's limits. */
const maxChecks = 8;
const maxCommandCharacters = 2_000;

const icons = { passed: CircleCheck, failed: CircleX, stale: RotateCcw, not_run: Circle };

export function TaskChecks({
  task,
  busy,
  onEdit,
}: {
  task: Checked & { id: string };
  /** A run works, beside which nothing is run again. */
  busy: boolean;
  onEdit: (edit: PlanEdit, focus?: string) => Promise<boolean>;
}) {
  const said = useWords(words);
  const mayEdit = useMay("run");
  const { id, checks = [], verification = "none", weakened = false } = task;
  const hint = said.verificationHints[verification];
  return (
    <div className={styles.checks}>
      {checks.length > 0 && <p className={styles.title}>{said.checks}</p>}
      <ul className={styles.list}>
        {checks.map((check) => (
          <Line key={check.id} check={check}>
            {mayEdit && (
              <IconButton
                small
                icon={X}
                label={said.removeCheck(describeCheck(check.spec, said.locale === "zh-CN"))}
                onClick={() => void onEdit(removeCheck(id, check.id), id)}
              />
            )}
          </Line>
        ))}
      </ul>
      {hint !== "" && <p className={styles.hint}>{hint}</p>}
      {weakened && <p className={styles.hint}>{said.weakened}</p>}
      {mayEdit && checks.length > 0 && (
        <CheckActions task={task} busy={busy} onAccept={() => void onEdit(acceptChecks(id), id)} />
      )}
      {checks.length > 0 && <TaskReceipts task={id} mark={checks.map(({ result }) => result?.receipt_id).join(" ")} />}
      {mayEdit && checks.length < maxChecks && <AddCheck onAdd={(run) => onEdit(addCheck(id, run))} />}
    </div>
  );
}

function Line({ check, children }: { check: Check; children: ReactNode }) {
  const said = useWords(words);
  const seen = seenOf(check);
  const Icon = icons[seen];
  return (
    <li className={styles.line} data-seen={seen}>
      <Icon size={14} role="img" aria-label={said.seen[seen]} />
      <span className={styles.text} dir="auto">
        {describeCheck(check.spec, said.locale === "zh-CN")}
        {check.result && seen !== "passed" && <span className={styles.reason}>{check.result.reason}</span>}
      </span>
      <span className={styles.author}>{said.authors[check.author]}</span>
      {children}
    </li>
  );
}

/** A command is what a line can say; other checks come by the API. */
function AddCheck({ onAdd }: { onAdd: (run: string) => Promise<boolean> }) {
  const said = useWords(words);
  const { place, isFieldOpen, isDue, open, leave } = useFocusBack<HTMLDivElement>();
  return (
    <div ref={place}>
      {isFieldOpen ? (
        <LineForm
          label={said.addCheck}
          max={maxCommandCharacters}
          placeholder={said.checkText}
          onKeep={onAdd}
          onLeave={leave}
        />
      ) : (
        <Button look="quiet" small icon={Plus} autoFocus={isDue} onClick={open}>
          {said.addCheck}
        </Button>
      )}
    </div>
  );
}
