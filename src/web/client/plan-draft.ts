// A proposed plan while a person edits it: pure functions from one draft to the next. Sections and tasks have keys, so
// that a form, or a number typed in the terminal, means the same task after others have moved.

import type { CheckInput } from "../../protocol/plan/check.ts";

export type PlanTask = string | { content: string; checks: CheckInput[] };

export interface PlanSection {
  title: string;
  tasks: PlanTask[];
}

export interface DraftTask {
  key: number;
  text: string;
  /** Absent where the task has none. */
  checks?: CheckInput[];
}

export interface DraftSection {
  key: number;
  title: string;
  tasks: DraftTask[];
}

export interface PlanDraft {
  sections: DraftSection[];
  /** The key of the next section or task. */
  next: number;
}

/** The server's limits: its `create_tasks` has the same ones, and reports a violation only afterwards. */
const draftLimits = { sections: 50, tasks: 500, taskCharacters: 2_000, titleCharacters: 200, checks: 8 } as const;

export type DraftProblem =
  | "no_tasks"
  | "no_title"
  | "many_sections"
  | "many_tasks"
  | "long_task"
  | "long_title"
  | "many_checks";

export function draftOf(sections: PlanSection[]): PlanDraft {
  let next = 1;
  const drafted = sections.map(({ title, tasks }) => ({
    key: next++,
    title,
    tasks: tasks.map((task) =>
      typeof task === "string" ? { key: next++, text: task } : { key: next++, text: task.content, checks: task.checks },
    ),
  }));
  return { sections: drafted, next };
}

/** Without empty entries. A section without tasks is dropped. */
export function sectionsOf(draft: PlanDraft): PlanSection[] {
  return draft.sections.flatMap(({ title, tasks }) => {
    const written = tasks.filter(({ text }) => text.trim() !== "").map(taskOf);
    return written.length === 0 ? [] : [{ title: title.trim(), tasks: written }];
  });
}

function taskOf({ text, checks = [] }: DraftTask): PlanTask {
  const written = checks.filter((check) => check.type !== "command" || check.run.trim() !== "");
  return written.length === 0 ? text.trim() : { content: text.trim(), checks: written };
}

/** Whether it differs in meaning, not only in form. */
export function isChanged(draft: PlanDraft, proposed: PlanSection[]): boolean {
  return JSON.stringify(sectionsOf(draft)) !== JSON.stringify(sectionsOf(draftOf(proposed)));
}

export function problemOf(draft: PlanDraft): DraftProblem | null {
  const sections = sectionsOf(draft);
  const tasks = sections.flatMap((section) => section.tasks);
  if (tasks.length === 0) return "no_tasks";
  if (sections.some(({ title }) => title === "")) return "no_title";
  if (sections.length > draftLimits.sections) return "many_sections";
  if (tasks.length > draftLimits.tasks) return "many_tasks";
  const isLong = (task: PlanTask) =>
    (typeof task === "string" ? task : task.content).length > draftLimits.taskCharacters;
  if (tasks.some(isLong)) return "long_task";
  if (tasks.some((task) => typeof task !== "string" && task.checks.length > draftLimits.checks)) return "many_checks";
  return sections.some(({ title }) => title.length > draftLimits.titleCharacters) ? "long_title" : null;
}

export function reword(draft: PlanDraft, key: number, text: string): PlanDraft {
  return editSections(draft, (section) =>
    section.key === key
      ? { ...section, title: text }
      : { ...section, tasks: section.tasks.map((task) => (task.key === key ? { ...task, text } : task)) },
  );
}

/** After the task with this key, or at the end of the section with this key. */
export function addTask(draft: PlanDraft, key: number, text = ""): PlanDraft {
  const added = { key: draft.next, text };
  const edited = editSections(draft, (section) => {
    if (section.key === key) return { ...section, tasks: [...section.tasks, added] };
    const place = section.tasks.findIndex((task) => task.key === key);
    return place < 0 ? section : { ...section, tasks: section.tasks.toSpliced(place + 1, 0, added) };
  });
  return { ...edited, next: draft.next + 1 };
}

