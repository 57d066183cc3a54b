// Short ids: the model knows a task as `task_12` and a section as `sec_3`, since an id of 31 characters costs it 20 tokens
// each time and is easily miscopied. A number is given once and to nothing else while the plan lives, so what the model
// has read stays true. People and clients have the ids and see no numbers.
import type { Plan, Section, Task } from "../../protocol/plan/task.ts";

type Kind = "task" | "sec";

export function taskId({ id, number }: Pick<Task, "id" | "number">): string {
  return number === undefined ? id : `task_${number}`;
}

export function sectionId({ id, number }: Section): string {
  return number === undefined ? id : `sec_${number}`;
}

/** The plan with a number for each task and section. The same plan always gets the same numbers. */
export function numberPlan(plan: Plan): Plan {
  const tasks = numberItems(plan.tasks, plan.last_numbers?.task ?? 0);
  const sections = numberItems(plan.sections, plan.last_numbers?.sec ?? 0);
  const last_numbers = { task: tasks.last, sec: sections.last };
  const isSame =
    tasks.items === plan.tasks &&
    sections.items === plan.sections &&
    last_numbers.task === (plan.last_numbers?.task ?? 0) &&
    last_numbers.sec === (plan.last_numbers?.sec ?? 0);
  return isSame ? plan : { ...plan, tasks: tasks.items, sections: sections.items, last_numbers };
}

function numberItems<Item extends { number?: number }>(
  items: Item[],
  highest: number,
): { items: Item[]; last: number } {
  let last = Math.max(highest, ...items.map(({ number = 0 }) => number));
  if (items.every(({ number }) => number !== undefined)) return { items, last };
  return { items: items.map((item) => (item.number === undefined ? { ...item, number: ++last } : item)), last };
}

/** What people and clients see; a person's edit and its refusals know ids only. */
export function withoutNumbers({ version, sections, tasks }: Plan): Plan {
  return {
    version,
    sections: sections.map(({ number: _, ...section }) => section),
    tasks: tasks.map(({ number: _, ...task }) => task),
  };
}

/** Gives an edited plan the numbers of the plan before it, and its new tasks and sections the next ones. */
export function withNumbersOf(before: Plan, edited: Plan): Plan {
  const tasks = new Map(before.tasks.map(({ id, number }) => [id, number]));
  const sections = new Map(before.sections.map(({ id, number }) => [id, number]));
  return numberPlan({
    ...edited,
    ...(before.last_numbers === undefined ? {} : { last_numbers: before.last_numbers }),
    tasks: edited.tasks.map((task) => renumber(task, tasks.get(task.id))),
    sections: edited.sections.map((section) => renumber(section, sections.get(section.id))),
  });
}

function renumber<Item extends { number?: number }>(item: Item, number: number | undefined): Item {
  return number === undefined ? item : { ...item, number };
}

// "task 1" and "任务1" are what models make of task_1, "#1" and "1" what is left of it.
const forms: Record<Kind, RegExp> = {
  task: /^(?:(?:tasks?|任务)[\s_#-]*|#\s*)?0*([1-9]\d{0,8})$/,
  sec: /^(?:(?:sec(?:tion)?s?|章节|阶段)[\s_#-]*|#\s*)?0*([1-9]\d{0,8})$/,
};

/** The number that a text names; null if it names none. */
export function readNumber(text: string, kind: Kind): number | null {
  const [, digits] = forms[kind].exec(text.normalize("NFKC").trim().toLowerCase()) ?? [];
  return digits === undefined ? null : Number(digits);
}

/** "task_3, task_4 to task_7": consecutive numbers as a range. */
export function listNumbers(items: readonly { number?: number }[], kind: Kind): string {
  const numbers = items.flatMap(({ number }) => number ?? []).sort((one, other) => one - other);
  const ranges: [from: number, to: number][] = [];
  for (const number of numbers) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === number - 1) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges.map(([from, to]) => (from === to ? `${kind}_${from}` : `${kind}_${from} to ${kind}_${to}`)).join(", ");
}
