// What a person is asked before a call is made: whether it may run, if the agent's approvals say so or it would make
// programs run past them, and whether a plan is right, if the agent has `plan_approval`. The answer is a grant, with
// which the next run makes the call as it was approved. A call that was declined already has its result and is never
// made.

import { isRecord } from "../../lib/is-record.ts";
import { cutEnd, cutMiddle } from "../../lib/truncate.ts";
import type { AgentConfig } from "../../protocol/agents/agent.ts";
import type { Plan } from "../../protocol/plan/task.ts";
import type { AskedCheck, Unapproved } from "../checks/approval.ts";
import { commandsOf } from "../checks/spec.ts";
import { describeWeakenings, type Weakening } from "../checks/weakening.ts";
import { isChinese } from "../language.ts";
import { finderOf, findTasks } from "../plan/find.ts";
import { nameSection, nameTask } from "../plan/text.ts";
import type { PlanProposal, Question, Tool } from "../tool.ts";
import { listCommands, listValues, needsApproval } from "./approvals.ts";
import { type AskedWrite, describeWrite, findNamedWrite } from "./writes/unasked-writes.ts";

/** A person has approved the call. `arguments` is not null if they changed the model's arguments. */
export interface Grant {
  arguments: Record<string, unknown> | null;
  /** The checks that the question named, as the person saw them. */
  checks?: AskedCheck[];
  /** What was asked; absent if it is not known. */
  reason?: "approval" | "plan_approval";
}

/** What people see of a call before they decide. The call's own arguments hold all of it. */
const SHOWN_CHARACTERS = 2_000;
const SHOWN_PATH_CHARACTERS = 300;
/** Of the tasks that a call names, and of the sections. */
const MAX_NAMED = 10;
/** Nobody edits longer arguments in a form, and every list of runs would carry them. */
const MAX_EDITABLE_CHARACTERS = 20_000;

/** Null if the call may be made at once. */
export function askFirst(tool: Tool, input: unknown, agent: AgentConfig, plan: Plan): Question | null {
  const proposal = agent.plan_approval ? (tool.propose?.(input, plan) ?? null) : null;
  if (proposal !== null) return withWeakenings(askForPlan(proposal), listWeakened(tool, input, agent, plan), plan);
  const checks = askAboutChecks(tool, input, agent, plan);
  if (checks !== null) return checks;
  const write = findNamedWrite(tool.writes?.(input) ?? [], agent);
  if (write !== null) return askAboutWrite(tool, input, { plan }, write);
  const named = Object.hasOwn(agent.approvals, tool.name) ? tool.name : (tool.approved_as ?? tool.name);
  const subjects = Object.hasOwn(agent.approvals, named) ? listSubjects(tool, input) : [];
  if (!needsApproval(agent.approvals, named, subjects)) return null;
  return askForCall(tool, input, `${subjects[0] ?? ""}${nameItems(input, plan)}`);
}

/**
 * The server runs a check's commands later, so they are asked about when the check is made, as `execute_command` would
 * be. What would weaken the plan's checks is asked about where the agent locks them.
 */
function askAboutChecks(tool: Tool, input: unknown, agent: AgentConfig, plan: Plan): Question | null {
  const commands = (tool.plansCommands?.(input, plan) ?? []).filter((command) =>
    needsApproval(agent.approvals, "execute_command", listCommands(command)),
  );
  const weakened = listWeakened(tool, input, agent, plan);
  const addresses = (tool.plansAddresses?.(input, plan) ?? []).filter((address) =>
    needsApproval(agent.approvals, "fetch_url", [address]),
  );
  const asked = [...commands.map((command) => `$ ${command}`), ...addresses.map((address) => `GET ${address}`)];
  if (asked.length === 0 && weakened.length === 0) return null;
  const chinese = isChinese(plan.tasks.map(({ content }) => content).join(""));
  const gone = describeWeakenings(weakened, chinese);
  const question = askForCall(tool, input, [...asked, ...gone].join("\n"));
  const runs = asked.length === 0 ? [] : [runsWords(chinese)];
  return withReasons(question, [...runs, ...weakensWords(gone, chinese)]);
}

function listWeakened(tool: Tool, input: unknown, agent: AgentConfig, plan: Plan): Weakening[] {
  return agent.checks === "locked" ? (tool.weakens?.(input, plan, agent.plan_order) ?? []) : [];
}

/** Whoever approves a plan knows what goes with it. */
function withWeakenings(question: Question, weakened: readonly Weakening[], plan: Plan): Question {
  const chinese = isChinese(plan.tasks.map(({ content }) => content).join(""));
  return withReasons(question, weakensWords(describeWeakenings(weakened, chinese), chinese));
}

/** Clients that show the call's arguments show this instead of the message. */
function withReasons(question: Question, reasons: readonly string[]): Question {
  if (reasons.length === 0) return question;
  return { ...question, response_schema: { description: reasons.join(" "), ...question.response_schema } };
}

function runsWords(chinese: boolean): string {
  return chinese ? "服务器会执行以下操作来检查任务。" : "The server would run this to check a task.";
}