/** A command that must end with 0: what a person writes in a line. */
export function addCheck(draft: PlanDraft, key: number, run = ""): PlanDraft {
  return editChecks(draft, key, (checks) => [...checks, { type: "command", run }]);
}

/** Another command is another check; what its output must hold stays. */
export function rewordCheck(draft: PlanDraft, key: number, place: number, run: string): PlanDraft {
  return editChecks(draft, key, (checks) =>
    checks.map((check, at) => (at === place && check.type === "command" ? { ...check, run } : check)),
  );
}

export function removeCheck(draft: PlanDraft, key: number, place: number): PlanDraft {
  return editChecks(draft, key, (checks) => checks.toSpliced(place, 1));
}

function editChecks(draft: PlanDraft, key: number, edit: (checks: CheckInput[]) => CheckInput[]): PlanDraft {
  return editSections(draft, (section) => ({
    ...section,
    tasks: section.tasks.map((task) => (task.key === key ? { ...task, checks: edit(task.checks ?? []) } : task)),
  }));
}

/** A section is created with a first task: an empty section is dropped. */
export function addSection(draft: PlanDraft, title = ""): PlanDraft {
  const section = { key: draft.next, title, tasks: [{ key: draft.next + 1, text: "" }] };
  return { sections: [...draft.sections, section], next: draft.next + 2 };
}

/** Removes a section with its tasks. */
export function remove(draft: PlanDraft, key: number): PlanDraft {
  const sections = draft.sections
    .filter((section) => section.key !== key)
    .map((section) => ({ ...section, tasks: section.tasks.filter((task) => task.key !== key) }));
  return { ...draft, sections };
}

/**
 * Moves one place up (-1) or down (1). A task at the edge of its section moves into the next one; at the plan's edge it
 * stays.
 */
export function step(draft: PlanDraft, key: number, by: -1 | 1): PlanDraft {
  const { sections } = draft;
  const own = sections.findIndex((section) => section.key === key);
  if (own >= 0) return { ...draft, sections: swap(sections, own, own + by) };
  const home = sections.findIndex(({ tasks }) => tasks.some((task) => task.key === key));
  const tasks = sections[home]?.tasks ?? [];
  const place = tasks.findIndex((task) => task.key === key);
  const task = tasks[place];
  if (!task) return draft;
  if (tasks[place + by]) {
    return editSections(draft, (section, index) =>
      index === home ? { ...section, tasks: swap(section.tasks, place, place + by) } : section,
    );
  }
  if (!sections[home + by]) return draft;
  return editSections(remove(draft, key), (section, index) => {
    if (index !== home + by) return section;
    return { ...section, tasks: by === 1 ? [task, ...section.tasks] : [...section.tasks, task] };
  });
}

/** Moves to the current place of the task `before`; that task and those after it follow. */
export function moveTo(draft: PlanDraft, key: number, before: number): PlanDraft {
  const tasks = draft.sections.flatMap((section) => section.tasks);
  const task = tasks.find((each) => each.key === key);
  if (!task || key === before || !tasks.some((each) => each.key === before)) return draft;
  // Naming a later task's place means to end up there, so the task goes behind that one.
  const isDown = tasks.indexOf(task) < tasks.findIndex((each) => each.key === before);
  return editSections(remove(draft, key), (section) => {
    const place = section.tasks.findIndex((each) => each.key === before);
    return place < 0 ? section : { ...section, tasks: section.tasks.toSpliced(place + (isDown ? 1 : 0), 0, task) };
  });
}

function editSections(draft: PlanDraft, edit: (section: DraftSection, index: number) => DraftSection): PlanDraft {
  return { ...draft, sections: draft.sections.map(edit) };
}

function swap<T>(list: T[], one: number, other: number): T[] {
  const [first, second] = [list[one], list[other]];
  if (first === undefined || second === undefined) return list;
  return list.with(one, second).with(other, first);
}
