// The rules of the task list, as pure functions over a `Plan`. A change is either allowed as a whole, and returns a
// plan whose version is one higher, or is refused with a sentence that names the due task and the right call.
//
// - Plan order is the order of the sections, and of the tasks within each section. The task in progress is due, or else
//   the first pending task in plan order.
// - Status: pending → in_progress → completed | cancelled. One task is in progress at a time. An ended task is never
//   reopened. Setting a status that a task already has changes nothing, so a repeated call is harmless.
// - "strict": tasks are started and completed in order, so several at once must be the due task and those after it.
//   "free": in any order. Both allow cancelling any task.
import type { AgentConfig } from "../../protocol/agents/agent.ts";
import { newId } from "../../protocol/ids.ts";
import type { Plan, Section, Task, TaskStatus } from "../../protocol/plan/task.ts";
import { type ChecksChange, changeChecks, findChecksFault } from "../checks/change.ts";
import { type Hand, handOf } from "../checks/make.ts";
import { withVerification } from "../checks/verification.ts";
import { isMadeAnew } from "../checks/weakening.ts";
import type { ClearAllInput, CreateTasksInput, DeleteTasksInput, TaskInput, UpdateTasksInput } from "./arguments.ts";
import { finderOf, findTasks } from "./find.ts";
import { cleanText, describeDue, listSections, nameTask, quote } from "./text.ts";
import { dueTask, openTasks } from "./view.ts";

export type PlanOrder = AgentConfig["plan_order"];

export type PlanChange = { ok: true; plan: Plan } | { ok: false; message: string };

/** Makes an id. Tests pass their own. */
export type MakeId = (prefix: "task" | "sec") => string;

// A plan is one row, part of each state snapshot and the result of every plan tool, so a model reads it again and
// again. These bounds are far above any plan that a person could follow, and keep its JSON under 300 KB.
export const MAX_SECTIONS = 50;
export const MAX_TASKS = 500;
const TOO_MANY_TASKS = `A plan has at most ${MAX_TASKS} tasks. Group the work more coarsely.`;
export const MAX_TASK_CHARACTERS = 2_000;
const MAX_TITLE_CHARACTERS = 200;
export const MAX_PLAN_CHARACTERS = 60_000;

/** The plan with its due task in progress; null if a task is in progress already or none is left. */
export function startDueTask(plan: Plan): Plan | null {
  const due = dueTask(plan);
  if (due?.status !== "pending") return null;
  return { ...changeTasks(plan, new Set([due.id]), { status: "in_progress" }), version: plan.version + 1 };
}

export function createTasks(
  plan: Plan,
  input: CreateTasksInput,
  makeId: MakeId = newId,
  hand: Hand = handOf("model"),
): PlanChange {
  const additions = readAdditions(plan, input);
  if (typeof additions === "string") return refuse(additions);
  const sections = [...plan.sections];
  const tasks = [...plan.tasks];
  const planned = placesOfOpen(plan);
  for (const addition of additions) {
    const title = cleanText(addition.title);
    if (title === "") return refuse("A section needs a title that is not empty.");
    if (title.length > MAX_TITLE_CHARACTERS)
      return refuse(`A section's title has at most ${MAX_TITLE_CHARACTERS} characters.`);
    let section = findSection(sections, addition.id, title);
    if (!section) {
      section = { id: makeId("sec"), title };
      sections.push(section);
    }
    if (addition.tasks.length === 0) return refuse(`Section ${quote(title)} needs at least one task.`);
    for (const given of addition.tasks) {
      const { content, checks } = readTask(given);
      const problem = checkContent(content);
      if (problem) return refuse(problem);
      // Models that lose track plan the same work twice.
      const place = planned.get(`${section.id} ${content}`);
      // A request may hold a hundred thousand tasks, so stop at the first one too many.
      if (place === undefined && tasks.length === MAX_TASKS) return refuse(TOO_MANY_TASKS);
      const at = place ?? tasks.length;
      const task = tasks[at] ?? { id: makeId("task"), content, status: "pending", section_id: section.id };
      const changed = changeChecks(task, { add: checks }, hand, place === undefined ? quote(content) : nameTask(task));
      if (!changed.ok) return changed;
      const isAnew =
        place === undefined && hand.author === "model" && !hand.may_weaken && isMadeAnew(changed.task, plan);
      tasks[at] = isAnew ? { ...changed.task, weakened: true } : changed.task;
    }
  }
  if (tasks.length === plan.tasks.length && tasks.every((task, at) => task === plan.tasks[at]))
    return { ok: true, plan };
  return checkSize({ ...plan, version: plan.version + 1, sections, tasks });
}

function readTask(given: TaskInput): { content: string; checks: readonly unknown[] } {
  if (typeof given === "string") return { content: cleanText(given), checks: [] };
  return { content: cleanText(given.content), checks: given.checks ?? [] };
}

