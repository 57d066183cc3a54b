// The rows of a plan's form: each section's title and tasks with their actions. A row is keyed by its key in the draft,
// so that text and focus stay with it when it moves.
import { ArrowDown, ArrowUp, ListChecks, X } from "lucide-react";
import type { ChangeEvent, KeyboardEvent } from "react";
import type { CheckInput } from "../../protocol/plan/check.ts";
import { describeWhole } from "../client/check-lines.ts";
import {
  addCheck,
  addTask,
  type DraftTask,
  type PlanDraft,
  remove,
  removeCheck,
  reword,
  rewordCheck,
  step,
} from "../client/plan-draft.ts";
import { revealText } from "../client/reveal.ts";
import { Button, IconButton } from "../parts/button.tsx";
import { inputClass } from "../parts/field.tsx";
import { useWords } from "../state/words.ts";
import styles from "./plan-rows.module.css";
import { words } from "./words.ts";

/** `control` names what gets the focus afterwards; without it the focus stays. */
type Change = (draft: PlanDraft, control?: string) => void;

interface RowPlace {
  label: string;
  isFirst: boolean;
  isLast: boolean;
}

interface RowValue extends RowPlace {
  rowKey: number;
  /** A task can have checks, a section none. */
  hasChecks?: boolean;
  text: string;
  draft: PlanDraft;
  onChange: Change;
}

export function PlanRows({ draft, onChange }: { draft: PlanDraft; onChange: Change }) {
  const said = useWords(words);
  const { sections } = draft;
  const numbers = sections.map((_, place) =>
    sections.slice(0, place).reduce((sum, { tasks }) => sum + tasks.length, 0),
  );
  return sections.map((section, place) => {
    const label = said.section(place + 1);
    const [isFirst, isLast] = [place === 0, place === sections.length - 1];
    const before = numbers[place] ?? 0;
    const add = (): void => onChange(addTask(draft, section.key), `text ${draft.next}`);
    const shared = { draft, onChange };
    return (
      <section key={section.key} className={styles.section} aria-label={label}>
        <TitleRow
          {...shared}
          rowKey={section.key}
          text={section.title}
          label={label}
          isFirst={isFirst}
          isLast={isLast}
        />
        <ol className={styles.tasks} start={before + 1}>
          {section.tasks.map((task, index) => (
            <li key={task.key}>
              <TaskRow
                {...shared}
                rowKey={task.key}
                text={task.text}
                label={said.task(before + index + 1)}
                isFirst={isFirst && index === 0}
                isLast={isLast && index === section.tasks.length - 1}
                hasChecks
              />
              {task.checks && <Checks {...shared} task={task} label={said.task(before + index + 1)} />}
            </li>
          ))}
        </ol>
        <div className={styles.add}>
          <Button look="quiet" small onClick={add}>
            {said.addTask}
          </Button>
        </div>
      </section>
    );
  });
}

/** Where a control can't take the focus, its row's text field does. */
export function focusRow(rows: HTMLElement, name: string): void {
  const find = (wanted: string) =>
    [...rows.querySelectorAll<HTMLElement>("[data-control]")].find((each) => each.dataset.control === wanted);
  const control = find(name);
  const target = control?.matches(":disabled") ? find(name.replace(/^\w+/, "text")) : control;
  target?.focus();
  target?.scrollIntoView({ block: "nearest" });
}

function TitleRow(row: RowValue) {
  const said = useWords(words);
  return (
    <div className={styles.row}>
      <Field
        {...row}
        label={`${row.label}: ${said.sectionTitle}`}
        placeholder={said.sectionTitle}
        className={styles.title ?? ""}
      />
      <Controls {...row} />
    </div>
  );
}

function TaskRow(row: RowValue) {
  const said = useWords(words);
  return (
    <div className={styles.row}>
      <Field {...row} placeholder={said.taskText} className={styles.task ?? ""} isRemovable />
      <Controls {...row} />
    </div>
  );
}

