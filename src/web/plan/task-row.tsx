// One task: its status, text and duration; opened, its ledger. Alt and an arrow key move it, the menu does everything
// else.
import { ArrowDown, ArrowUp, Ban, Check, Ellipsis, Pencil, Trash2 } from "lucide-react";
import { type KeyboardEvent, memo, useState } from "react";
import type { TaskLedger } from "../../protocol/plan/ledger.ts";
import type { PlanState } from "../../protocol/plan/task.ts";
import { useMay } from "../app/may.tsx";
import { Menu, MenuItem, MenuLine } from "../parts/menu.tsx";
import { Spinner } from "../parts/notice.tsx";
import { useFocusBack } from "../parts/use-focus-back.ts";
import { useWords } from "../state/words.ts";
import { LineForm } from "./line-form.tsx";
import { endTask, isOpen, moveTask, type PlanEdit, removeTask, reword } from "./plan-edits.ts";
import { StatusIcon } from "./status-icon.tsx";
import { TaskChecks, VerificationLabel } from "./task-checks.tsx";
import { TaskLedgerView } from "./task-ledger.tsx";
import styles from "./task-row.module.css";
import { TaskTime } from "./task-time.tsx";
import { words } from "./words.ts";

type Task = PlanState["sections"][number]["tasks"][number];

export interface TaskRowProps {
  task: Task;
  isFirst: boolean;
  isLast: boolean;
  busy: boolean;
  /** Null before the ledger is read; undefined where the task has none. */
  ledger: TaskLedger | undefined | null;
  readAt: number;
  /** `focus`: whether the row keeps the focus after the move. */
  onEdit: (edit: PlanEdit, focus?: string) => Promise<boolean>;
}

/** The server's limit. */
export const maxTaskCharacters = 2000;

export const TaskRow = memo(function TaskRow(row: TaskRowProps) {
  const { task, busy, ledger, readAt, onEdit } = row;
  const said = useWords(words);
  const [isOpened, setOpened] = useState(false);
  const { place, isFieldOpen, isDue, open, leave } = useFocusBack<HTMLLIElement>();
  const mayEdit = useMay("run");
  const works = busy && task.status === "in_progress";
  const press = (event: KeyboardEvent): void => {
    if (!mayEdit || !event.altKey || (event.key !== "ArrowUp" && event.key !== "ArrowDown")) return;
    event.preventDefault();
    const isUp = event.key === "ArrowUp";
    if (isUp ? !row.isFirst : !row.isLast) void onEdit(moveTask(task.id, isUp ? -1 : 1), task.id);
  };
  const keep = async (text: string): Promise<boolean> => {
    const taken = text === task.content || (await onEdit(reword(task.id, text), task.id));
    if (taken) leave();
    return taken;
  };
  return (
    <li ref={place} className={styles.task} data-task={task.id} data-status={task.status}>
      {isFieldOpen ? (
        <div className={styles.edited}>
          <LineForm label={said.edit} text={task.content} max={maxTaskCharacters} onKeep={keep} onLeave={leave} />
        </div>
      ) : (
        <div className={styles.row}>
          <button
            type="button"
            className={styles.toggle}
            // biome-ignore lint/a11y/noAutofocus: it has it where the field above had it
            autoFocus={isDue}
            aria-expanded={isOpened}
            aria-keyshortcuts={mayEdit ? "Alt+ArrowUp Alt+ArrowDown" : undefined}
            onClick={() => setOpened(!isOpened)}
            onKeyDown={press}
          >
            <StatusIcon status={task.status} works={works} />
            <span className={styles.content} dir="auto">
              {task.content}
            </span>
            <span className="unseen"> ({said.statuses[task.status]})</span>
            {task.checks && <VerificationLabel task={task} />}
            <TaskTime seconds={ledger?.seconds ?? null} at={readAt} ticks={works} />
          </button>
          {mayEdit && <TaskMenu {...row} onReword={open} />}
        </div>
      )}
      {isOpened && (
        <div className={styles.opened}>
          {(task.checks || mayEdit) && <TaskChecks task={task} busy={busy} onEdit={onEdit} />}
          {ledger === null ? (
            <p className={styles.reading}>
              <Spinner /> {said.reading}
            </p>
          ) : ledger === undefined ? (
            <p className={styles.reading}>{said.nothing}</p>
          ) : (
            <TaskLedgerView ledger={ledger} status={task.status} />
          )}
        </div>
      )}
    </li>
  );
});

function TaskMenu({ task, isFirst, isLast, onEdit, onReword }: TaskRowProps & { onReword: () => void }) {
  const said = useWords(words);
  const open = isOpen(task.status);
  return (
    <span className={styles.menu}>
      <Menu
        icon={Ellipsis}
        label={said.actionsOf(task.content.slice(0, 80))}
        items={
          <>
            <MenuItem icon={Pencil} onClick={onReword}>
              {said.edit}
            </MenuItem>
            <MenuItem icon={ArrowUp} disabled={isFirst} onClick={() => void onEdit(moveTask(task.id, -1))}>
              {said.moveUp}
            </MenuItem>
            <MenuItem icon={ArrowDown} disabled={isLast} onClick={() => void onEdit(moveTask(task.id, 1))}>
              {said.moveDown}
            </MenuItem>
            <MenuLine />
            <MenuItem icon={Check} disabled={!open} onClick={() => void onEdit(endTask(task.id, "completed"))}>
              {said.complete}
            </MenuItem>
            <MenuItem icon={Ban} disabled={!open} onClick={() => void onEdit(endTask(task.id, "cancelled"))}>
              {said.cancelTask}
            </MenuItem>
            <MenuItem icon={Trash2} tone="danger" onClick={() => void onEdit(removeTask(task.id))}>
              {said.remove}
            </MenuItem>
          </>
        }
      />
    </span>
  );
}
