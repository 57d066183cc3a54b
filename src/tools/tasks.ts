// The plan's tools. They are thin, since the rules are pure functions of `agent/plan`. A change answers with counts and
// the next task: each result is read again at every later step, and the model knows the rest of the plan from its own
// calls. A changed plan and its result are stored as one fact, so a call without a result has changed nothing and may
// be repeated.
import { lenientObject } from "../agent/calls/leniency.ts";
import { listNewChecks } from "../agent/checks/change.ts";
import { recognizeEmpty } from "../agent/checks/empty/empty-check.ts";
import { type Hand, handOf, idsOfCall } from "../agent/checks/make.ts";
import { commandsOf } from "../agent/checks/spec.ts";
import { describeWeakenings, recordWeakenings, type Weakening, weakenings } from "../agent/checks/weakening.ts";
import {
  type CreateTasksInput,
  clearAllInput,
  createTasksInput,
  deleteTasksInput,
  updateTasksInput,
} from "../agent/plan/arguments.ts";
import { listNumbers, numberPlan } from "../agent/plan/numbers.ts";
import { clearAll, createTasks, deleteTasks, type PlanChange, updateTasks } from "../agent/plan/rules.ts";
import { countPlan, describePlan, viewPlan } from "../agent/plan/view.ts";
import { defineTool, type PlanProposal, type Tool, type ToolContext, type ToolResult } from "../agent/tool.ts";
import { newId } from "../protocol/ids.ts";
import type { Plan } from "../protocol/plan/task.ts";

// These tools make no request, so only a bug could take longer.
const TIME_LIMIT_MS = 10_000;
// The largest plan that the rules allow, as JSON. It must arrive in full: with its middle cut out it would not be JSON.
const OUTPUT_LIMIT = 300_000;

const planTool = {
  kind: "plan",
  local: true,
  recovery: "repeat",
  time_limit_ms: TIME_LIMIT_MS,
  output_limit: OUTPUT_LIMIT,
} as const;

const NOTHING_NEW =
  "Nothing was added: all of these tasks are in the plan already and still open. Go on with the task that is due.";

export const taskTools: Tool[] = [
  defineTool({
    ...planTool,
    name: "create_tasks",
    description:
      "Make the task list, or add to it: first of all for research, content, multi-step work and projects. Give sections in the order of the work, each with small tasks that can be checked. To add tasks to one section, give section_title or section_id with task_contents. The result says which ids the new tasks have, in the order of your call.",
    schema: createTasksInput,
    read_only: false,
    execute: async (input, context) => {
      const change = createTasks(context.plan, input, newId, handFor(context));
      if (!change.ok || change.plan === context.plan) return answerChange(context, change, { note: NOTHING_NEW });
      const plan = numberPlan(change.plan);
      return answerChange(context, { ok: true, plan }, describeNew(context.plan, plan, countTasks(input)));
    },
    propose: (input, plan) => {
      const change = createTasks(plan, input);
      return change.ok && change.plan !== plan ? proposePlan(plan, change.plan) : null;
    },
    plansCommands: (input, plan) => listCommands(plan, createTasks(plan, input)),
    plansAddresses: (input, plan) => listAddresses(plan, createTasks(plan, input)),
    weakens: (input, plan) => listWeakenings(plan, createTasks(plan, input)),
  }),
  defineTool({
    ...planTool,
    name: "view_tasks",
    description: "Show the task list with all ids and statuses, and the task that is next.",
    schema: lenientObject({}),
    read_only: true,
    execute: async (_input, context) => show(context.plan, describePlan(context.plan)),
  }),
  defineTool({
    ...planTool,
    name: "update_tasks",
    description:
      "Change tasks: their status, the content of one, or their section. Set a task to completed as soon as it is done and you have seen that it is, in one message with the first calls of the next task; several at once only if they follow each other from the due one. cancelled is for tasks that have become pointless.",
    schema: updateTasksInput,
    read_only: false,
    execute: async (input, context) =>
      answerChange(context, updateTasks(context.plan, input, context.plan_order, handFor(context))),
    plansCommands: (input, plan) => listCommands(plan, updateTasks(plan, input, "free")),
    plansAddresses: (input, plan) => listAddresses(plan, updateTasks(plan, input, "free")),
    weakens: (input, plan, order) => listWeakenings(plan, updateTasks(plan, input, order)),
  }),
  defineTool({
    ...planTool,
    name: "delete_tasks",
    description:
      "Delete tasks, or sections with all their tasks (then confirm must be true). For tasks that were planned by mistake; work that is no longer wanted is cancelled with update_tasks instead.",
    schema: deleteTasksInput,
    read_only: false,
    execute: async (input, context) => answerChange(context, deleteTasks(context.plan, input)),
    weakens: (input, plan) => listWeakenings(plan, deleteTasks(plan, input)),
  }),
  defineTool({
    ...planTool,
    name: "clear_all",
    description: "Delete the whole task list. Only where the person wants something else altogether.",
    schema: clearAllInput,
    read_only: false,
    execute: async (input, context) => answerChange(context, clearAll(context.plan, input)),
    weakens: (input, plan) => listWeakenings(plan, clearAll(plan, input)),
  }),
];

