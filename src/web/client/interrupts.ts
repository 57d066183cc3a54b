// The questions of an interrupted run, read from the schema that an answer must match, and the answers in that form.
// The page and the terminal share them. An unexpected schema makes a question simpler, never something to approve
// unseen.
import type { AgUiInterrupt } from "../../protocol/event.ts";
import type { CapName } from "../../protocol/money/caps.ts";
import type { InterruptAnswer } from "../../protocol/thread.ts";
import type { Item } from "./conversation.ts";
import { draftOf, isChanged, type PlanDraft, type PlanSection, type PlanTask, sectionsOf } from "./plan-draft.ts";
import { listChoices } from "./question-choices.ts";

interface AskedOf<Kind extends string> {
  kind: Kind;
  id: string;
  message: string;
  /** In ms since 1970; no answer is accepted afterwards. */
  expires: number | null;
}

export type Question = AskedOf<"question"> & { choices: string[] };
export type Approval = AskedOf<"approval"> & {
  tool: string | null;
  /** Null where they are not known; then only the message is shown. */
  arguments: Record<string, unknown> | null;
  /** The same, where they may be edited. */
  editable: Record<string, unknown> | null;
  /** Why it is asked, where the arguments don't say it. */
  why: string | null;
};
export type PlanApproval = AskedOf<"plan_approval"> & {
  /** Null where the proposal can't be read as a plan; then it is shown as it is, and can't be edited. */
  sections: PlanSection[] | null;
  proposed: unknown;
};
/** A cap of the run is reached. */
export type Budget = AskedOf<"budget"> & {
  /** The caps that may be raised, with their limit and what is proposed. */
  caps: { name: CapName; limit: number | null; proposed: number | null }[];
};
/** Whether finished work is as it should be. */
export type Judgement = AskedOf<"check"> & {
  /** The names of the tasks that ask it; null where they are not known. */
  tasks: string | null;
};
export type Asked = Question | Approval | PlanApproval | Budget | Judgement;

/** The page has types of the protocol only. */
const capNames: CapName[] = ["max_cost_usd", "max_total_tokens", "max_minutes"];

/** `items` is the conversation: it has a call that is too long for the schema. */
export function readAsked(interrupt: AgUiInterrupt, items: readonly Item[] = []): Asked {
  const { id, reason, expiresAt, responseSchema: schema } = interrupt;
  const message = typeof interrupt.message === "string" ? interrupt.message : "";
  const expires = typeof expiresAt === "string" ? Date.parse(expiresAt) : Number.NaN;
  const common = { id, message, expires: Number.isNaN(expires) ? null : expires };
  if (reason === "approval") {
    const call = items.find((item) => item.kind === "tool" && item.id === interrupt.toolCallId);
    const known = call?.kind === "tool" ? call : null;
    const given = defaultOf(schema, "arguments");
    const tool = known?.name ?? /^([\w.-]{1,64})(?::|$)/.exec(message)?.[1] ?? null;
    const editable = isRecord(given) ? given : null;
    const why = isRecord(schema) && typeof schema.description === "string" ? schema.description : null;
    const shown = editable ?? parseRecord(known?.arguments ?? "");
    return { kind: "approval", ...common, tool, arguments: shown, editable, why };
  }
  if (reason === "plan_approval") {
    const proposed = defaultOf(schema, "sections");
    return { kind: "plan_approval", ...common, sections: readSections(proposed), proposed };
  }
  if (reason === "budget") {
    const properties = propertiesOf(schema);
    const caps = capNames.filter((name) => Object.hasOwn(properties, name));
    const numberOf = (name: CapName, field: string) => {
      const number = fieldOf(schema, name, field);
      return typeof number === "number" ? number : null;
    };
    const read = (name: CapName) => ({
      ...{ name, limit: numberOf(name, "exclusiveMinimum"), proposed: numberOf(name, "default") },
    });
    return { kind: "budget", ...common, caps: caps.map(read) };
  }
  if (reason === "check") {
    const tasks = isRecord(schema) && typeof schema.description === "string" ? schema.description : null;
    return { kind: "check", ...common, tasks };
  }
  return { kind: "question", ...common, choices: listChoices(interrupt) };
}

export function isExpired({ expires }: Asked, now: number): boolean {
  return expires !== null && expires <= now;
}

/** An empty answer is null. */
export function answerQuestion(id: string, text: string): InterruptAnswer {
  return text.trim() === "" ? goOnWithout(id) : resolve(id, text.trim());
}

export function goOnWithout(id: string): InterruptAnswer {
  return { interrupt_id: id, status: "cancelled" };
}

