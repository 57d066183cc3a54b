// What a person can do about a task's checks: run them again, answer those that ask a person, and accept them as they are.
import { BadgeCheck, Check, RotateCcw, Square, X } from "lucide-react";
import { useState } from "react";
import type { TaskState } from "../../protocol/plan/task.ts";
import { Button } from "../parts/button.tsx";
import { NoteField } from "../parts/note-field.tsx";
import { ProblemNotice, Spinner } from "../parts/notice.tsx";
import { useWords } from "../state/words.ts";
import { words } from "./receipt-words.ts";
import styles from "./task-receipts.module.css";
import { type CheckRunView, useCheckRun } from "./use-check-run.ts";

type Checked = Pick<TaskState, "id" | "status" | "checks" | "verification" | "weakened">;

export function CheckActions({ task, busy, onAccept }: { task: Checked; busy: boolean; onAccept: () => void }) {
  const said = useWords(words);
  const run = useCheckRun(task.id);
  const { checks = [] } = task;
  const isRunnable = checks.some(({ spec }) => spec.type !== "person");
  const asked = checks.filter(
    ({ spec, result }) => spec.type === "person" && (result?.outcome !== "passed" || result.stale),
  );
  return (
    <>
      {asked.map(
        ({ id, spec }) =>
          spec.type === "person" && (
            <Answer key={id} check={id} question={spec.question} run={run} busy={busy || run.runs} />
          ),
      )}
      <div className={styles.actions}>
        {run.runs ? (
          <Button look="quiet" small icon={Square} onClick={() => void run.cancel()}>
            {said.stop}
          </Button>
        ) : (
          isRunnable && (
            <Button look="quiet" small icon={RotateCcw} disabled={busy} onClick={() => void run.start()}>
              {said.runAgain}
            </Button>
          )
        )}
        {!run.runs && mayAccept(task) && (
          <Button look="quiet" small icon={BadgeCheck} title={said.acceptHint} onClick={onAccept}>
            {said.accept}
          </Button>
        )}
        <span role="status" className={styles.quiet}>
          {run.runs ? (
            <>
              <Spinner /> {said.runs}
            </>
          ) : (
            run.count > 0 && !run.problem && said.done
          )}
        </span>
      </div>
      {run.problem && <ProblemNotice problem={run.problem} />}
    </>
  );
}

/** Only what has ended, or was weakened, is a person's to accept. */
function mayAccept({ status, verification = "none", weakened }: Checked): boolean {
  if (weakened) return true;
  return status === "completed" && !["verified", "accepted", "none"].includes(verification);
}

function Answer({ check, question, run, busy }: { check: string; question: string; run: CheckRunView; busy: boolean }) {
  const said = useWords(words);
  const [note, setNote] = useState("");
  const answer = (approved: boolean): void => {
    const reason = note.trim();
    void run.start([{ check_id: check, approved, ...(reason === "" ? {} : { reason }) }]);
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset would break the line
    <div className={styles.question} role="group" aria-label={said.answer(question)}>
      <Button small icon={Check} disabled={busy} onClick={() => answer(true)}>
        {said.yes}
      </Button>
      <Button small icon={X} disabled={busy} onClick={() => answer(false)}>
        {said.no}
      </Button>
      <NoteField label={said.note} className={styles.note} note={note} onChange={setNote} />
    </div>
  );
}