/** The new sections and tasks, and tasks with new checks, in the form that `create_tasks` takes. */
function proposePlan(before: Plan, after: Plan): PlanProposal {
  const known = new Map(before.tasks.map(({ id, checks = [] }) => [id, checks.length]));
  const sections = viewPlan(after).sections.map(({ title, tasks }) => ({
    title,
    tasks: tasks.flatMap(({ id, content, checks = [] }): PlanProposal["sections"][number]["tasks"] => {
      const former = known.get(id);
      const added = checks.slice(former ?? 0).map(({ spec }) => spec);
      if (added.length > 0) return [{ content, checks: added }];
      return former === undefined ? [content] : [];
    }),
  }));
  return { sections: sections.filter(({ tasks }) => tasks.length > 0) };
}

/** What a person has approved as a plan is theirs, but for checks that can't fail. */
function handFor({ tool_call_id, granted, checks }: ToolContext): Hand {
  const makeCheckId = idsOfCall(tool_call_id);
  if (granted === "plan_approval") return handOf("person", { makeCheckId, agrees: true });
  return handOf("model", { makeCheckId, may_weaken: granted === "approval" && checks === "locked" });
}

function listCommands(before: Plan, change: PlanChange): string[] {
  if (!change.ok) return [];
  return listNewChecks(before.tasks, change.plan.tasks).flatMap(({ spec }) => commandsOf(spec));
}

function listAddresses(before: Plan, change: PlanChange): string[] {
  if (!change.ok) return [];
  const specs = listNewChecks(before.tasks, change.plan.tasks).map(({ spec }) => spec);
  return specs.flatMap((spec) => (spec.type === "http" && spec.url !== undefined ? [spec.url] : []));
}

function listWeakenings(before: Plan, change: PlanChange): Weakening[] {
  return change.ok ? weakenings(before, change.plan) : [];
}

/** Says which ids the new tasks have: the model has their texts from its own call, in the same order. */
function describeNew(before: Plan, after: Plan, asked: number): Record<string, unknown> {
  const known = new Set([...before.tasks, ...before.sections].map(({ id }) => id));
  const isNew = ({ id }: { id: string }) => !known.has(id);
  const tasks = after.tasks.filter(isNew);
  const sections = after.sections.filter(isNew);
  const skipped = asked - tasks.length;
  return {
    new_tasks: listNumbers(tasks, "task"),
    ...(sections.length === 0 ? {} : { new_sections: listNumbers(sections, "sec") }),
    ...(skipped === 0 ? {} : { note: `${skipped} not added again: in the plan already, and still open.` }),
  };
}

function countTasks({ sections, task_contents }: CreateTasksInput): number {
  return sections?.reduce((sum, { tasks }) => sum + tasks.length, 0) ?? task_contents?.length ?? 0;
}

function answerChange(context: ToolContext, change: PlanChange, extra: Record<string, unknown> = {}): ToolResult {
  if (!change.ok) return { content: change.message, is_error: true };
  if (change.plan === context.plan) return showCounts(change.plan, extra);
  const challenge = context.challenge?.(change.plan) ?? null;
  if (challenge !== null)
    return { content: challenge.message, is_error: true, details: { challenged: challenge.task_ids } };
  const weakened = weakenings(context.plan, change.plan);
  // A person has changed the plan since they were to be asked.
  if (weakened.length > 0 && context.checks === "locked" && context.granted === undefined)
    return { content: `${LOCKED} ${describeWeakenings(weakened).join("; ")}.`, is_error: true };
  const shown = showCounts(change.plan, { ...extra, ...noteChecks(context.plan, change.plan, weakened) });
  const record = weakened.length === 0 ? {} : { weakened: recordWeakenings(weakened) };
  return { ...shown, details: { ...shown.details, ...record }, plan: change.plan };
}

const LOCKED = "Nothing was changed: only a person may weaken checks here. Call it again and they are asked:";

/** What the model reads about its checks. Empty if there is nothing to say. */
function noteChecks(before: Plan, after: Plan, weakened: Weakening[]): Record<string, unknown> {
  const empty = listNewChecks(before.tasks, after.tasks).flatMap(({ spec }) => recognizeEmpty(spec) ?? []);
  return {
    ...(empty.length === 0 ? {} : { empty_checks: empty.slice(0, MAX_NOTES) }),
    ...(weakened.length === 0 ? {} : { recorded: describeWeakenings(weakened) }),
  };
}

/** A model that writes more empty checks has read the first ones. */
const MAX_NOTES = 3;

function showCounts(plan: Plan, extra: Record<string, unknown> = {}): ToolResult {
  return show(plan, { ...countPlan(plan), ...extra });
}

function show({ version, tasks }: Plan, shown: Record<string, unknown>): ToolResult {
  const completed_tasks = tasks.filter(({ status }) => status === "completed").length;
  const details = { version, total_tasks: tasks.length, completed_tasks };
  return { content: JSON.stringify(shown), is_error: false, details };
}