/** Where the tasks are that were open before this call, by section and content: the first of equal ones. */
function placesOfOpen({ tasks }: Plan): Map<string, number> {
  const places = [...tasks.entries()].filter(([, task]) => isOpen(task));
  return new Map(places.reverse().map(([at, { section_id, content }]) => [`${section_id} ${content}`, at]));
}

export function isOpen({ status }: Task): boolean {
  return status === "pending" || status === "in_progress";
}

function readAdditions(
  plan: Plan,
  input: CreateTasksInput,
): string | { id?: string; title: string; tasks: readonly TaskInput[] }[] {
  const form = `Call create_tasks with {"sections":[{"title":"…","tasks":["…"]}]}, or with {"section_title":"…","task_contents":["…"]}.`;
  if (input.sections && input.task_contents) return `Give either sections or task_contents, not both. ${form}`;
  if (input.sections) return input.sections;
  if (!input.task_contents) return `There are no tasks in this call. ${form}`;
  if (input.section_id !== undefined) {
    const section = finderOf(plan.sections, "sec")(input.section_id);
    if (!section) return `There is no section ${quote(input.section_id)}. ${listSections(plan)}`;
    return [{ id: section.id, title: section.title, tasks: input.task_contents }];
  }
  if (input.section_title === undefined) return `task_contents needs section_title or section_id. ${form}`;
  return [{ title: input.section_title, tasks: input.task_contents }];
}

export function updateTasks(
  plan: Plan,
  input: UpdateTasksInput,
  order: PlanOrder,
  hand: Hand = handOf("model"),
): PlanChange {
  const { status, section_id, checks, remove_checks } = input;
  const content = input.content === undefined ? undefined : cleanText(input.content);
  if ([status, content, section_id, checks, remove_checks].every((field) => field === undefined)) {
    return refuse(`Nothing to change: give status, content or section_id with the task_ids. ${describeDue(plan)}`);
  }
  const named = findTasks(plan, input.task_ids);
  if (typeof named === "string") return refuse(named);
  const problem =
    (status && checkStatus(plan, named, status, order)) || (content !== undefined && checkContent(content));
  if (problem) return refuse(problem);
  if (content !== undefined && named.length > 1) {
    return refuse("A new content is for one task. Call update_tasks once for each task whose content changes.");
  }
  const section = section_id === undefined ? undefined : finderOf(plan.sections, "sec")(section_id);
  if (section_id !== undefined && !section) {
    return refuse(`There is no section ${quote(section_id)}. ${listSections(plan)}`);
  }
  if (remove_checks !== undefined && named.length > 1)
    return refuse("remove_checks is for one task. Call update_tasks once for each task whose checks change.");
  const rechecked = changeChecksOf(plan, named, { add: checks, remove: remove_checks }, hand);
  if (!rechecked.ok) return rechecked;
  const ids = new Set(named.map((task) => task.id));
  const changed = changeTasks(rechecked.plan, ids, { status, content }, hand);
  return finish(plan, section ? moveTasks(changed, ids, section.id) : changed);
}

function changeChecksOf(plan: Plan, named: Task[], change: ChecksChange, hand: Hand): PlanChange {
  if (change.add === undefined && change.remove === undefined) return { ok: true, plan };
  const changed = new Map<string, Task>();
  for (const task of named) {
    const done = changeChecks(task, change, hand, nameTask(task));
    if (!done.ok) return done;
    changed.set(task.id, done.task);
  }
  return { ok: true, plan: { ...plan, tasks: plan.tasks.map((task) => changed.get(task.id) ?? task) } };
}

function checkStatus(plan: Plan, named: Task[], status: TaskStatus, order: PlanOrder): string | null {
  const changing = named.filter((task) => task.status !== status);
  const ended = changing.find((task) => task.status === "completed" || task.status === "cancelled");
  if (ended) {
    return `${nameTask(ended)} is ${ended.status} and is not opened again; create a new task for what is left to do. ${describeDue(plan)}`;
  }
  const open = openTasks(plan);
  const current = open.find((task) => task.status === "in_progress");
  if (status === "pending") {
    const started = changing[0];
    return started
      ? `${nameTask(started)} is in progress and can't become pending again; complete or cancel it. ${describeDue(plan)}`
      : null;
  }
  if (status === "in_progress") {
    if (changing.length > 1) {
      return `One task is in progress at a time, so start one with one id. ${describeDue(plan)}`;
    }
    if (changing.length === 1 && current) {
      return `One task is in progress at a time, and ${nameTask(current)} is. ${describeDue(plan)}`;
    }
  }
  if (status === "cancelled" || order === "free") return null;
  return checkOrder(plan, open, changing);
}

/** In "strict" order the tasks must be the first open ones, in whatever order the call names them. */
function checkOrder(plan: Plan, open: Task[], changing: Task[]): string | null {
  const due = new Set(open.slice(0, changing.length).map((task) => task.id));
  const early = changing.find((task) => !due.has(task.id));
  if (!early) return null;
  const several =
    changing.length > 1 ? " Several ids at once must be the due task and those that follow it directly." : "";
  return `${nameTask(early)} is not due yet: tasks are done in order.${several} ${describeDue(plan)}`;
}

