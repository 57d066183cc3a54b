// A section of the plan with its tasks, and a field for another task at its end.
import { Ellipsis, Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import type { PlanState } from "../../protocol/plan/task.ts";
import { May } from "../app/may.tsx";
import { Button } from "../parts/button.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { Menu, MenuItem } from "../parts/menu.tsx";
import { useFocusBack } from "../parts/use-focus-back.ts";
import { useWords } from "../state/words.ts";
import { LineForm } from "./line-form.tsx";
import { addTask, type PlanEdit, removeSection } from "./plan-edits.ts";
import styles from "./plan-panel.module.css";
import { maxTaskCharacters, TaskRow } from "./task-row.tsx";
import type { LedgerView } from "./use-ledger.ts";
import { words } from "./words.ts";

export function PlanSection({
  section,
  isFirst,
  isLast,
  busy,
  ledger,
  onEdit,
}: {
  section: PlanState["sections"][number];
  isFirst: boolean;
  isLast: boolean;
  busy: boolean;
  ledger: LedgerView;
  onEdit: (edit: PlanEdit, focus?: string) => Promise<boolean>;
}) {
  const said = useWords(words);
  const { tasks } = section;
  return (
    <section className={styles.section}>
      <div className={styles.sectionHead}>
        <h3 dir="auto">{section.title}</h3>
        <May scope="run">
          <SectionMenu section={section} onEdit={onEdit} />
        </May>
      </div>
      <ol className={styles.tasks}>
        {tasks.map((task, place) => (
          <TaskRow
            key={task.id}
            task={task}
            isFirst={isFirst && place === 0}
            isLast={isLast && place === tasks.length - 1}
            busy={busy}
            ledger={ledger.tasks === null ? null : ledger.tasks[task.id]}
            readAt={ledger.at}
            onEdit={onEdit}
          />
        ))}
      </ol>
      <May scope="run">
        <AddTask label={said.taskTo(section.title)} onAdd={(text) => onEdit(addTask(section.id, text))} />
      </May>
    </section>
  );
}

function SectionMenu({
  section: { id, title, tasks },
  onEdit,
}: {
  section: PlanState["sections"][number];
  onEdit: (edit: PlanEdit) => Promise<boolean>;
}) {
  const said = useWords(words);
  const [isAsking, setAsking] = useState(false);
  return (
    <span className={styles.sectionMenu}>
      <Menu
        icon={Ellipsis}
        label={said.actionsOf(title)}
        items={
          <MenuItem icon={Trash2} tone="danger" onClick={() => setAsking(true)}>
            {said.removeSection}
          </MenuItem>
        }
      />
      {isAsking && (
        <Dialog title={said.removeSection} onClose={() => setAsking(false)}>
          <p className={styles.ask}>{said.removeAsk(title, tasks.length)}</p>
          <div className={styles.answers}>
            <Button onClick={() => setAsking(false)}>{said.cancel}</Button>
            <Button
              look="danger"
              onClick={() => {
                setAsking(false);
                void onEdit(removeSection(id));
              }}
            >
              {said.remove}
            </Button>
          </div>
        </Dialog>
      )}
    </span>
  );
}

/** Stays open after each task, so that several can be entered in a row. */
function AddTask({ label, onAdd }: { label: string; onAdd: (text: string) => Promise<boolean> }) {
  const said = useWords(words);
  const { place, isFieldOpen, isDue, open, leave } = useFocusBack<HTMLDivElement>();
  return (
    <div ref={place} className={styles.add}>
      {isFieldOpen ? (
        <LineForm label={label} max={maxTaskCharacters} placeholder={said.taskText} onKeep={onAdd} onLeave={leave} />
      ) : (
        <Button look="quiet" small icon={Plus} aria-label={label} autoFocus={isDue} onClick={open}>
          {said.addTask}
        </Button>
      )}
    </div>
  );
}
