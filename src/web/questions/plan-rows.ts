// The rows of a plan's form: for each section its title and tasks, with what can be done to them.
import {
  addTask,
  type DraftSection,
  type DraftTask,
  type PlanDraft,
  remove,
  reword,
  step,
} from "../client/plan-draft.ts";
import { element } from "../element.ts";
import { words } from "../words.ts";

export interface RowActions {
  /** The draft as it stands: rows outlive the draft that they were drawn from while someone types. */
  read(): PlanDraft;
  /** The words of a row changed; the rows stay. */
  keep(draft: PlanDraft): void;
  /** The order changed; `focus` names the control that goes on having the focus. */
  redraw(draft: PlanDraft, focus: string): void;
}

export function drawSections(draft: PlanDraft, actions: RowActions): HTMLElement[] {
  let number = 0;
  const { sections } = draft;
  return sections.map((section, place) => {
    const isLastSection = place === sections.length - 1;
    const tasks = section.tasks.map((task, index) => {
      number += 1;
      const isFirst = place === 0 && index === 0;
      const isLast = isLastSection && index === section.tasks.length - 1;
      return drawTask(draft, task, { label: words.task(number), isFirst, isLast }, actions);
    });
    const label = words.section(place + 1);
    const add = (): void => actions.redraw(addTask(actions.read(), section.key), `text ${actions.read().next}`);
    return element(
      "section",
      { "aria-label": label },
      drawTitle(draft, section, { label, isFirst: place === 0, isLast: isLastSection }, actions),
      element("ol", { start: String(number - section.tasks.length + 1) }, ...tasks),
      element("button", { type: "button", class: "quiet add", click: add }, words.addTask),
    );
  });
}

/** Where a control can't take the focus, the words of its row do. */
export function focusRow(rows: HTMLElement, name: string): void {
  const find = (wanted: string) =>
    [...rows.querySelectorAll<HTMLElement>("[data-control]")].find((each) => each.dataset.control === wanted);
  const control = find(name);
  const target = control?.matches(":disabled") ? find(name.replace(/^\w+/, "text")) : control;
  target?.focus();
  target?.scrollIntoView({ block: "nearest" });
}

interface Place {
  label: string;
  isFirst: boolean;
  isLast: boolean;
}

function drawTitle(draft: PlanDraft, section: DraftSection, place: Place, actions: RowActions): HTMLElement {
  const enter = (): void => actions.redraw(addTask(actions.read(), section.key), `text ${actions.read().next}`);
  const field = drawField(section.key, section.title, `${place.label}: ${words.sectionTitle}`, actions, enter);
  field.placeholder = words.sectionTitle;
  return element("div", { class: "row title" }, field, drawControls(draft, section.key, place, actions));
}

function drawTask(draft: PlanDraft, task: DraftTask, place: Place, actions: RowActions): HTMLElement {
  const enter = (): void => actions.redraw(addTask(actions.read(), task.key), `text ${actions.read().next}`);
  const field = drawField(task.key, task.text, place.label, actions, enter);
  field.placeholder = words.taskText;
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Backspace" || field.value !== "") return;
    event.preventDefault();
    takeOut(task.key, actions);
  });
  return element("li", {}, element("div", { class: "row" }, field, drawControls(draft, task.key, place, actions)));
}

/** Enter makes the next row, as in any list that is typed; it never sends the form. */
function drawField(key: number, text: string, label: string, actions: RowActions, enter: () => void) {
  const field = element("textarea", { rows: "1", dir: "auto", "aria-label": label, "data-control": `text ${key}` });
  field.value = text;
  field.addEventListener("input", () => {
    if (field.value.includes("\n")) field.value = field.value.replace(/\s*\n\s*/g, " ");
    actions.keep(reword(actions.read(), key, field.value));
  });
  field.addEventListener("keydown", (event) => {
    if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
      event.preventDefault();
      actions.redraw(step(actions.read(), key, event.key === "ArrowUp" ? -1 : 1), `text ${key}`);
    } else if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      enter();
    }
  });
  return field;
}

function drawControls(draft: PlanDraft, key: number, { label, isFirst, isLast }: Place, actions: RowActions) {
  const move = (by: -1 | 1, control: string) => (): void =>
    actions.redraw(step(actions.read(), key, by), `${control} ${key}`);
  const isOnly = draft.sections.length === 1 && draft.sections[0]?.key === key;
  return element(
    "div",
    { class: "controls" },
    drawControl("↑", `up ${key}`, `${label}: ${words.moveUp}`, isFirst, move(-1, "up")),
    drawControl("↓", `down ${key}`, `${label}: ${words.moveDown}`, isLast, move(1, "down")),
    drawControl("✕", `remove ${key}`, `${label}: ${words.remove}`, isOnly, () => takeOut(key, actions)),
  );
}

function drawControl(sign: string, name: string, label: string, disabled: boolean, click: () => void) {
  return element(
    "button",
    { type: "button", class: "quiet", "aria-label": label, title: label, "data-control": name, disabled, click },
    sign,
  );
}

/** The focus goes to the row before, so that one after another can be taken out from the keyboard. */
function takeOut(key: number, actions: RowActions): void {
  const draft = actions.read();
  const keys = draft.sections.flatMap((section) => [section.key, ...section.tasks.map((task) => task.key)]);
  const left = remove(draft, key);
  const kept = new Set(left.sections.flatMap((section) => [section.key, ...section.tasks.map((task) => task.key)]));
  const place = keys.indexOf(key);
  const next = keys.slice(0, place).findLast((each) => kept.has(each)) ?? keys.find((each) => kept.has(each));
  actions.redraw(left, `text ${next}`);
}