export function deleteTasks(plan: Plan, input: DeleteTasksInput): PlanChange {
  const sectionIds = input.section_ids ?? [];
  const taskIds = input.task_ids ?? [];
  if (sectionIds.length === 0 && taskIds.length === 0) {
    return refuse(
      `Nothing to delete: give {"task_ids":["…"]}, or {"section_ids":["…"],"confirm":true}. ${describeDue(plan)}`,
    );
  }
  const named = findTasks(plan, taskIds);
  if (typeof named === "string") return refuse(named);
  const sections = new Set<string>();
  const findSectionById = finderOf(plan.sections, "sec");
  for (const id of sectionIds) {
    const section = findSectionById(id);
    if (!section) return refuse(`There is no section ${quote(id)}. ${listSections(plan)}`);
    sections.add(section.id);
  }
  if (sections.size > 0 && input.confirm !== true) {
    const count = plan.tasks.filter((task) => sections.has(task.section_id)).length;
    return refuse(
      `Deleting a section deletes its tasks (${count} here). Nothing was deleted; if that is meant, call delete_tasks again with "confirm":true.`,
    );
  }
  const ids = new Set(named.map((task) => task.id));
  return finish(plan, {
    ...plan,
    sections: plan.sections.filter((section) => !sections.has(section.id)),
    tasks: plan.tasks.filter((task) => !ids.has(task.id) && !sections.has(task.section_id)),
  });
}

export function clearAll(plan: Plan, input: ClearAllInput): PlanChange {
  if (input.confirm !== true) {
    return refuse(
      `clear_all deletes all ${plan.tasks.length} tasks. Nothing was deleted; if that is meant, call it with {"confirm":true}.`,
    );
  }
  if (plan.sections.length === 0 && plan.tasks.length === 0) return { ok: true, plan };
  return { ok: true, plan: { ...plan, version: plan.version + 1, sections: [], tasks: [] } };
}

function changeTasks(
  plan: Plan,
  ids: Set<string>,
  change: { status?: TaskStatus; content?: string },
  hand: Hand = handOf("model"),
): Plan {
  const tasks = plan.tasks.map((task) => {
    if (!ids.has(task.id)) return task;
    const changed = { ...task, status: change.status ?? task.status, content: change.content ?? task.content };
    // A person's word stands beside checks that have not run.
    const accepts = hand.author === "person" && change.status === "completed" && task.status !== "completed";
    return withVerification(accepts && changed.checks ? { ...changed, verification: "accepted" } : changed);
  });
  return { ...plan, tasks };
}

/** Moved tasks go to the end of their new section. Tasks that are in it already keep their place. */
function moveTasks(plan: Plan, ids: Set<string>, section_id: string): Plan {
  const moves = (task: Task) => ids.has(task.id) && task.section_id !== section_id;
  const moved = plan.tasks.filter(moves).map((task) => ({ ...task, section_id }));
  return { ...plan, tasks: [...plan.tasks.filter((task) => !moves(task)), ...moved] };
}

/** The changed plan under its next version, or the same object if nothing differs. */
function finish(before: Plan, after: Plan): PlanChange {
  const same =
    before.sections.length === after.sections.length && JSON.stringify(before.tasks) === JSON.stringify(after.tasks);
  return same ? { ok: true, plan: before } : checkSize({ ...after, version: before.version + 1 });
}

function checkContent(content: string): string | null {
  if (content === "") return "A task needs a content that is not empty.";
  if (content.length <= MAX_TASK_CHARACTERS) return null;
  return `A task has at most ${MAX_TASK_CHARACTERS} characters, and ${quote(content)} has ${content.length}. Say what to do in a sentence; long material belongs in a file.`;
}

function checkSize(plan: Plan): PlanChange {
  const characters = [...plan.tasks, ...plan.sections].reduce(
    (sum, item) => sum + ("content" in item ? item.content : item.title).length,
    0,
  );
  if (plan.sections.length > MAX_SECTIONS)
    return refuse(`A plan has at most ${MAX_SECTIONS} sections. Group the work more coarsely.`);
  if (plan.tasks.length > MAX_TASKS) return refuse(TOO_MANY_TASKS);
  if (characters > MAX_PLAN_CHARACTERS)
    return refuse(`A plan has at most ${MAX_PLAN_CHARACTERS} characters in all. Word the tasks more briefly.`);
  const fault = findChecksFault(plan.tasks);
  return fault === null ? { ok: true, plan } : refuse(fault);
}

/** Models also give a section's id as its title. */
function findSection(sections: Section[], id: string | undefined, title: string): Section | undefined {
  if (id !== undefined) return sections.find((known) => known.id === id);
  const named = sections.find((known) => known.title.trim().toLowerCase() === title.toLowerCase());
  return named ?? (/^sec_\w+$/i.test(title) ? finderOf(sections, "sec")(title) : undefined);
}

function refuse(message: string): { ok: false; message: string } {
  return { ok: false, message };
}
