// The arguments of the plan tools: the schemas that the model sees, and how its usual mistakes are read. Rules that
// need the plan itself are in `rules.ts`.
import { z } from "zod";
import { isRecord } from "../../lib/is-record.ts";
import { checkTypes } from "../../protocol/plan/check.ts";
import { type TaskStatus, taskStatuses } from "../../protocol/plan/task.ts";
import { lenientObject, parseJson } from "../calls/leniency.ts";
import { assignChecks, readChecks } from "../checks/read.ts";

/** As many as a plan has tasks. */
const MAX_NAMED = 500;
/** More than a task has. */
const MAX_REMOVED = 20;

/** A task is a text, or a text with checks. What a check is, is judged where it is made. */
export type TaskInput = string | { content: string; checks?: readonly unknown[] | undefined };

const aText = { type: "string" };
const aNumber = { type: "integer" };
const aFlag = { type: "boolean" };
/**
 * What most checks need. llama.cpp lets a model write no field that is not named here:
 * https://github.com/ggml-org/llama.cpp/tree/master/grammars#a-word-about-additionalproperties
 */
const checkFields = {
  ...{ run: aText, exit_code: aNumber, path: aText, contains: aText, excludes: aText, port: aNumber, status: aNumber },
  ...{ start: { type: "object", properties: { run: aText } }, clean: aFlag, question: aText },
};
const type = { type: "string", enum: [...checkTypes] };

/** An object of any form is refused by some servers, and a choice of forms is not understood by all. */
const anyCheck = { type: "object", properties: { type, ...checkFields } };
const anyOwnCheck = { type: "object", properties: { task: aNumber, type: aText } };
const ownCheck = { type: "object", properties: { task: aNumber, type, ...checkFields }, required: ["task", "type"] };

/** Each request to a model has this text, so it names the fields by example. */
const aboutChecks =
  'What the server looks at when a task is completed; task is its number in tasks, from 1: {"task":1,"type":"command","run":"npm test","contains":"0 failed"}, {"task":2,"type":"file","path":"shop/server.js","contains":"/api/cart"}, {"task":2,"type":"http","port":3000,"path":"/api/products","start":{"run":"npm start"}}, {"task":3,"type":"git","clean":true}, {"task":3,"type":"person","question":"…"}. Also exit_code, status, excludes, matches, json {"path":"0.id","equals":1}, pushed, branch, protected (files that must stay as they are)';

/** Described as texts. A task with its checks in one object, as the API has it, is read too. */
const taskTexts = z
  .array(
    z
      .unknown()
      .refine(isTaskInput, "must be a text, or {content, checks}")
      .meta({ type: "string" }) as z.ZodType<TaskInput>,
  )
  .min(1)
  .describe("One short sentence per task, in the order of the work");

/** Given to their tasks before this is checked: what is left belongs to none. */
function taskChecks(items: Record<string, unknown>, description: string) {
  return z
    .unknown()
    .refine((left) => left === undefined, 'each check needs "task": the number of its task in the list, from 1')
    .optional()
    .meta({ type: "array", items, description });
}

function isTaskInput(value: unknown): value is TaskInput {
  if (typeof value === "string") return true;
  return isRecord(value) && typeof value.content === "string" && Array.isArray(value.checks);
}

export const createTasksInput = lenientObject(
  {
    sections: z
      .array(z.object({ title: z.string(), tasks: taskTexts, checks: taskChecks(ownCheck, aboutChecks) }))
      .min(1)
      .optional()
      .describe("The whole plan, or more of it: sections in the order of the work, each with its tasks"),
    section_title: z
      .string()
      .optional()
      .describe("With task_contents: the section to append to, made if there is none"),
    section_id: z.string().optional().describe("With task_contents: the existing section to append to"),
    task_contents: taskTexts.optional(),
    checks: taskChecks(anyOwnCheck, "Of task_contents, as in sections"),
  },
  {
    aliases: { task_contents: ["tasks", "contents"], section_title: ["title", "section"] },
    prepare: readCreation,
  },
);
export type CreateTasksInput = z.infer<typeof createTasksInput>;

export const updateTasksInput = lenientObject(
  {
    task_ids: z.array(z.string()).min(1).max(MAX_NAMED).describe('Ids of tasks, such as "task_3"'),
    status: z.enum(taskStatuses).optional(),
    content: z.string().optional().describe("A new text for the one task that is named"),
    section_id: z.string().optional().describe("The section to move the tasks to"),
    checks: z
      .array(z.unknown())
      .optional()
      .meta({ items: anyCheck, description: "To add, as in create_tasks without task" }),
    remove_checks: z
      .array(z.string())
      .max(MAX_REMOVED)
      .optional()
      .describe("Numbers of the task's checks. Only if they are wrong: it is recorded"),
  },
  {
    aliases: {
      ...{ task_ids: ["task_id", "id", "ids"], status: ["state"], content: ["new_content"] },
      ...{ checks: ["add_checks"], remove_checks: ["remove_check", "delete_checks"] },
    },
    prepare: readUpdate,
  },
);
export type UpdateTasksInput = z.infer<typeof updateTasksInput>;

export const deleteTasksInput = lenientObject(
  {
    task_ids: z.array(z.string()).max(MAX_NAMED).optional(),
    section_ids: z.array(z.string()).max(MAX_NAMED).optional().describe("Sections to delete with all their tasks"),
    confirm: z.boolean().optional().describe("Must be true where sections are deleted"),
  },
  {
    aliases: { task_ids: ["task_id", "ids"], section_ids: ["section_id"] },
    prepare: readDeletion,
  },
);
export type DeleteTasksInput = z.infer<typeof deleteTasksInput>;