/** Enter adds the next row, as in any typed list; it never sends the form. */
function Field({
  rowKey,
  text,
  label,
  draft,
  onChange,
  placeholder,
  className,
  isRemovable = false,
}: RowValue & { placeholder: string; className: string; isRemovable?: boolean }) {
  const write = (event: ChangeEvent<HTMLTextAreaElement>): void =>
    onChange(reword(draft, rowKey, event.target.value.replace(/(?<!\s)\s*\n\s*/g, " ")));
  const press = (event: KeyboardEvent): void => {
    if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
      event.preventDefault();
      onChange(step(draft, rowKey, event.key === "ArrowUp" ? -1 : 1), `text ${rowKey}`);
    } else if (event.key === "Enter" && !event.nativeEvent.isComposing) {
      event.preventDefault();
      onChange(addTask(draft, rowKey), `text ${draft.next}`);
    } else if (event.key === "Backspace" && isRemovable && text === "" && !event.nativeEvent.isComposing) {
      event.preventDefault();
      takeOut(draft, rowKey, onChange);
    }
  };
  return (
    <textarea
      className={`${inputClass} ${styles.field} ${className}`}
      rows={1}
      dir="auto"
      aria-label={label}
      data-control={`text ${rowKey}`}
      placeholder={placeholder}
      value={text}
      onChange={write}
      onKeyDown={press}
    />
  );
}

/** A command can be changed in its line. Any other check is kept or removed. */
function Checks({
  task,
  label,
  draft,
  onChange,
}: {
  task: DraftTask;
  label: string;
  draft: PlanDraft;
  onChange: Change;
}) {
  const said = useWords(words);
  const { key, checks = [] } = task;
  return (
    <ul className={styles.checks} aria-label={`${label}: ${said.checks}`}>
      {checks.map((check, at) => {
        const name = `${label}: ${said.check(at + 1)}`;
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: a check has no other identity before it is made
          <li key={at} className={styles.check}>
            {check.type === "command" ? (
              <textarea
                className={`${inputClass} ${styles.field} ${styles.command}`}
                rows={1}
                dir="ltr"
                spellCheck={false}
                aria-label={name}
                data-control={`check${at} ${key}`}
                placeholder={said.checkText}
                value={check.run}
                onChange={({ target }) => onChange(rewordCheck(draft, key, at, target.value))}
              />
            ) : null}
            <span className={styles.says} dir="auto">
              {sayCheck(check, said.locale === "zh-CN")}
            </span>
            <IconButton
              small
              icon={X}
              label={`${name}: ${said.remove}`}
              onClick={() => onChange(removeCheck(draft, key, at), `text ${key}`)}
            />
          </li>
        );
      })}
    </ul>
  );
}

/** All of it: nobody approves what is not shown. */
function sayCheck(check: CheckInput, chinese: boolean): string {
  if (check.type !== "command") return revealText(describeWhole(check, chinese));
  const { type: _, run, ...rest } = check;
  const hidden = revealText(run) === run ? "" : `${revealText(run)} `;
  return hidden + (Object.keys(rest).length === 0 ? "" : revealText(JSON.stringify(rest)));
}

function Controls({ rowKey, label, isFirst, isLast, draft, onChange, hasChecks = false }: RowValue) {
  const said = useWords(words);
  const isOnly = draft.sections.length === 1 && draft.sections[0]?.key === rowKey;
  const controls = [
    ...(hasChecks ? [{ name: "check", icon: ListChecks, does: said.addCheck, disabled: false } as const] : []),
    { name: "up", icon: ArrowUp, does: said.moveUp, disabled: isFirst },
    { name: "down", icon: ArrowDown, does: said.moveDown, disabled: isLast },
    { name: "remove", icon: X, does: said.remove, disabled: isOnly },
  ] as const;
  const act = (name: (typeof controls)[number]["name"]): void => {
    if (name === "check") {
      const place = draft.sections.flatMap(({ tasks }) => tasks).find(({ key }) => key === rowKey)?.checks?.length ?? 0;
      onChange(addCheck(draft, rowKey), `check${place} ${rowKey}`);
    } else if (name === "remove") takeOut(draft, rowKey, onChange);
    else onChange(step(draft, rowKey, name === "up" ? -1 : 1), `${name} ${rowKey}`);
  };
  return (
    <div className={styles.controls}>
      {controls.map(({ name, icon, does, disabled }) => (
        <IconButton
          key={name}
          small
          icon={icon}
          label={`${label}: ${does}`}
          data-control={`${name} ${rowKey}`}
          disabled={disabled}
          onClick={() => act(name)}
        />
      ))}
    </div>
  );
}

/** The focus goes to the row before, so that several can be removed from the keyboard. */
function takeOut(draft: PlanDraft, key: number, onChange: Change): void {
  const keysOf = ({ sections }: PlanDraft): number[] =>
    sections.flatMap((section) => [section.key, ...section.tasks.map((task) => task.key)]);
  const keys = keysOf(draft);
  const left = remove(draft, key);
  const kept = new Set(keysOf(left));
  const next =
    keys.slice(0, keys.indexOf(key)).findLast((each) => kept.has(each)) ?? keys.find((each) => kept.has(each));
  onChange(left, `text ${next}`);
}