function weakensWords(gone: readonly string[], chinese: boolean): string[] {
  if (gone.length === 0) return [];
  return chinese
    ? [`这会削弱计划中的检查：${gone.join("；")}。`]
    : [`This would weaken the checks of the plan: ${gone.join("; ")}.`];
}

/**
 * Commands of checks that are about to run, which nobody has approved, or not with their protected files as they are
 * now.
 */
export function askAboutCommands(tool: Tool, input: unknown, plan: Plan, found: readonly Unapproved[]): Question {
  const chinese = isChinese(plan.tasks.map(({ content }) => content).join(""));
  const changed = [...new Set(found.flatMap((each) => each.changed))];
  const names = changed.map((path) => JSON.stringify(path)).join(", ");
  const commands = found.flatMap(({ spec }) => commandsOf(spec).map((command) => `$ ${command}`));
  const since = chinese ? `自上次批准后已更改：${names}。` : `Changed since it was approved: ${names}.`;
  const question = askForCall(tool, input, [...commands, ...changed.map((path) => `~ ${path}`)].join("\n"));
  const reasons = [runsWords(chinese), ...(changed.length === 0 ? [] : [since])];
  return { ...withReasons(question, reasons), checks: found.map(({ spec, files }) => ({ spec, files })) };
}

/** Says which file it is and why. Clients that show the call's arguments find the reason in the schema. */
export function askAboutWrite(tool: Tool, input: unknown, { plan }: { plan: Plan }, write: AskedWrite): Question {
  // The end of a path says which file it is.
  const path = cutMiddle(write.path, SHOWN_PATH_CHARACTERS, () => "…");
  const why = describeWrite({ ...write, path }, isChinese(plan.tasks.map(({ content }) => content).join("")));
  const question = askForCall(tool, input, write.path);
  const response_schema = { description: why, ...question.response_schema };
  return { ...question, message: `${question.message}\n${why}`, response_schema };
}

function listSubjects(tool: Tool, input: unknown): string[] {
  return tool.subjects?.(input) ?? listValues(input);
}

/** People don't see the model's short ids, so a call that names tasks or sections by them says which they are. */
function nameItems(input: unknown, plan: Plan): string {
  if (!isRecord(input)) return "";
  const tasks = findTasks(plan, listIds(input.task_ids));
  const sections = listIds(input.section_ids ?? [input.section_id]).map(finderOf(plan.sections, "sec"));
  const lines = [
    ...(typeof tasks === "string" ? [] : tasks.map(nameTask)),
    ...sections.flatMap((section) => (section === undefined ? [] : [nameSection(section)])),
  ];
  return lines.map((line) => `\n${line}`).join("");
}

function listIds(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((id) => typeof id === "string").slice(0, MAX_NAMED) : [];
}

function askForCall(tool: Tool, input: unknown, subject: string): Question {
  const isEditable = JSON.stringify(input).length <= MAX_EDITABLE_CHARACTERS;
  const shown = cutEnd(subject, SHOWN_CHARACTERS);
  return {
    reason: "approval",
    message: `${tool.name}: ${shown}${shown.length < subject.length ? "…" : ""}`,
    response_schema: describeDecision({ arguments: { type: "object", ...(isEditable ? { default: input } : {}) } }),
  };
}

/** The tool of the call that an approval asks about: its message begins with the name, in all versions. */
export function readAskedTool({ reason, message }: Pick<Question, "reason" | "message">): string | null {
  if (reason === "plan_approval") return "create_tasks";
  return reason === "approval" ? (/^[A-Za-z0-9_-]{1,64}(?=: )/.exec(message)?.[0] ?? null) : null;
}

function askForPlan({ sections }: PlanProposal): Question {
  const given = sections.flatMap((section) => section.tasks);
  const tasks = given.map((task) => (typeof task === "string" ? task : task.content));
  const checks = given.flatMap((task) => (typeof task === "string" ? [] : task.checks));
  const chinese = isChinese(sections.map(({ title }) => title).join("") + tasks.join(""));
  const counts = [sections.length, tasks.length] as const;
  const items = checks.length === 0 ? { type: "string" } : { anyOf: [{ type: "string" }, checkedTask] };
  const item = {
    type: "object",
    properties: { title: { type: "string" }, tasks: { type: "array", items, minItems: 1 } },
    required: ["title", "tasks"],
  };
  const checked =
    checks.length === 0 ? "" : chinese ? `，${checks.length} 项检查` : `, ${count(checks.length, "check")}`;
  return {
    reason: "plan_approval",
    message: chinese
      ? `请确认计划：${counts[0]} 个阶段，${counts[1]} 项任务${checked}。`
      : `Please approve the plan: ${count(counts[0], "section")}, ${count(counts[1], "task")}${checked}.`,
    response_schema: describeDecision({ sections: { type: "array", items: item, minItems: 1, default: sections } }),
  };
}

const checkedTask = {
  type: "object",
  properties: { content: { type: "string" }, checks: { type: "array", items: { type: "object" } } },
  required: ["content"],
};

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

function describeDecision(properties: Record<string, unknown>): Record<string, unknown> {
  return {
    type: "object",
    properties: { approved: { type: "boolean" }, reason: { type: "string" }, ...properties },
    required: ["approved"],
    additionalProperties: false,
  };
}