export const clearAllInput = lenientObject({
  confirm: z.boolean().optional().describe("Must be true"),
});
export type ClearAllInput = z.infer<typeof clearAllInput>;

const statusWords: Record<TaskStatus, string[]> = {
  pending: ["todo", "to_do", "open", "not_started", "waiting", "待办", "待处理", "待开始", "未开始"],
  in_progress: [
    "inprogress",
    "doing",
    "started",
    "start",
    "active",
    "working",
    "running",
    "进行中",
    "正在进行",
    "处理中",
  ],
  completed: ["complete", "done", "finished", "finish", "success", "closed", "完成", "已完成", "完成了"],
  cancelled: ["canceled", "cancel", "skipped", "skip", "abandoned", "取消", "已取消", "跳过", "已跳过"],
};

const statusOfWord = new Map(
  taskStatuses.flatMap((status) => statusWords[status].map((word) => [word, status] as const)),
);

function readStatus(value: unknown): unknown {
  if (typeof value !== "string") return value;
  const word = value
    .trim()
    .toLowerCase()
    .replace(/[\s-]+/g, "_");
  if (word === "") return undefined;
  return statusOfWord.get(word) ?? word;
}

/**
 * Accepts ids sent as `{id}` objects, as bare numbers, several in one text, and as the range that a result names. Anything
 * else that is not a text is left for the schema to refuse.
 */
function readIds(value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  const ids: unknown[] = [];
  for (const id of value.flatMap(splitIds)) {
    ids.push(...readRange(id));
    // One too many is enough for the schema to refuse them.
    if (ids.length > MAX_NAMED) break;
  }
  return ids;
}

function splitIds(item: unknown): unknown[] {
  const id = firstText(parseJson(item), ["id", "task_id", "section_id"]);
  if (Number.isInteger(id)) return [String(id)];
  if (typeof id !== "string") return [id];
  const parts = id.split(/[,，、]/);
  return parts.filter((part) => parts.length === 1 || part.trim() !== "");
}

function readRange(text: unknown): unknown[] {
  if (typeof text !== "string") return [text];
  const [, kind, from = "", to = ""] = /^\s*(task|sec)_(\d{1,9})\s+(?:to|到|至)\s+\1_(\d{1,9})\s*$/.exec(text) ?? [];
  const count = Number(to) - Number(from) + 1;
  if (kind === undefined || count < 1 || count > MAX_NAMED) return [text];
  return Array.from({ length: count }, (_, at) => `${kind}_${Number(from) + at}`);
}

function readUpdate(fields: Record<string, unknown>): Record<string, unknown> {
  const read = dropBlank(fields);
  const { checks, remove_checks, ...rest } = read;
  return {
    ...rest,
    task_ids: readIds(read.task_ids),
    status: readStatus(read.status),
    ...(checks === undefined ? {} : { checks: readChecks(checks) }),
    ...(remove_checks === undefined ? {} : { remove_checks: readRemoved(remove_checks) }),
  };
}

function readRemoved(value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  return value.map((item) => {
    const id = firstText(parseJson(item), ["id", "check_id", "run", "number"]);
    return typeof id === "number" ? String(id) : id;
  });
}

function readDeletion(fields: Record<string, unknown>): Record<string, unknown> {
  const read = dropBlank(fields);
  return { ...read, task_ids: readIds(read.task_ids), section_ids: readIds(read.section_ids) };
}

function readCreation(fields: Record<string, unknown>): Record<string, unknown> {
  const read = dropBlank(fields);
  if (Array.isArray(read.sections)) read.sections = read.sections.map(readSection);
  const { checks, ...rest } = read;
  if (!Array.isArray(read.task_contents)) return read;
  return { ...rest, ...withChecks("task_contents", readContents(read.task_contents), checks) };
}

function readSection(value: unknown): unknown {
  const section = parseJson(value);
  if (!isRecord(section)) return section;
  const tasks = parseJson(section.tasks ?? section.task_contents ?? section.items);
  const title = section.title ?? section.name ?? section.section_title ?? section.section;
  if (tasks === undefined) return { title };
  return { title, ...withChecks("tasks", readContents(Array.isArray(tasks) ? tasks : [tasks]), section.checks) };
}

function withChecks(name: "tasks" | "task_contents", read: unknown[], checks: unknown): Record<string, unknown> {
  const { tasks, left } = assignChecks(read, checks);
  return { [name]: tasks, ...(left.length === 0 ? {} : { checks: left }) };
}

function readContents(values: unknown[]): unknown[] {
  return values.map((value) => {
    const given = parseJson(value);
    const content = firstText(given, ["content", "title", "task", "name", "text", "description"]);
    if (!isRecord(given) || typeof content !== "string") return content;
    const checks = readChecks(given.checks ?? given.check);
    return Array.isArray(checks) && checks.length > 0 ? { content, checks } : content;
  });
}

function firstText(value: unknown, names: string[]): unknown {
  if (!isRecord(value)) return value;
  return names.map((name) => value[name]).find((field) => typeof field === "string") ?? value;
}

/** Drops blank fields: models fill in fields that they don't mean to use. */
function dropBlank(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, field]) => {
      if (Array.isArray(field)) return !(field.length === 0 || (field.length === 1 && field[0] === ""));
      return field !== "";
    }),
  );
}