export function decline(id: string, reason: string): InterruptAnswer {
  const said = reason.trim();
  return resolve(id, said === "" ? { approved: false } : { approved: false, reason: said });
}

/** What a person says of finished work, with a note. */
export function judge(id: string, isContent: boolean, note: string): InterruptAnswer {
  const said = note.trim();
  return resolve(id, said === "" ? { approved: isContent } : { approved: isContent, reason: said });
}

/** `changed` holds the arguments that a person edited; the others stay as they are. */
export function approveCall(asked: Approval, changed: Record<string, string> = {}): InterruptAnswer {
  const given = asked.editable ?? {};
  const others = Object.entries(changed).filter(([name, text]) => Object.hasOwn(given, name) && given[name] !== text);
  if (others.length === 0) return resolve(asked.id, { approved: true });
  return resolve(asked.id, { approved: true, arguments: { ...given, ...Object.fromEntries(others) } });
}

export function approvePlan(asked: PlanApproval, draft: PlanDraft | null): InterruptAnswer {
  if (draft === null || asked.sections === null || !isChanged(draft, asked.sections)) {
    return resolve(asked.id, { approved: true });
  }
  return resolve(asked.id, { approved: true, sections: sectionsOf(draft) });
}

/** `raised` holds what a person typed. Without a number, the cap that was reached becomes what was proposed. */
export function raiseCaps({ id }: Budget, raised: Partial<Record<CapName, string>>): InterruptAnswer {
  const given = Object.entries(raised).filter(([, text]) => text.trim() !== "" && Number.isFinite(Number(text)));
  return resolve(id, { approved: true, ...Object.fromEntries(given.map(([name, text]) => [name, Number(text)])) });
}

export function draftFor(asked: PlanApproval): PlanDraft | null {
  return asked.sections === null ? null : draftOf(asked.sections);
}

/** The arguments in order, the most meaningful first. Anything but a string is shown as JSON. */
export function listArguments(given: Record<string, unknown>): { name: string; text: string; isText: boolean }[] {
  const leading = ["command", "path", "url"];
  const rank = (name: string): number => (leading.includes(name) ? leading.indexOf(name) : leading.length);
  return Object.entries(given)
    .toSorted(([one], [other]) => rank(one) - rank(other))
    .map(([name, value]) => {
      const isText = typeof value === "string";
      return { name, text: isText ? value : (JSON.stringify(value, null, 2) ?? "null"), isText };
    });
}

function resolve(id: string, payload: unknown): InterruptAnswer {
  return { interrupt_id: id, status: "resolved", payload };
}

function propertiesOf(schema: unknown): Record<string, unknown> {
  return isRecord(schema) && isRecord(schema.properties) ? schema.properties : {};
}

function defaultOf(schema: unknown, name: string): unknown {
  return fieldOf(schema, name, "default");
}

function fieldOf(schema: unknown, name: string, field: string): unknown {
  const properties = propertiesOf(schema);
  const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
  return isRecord(property) ? property[field] : undefined;
}

/** All or nothing: a part that is left out would be approved unseen. */
function readSections(value: unknown): PlanSection[] | null {
  if (!Array.isArray(value) || value.length === 0) return null;
  const sections: PlanSection[] = [];
  for (const section of value as unknown[]) {
    if (!isRecord(section) || typeof section.title !== "string" || !Array.isArray(section.tasks)) return null;
    const tasks = section.tasks.filter(isTask);
    if (tasks.length !== section.tasks.length) return null;
    sections.push({ title: section.title, tasks });
  }
  return sections;
}

/** What a check of each type has at least. A check of another type can't be shown, so its plan is shown as it is. */
const checkFields: Record<string, string> = {
  command: "run",
  file: "path",
  http: "type",
  git: "type",
  person: "question",
};
const checkTexts = ["run", "path", "url", "question", "contains", "excludes", "matches", "branch", "cwd"];

function isTask(task: unknown): task is PlanTask {
  if (typeof task === "string") return true;
  if (!isRecord(task) || Object.keys(task).some((name) => name !== "content" && name !== "checks")) return false;
  return typeof task.content === "string" && Array.isArray(task.checks) && task.checks.every(isCheck);
}

function isCheck(check: unknown): boolean {
  if (!isRecord(check)) return false;
  const needed = Object.hasOwn(checkFields, String(check.type)) ? checkFields[String(check.type)] : undefined;
  if (needed === undefined || typeof check[needed] !== "string") return false;
  const { start, json } = check;
  if (start !== undefined && !(isRecord(start) && typeof start.run === "string")) return false;
  if (json !== undefined && !(isRecord(json) && typeof json.path === "string")) return false;
  return checkTexts.every((name) => check[name] === undefined || typeof check[name] === "string");
}

function parseRecord(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
