// Changes the checks of a task. A check's spec never changes: another text is a removal and an addition.
import { type Check, MAX_CHECKS_CHARACTERS, MAX_CHECKS_OF_TASK } from "../../protocol/plan/check.ts";
import type { Task } from "../../protocol/plan/task.ts";
import { describeCheck, listChecks } from "./describe.ts";
import { type Hand, makeChecks, projectCheckId } from "./make.ts";
import { protectedPaths } from "./protect.ts";
import { canonicalSpec, isSameSpec } from "./spec.ts";
import { withVerification } from "./verification.ts";

export interface ChecksChange {
  /** As somebody wrote them. */
  add?: readonly unknown[] | undefined;
  /** Ids, numbers in the task's list, or texts. */
  remove?: readonly string[] | undefined;
}

export type ChangedTask = { ok: true; task: Task } | { ok: false; message: string };

/** Beside its spec and what it protects, a check has an id, an author and a result with its reason. */
const FRAME_CHARACTERS = 500;

const strength = { model: 0, project: 1, person: 2 } as const;

/** The same object if nothing changes. `name` is what a refusal calls the task. */
export function changeChecks(
  task: Task,
  { add = [], remove = [] }: ChecksChange,
  hand: Hand,
  name: string,
): ChangedTask {
  const isEnded = task.status === "completed" || task.status === "cancelled";
  if (isEnded && hand.author === "model" && add.length + remove.length > 0)
    return refuse(`${name} has ended, so its checks stay as they are. Create a new task for what is left to do.`);
  const made = makeChecks(add, hand);
  if (!made.ok) return refuse(`${name}: ${made.message}`);
  const before = task.checks ?? [];
  const gone = findChecks(before, remove);
  if (typeof gone === "string") return refuse(`${name} has no check ${gone}. ${describeAll(before)}`);
  const left = before.filter((check) => !gone.has(check.id) || made.checks.some(isLike(check)));
  const checks = made.checks.reduce(addCheck, left);
  // Checks of the project have a bound of their own: the model leaves them no less room by writing many.
  const own = checks.filter(({ author }) => author !== "project").length;
  if (own > MAX_CHECKS_OF_TASK && hand.author !== "project")
    return refuse(`${name} would have ${own} checks; a task has at most ${MAX_CHECKS_OF_TASK}.`);
  const isSame = checks.length === before.length && checks.every((check, at) => check === before[at]);
  if (isSame) return { ok: true, task };
  const { weakened, checks: _, ...rest } = task;
  const removes = before.some(({ id }) => !checks.some((check) => check.id === id));
  const weakens = hand.author === "model" && (weakened === true || (removes && !hand.may_weaken));
  // A task that only a person or the project adds to keeps what is known of the model.
  const stays = hand.author === "project" && weakened === true;
  const waived = hand.author === "person" || hand.may_weaken ? listWaived(task, checks) : task.waived;
  const marks = { ...(weakens || stays ? { weakened: true } : {}), ...(waived === undefined ? {} : { waived }) };
  const changed = { ...rest, ...marks, checks };
  return { ok: true, task: withVerification(changed) };
}

/** More is removed only by a person who adds the same again and again. */
const MAX_WAIVED = 32;

/** A person has removed checks of the project, or agreed to that. */
function listWaived({ id, checks = [], waived = [] }: Task, left: readonly Check[]): string[] | undefined {
  const gone = checks.filter((check) => check.author === "project" && !left.some((other) => other.id === check.id));
  const ids = [...new Set([...waived, ...gone.map(({ spec }) => projectCheckId(id, spec))])].slice(-MAX_WAIVED);
  return ids.length === 0 ? undefined : ids;
}

/** A check that is there already is not added again. If a person or the project writes it too, it becomes theirs. */
function addCheck(checks: Check[], added: Check): Check[] {
  const at = checks.findIndex(isLike(added));
  const known = checks[at];
  if (known === undefined) return [...checks, added];
  if (strength[added.author] <= strength[known.author]) return checks;
  return checks.with(at, { ...known, author: added.author });
}

function isLike({ spec }: Check): (other: Check) => boolean {
  return (other) => isSameSpec(other.spec, spec);
}

/** The ids of the named checks, or the first name that names none. */
function findChecks(checks: readonly Check[], names: readonly string[]): Set<string> | string {
  const ids = new Set<string>();
  for (const name of names) {
    const found = findCheck(checks, name.trim());
    if (found === undefined) return JSON.stringify(name.slice(0, 100).toWellFormed());
    ids.add(found.id);
  }
  return ids;
}

function findCheck(checks: readonly Check[], name: string): Check | undefined {
  const [, digits] = /^(?:check[\s_]*)?#?(\d{1,2})$/i.exec(name) ?? [];
  const exact = checks.find(({ id }) => id === name);
  if (exact !== undefined || digits !== undefined) return exact ?? checks[Number(digits) - 1];
  const named = checks.filter(
    ({ spec }) => describeCheck(spec) === name || (spec.type === "command" && spec.run === name),
  );
  return named.length === 1 ? named[0] : undefined;
}

function describeAll(checks: readonly Check[]): string {
  return checks.length === 0 ? "It has none." : `Its checks: ${listChecks(checks).join("; ")}.`;
}

/** Null if the checks of the plan are within its bound. */
export function findChecksFault(tasks: readonly Task[]): string | null {
  let characters = 0;
  for (const { checks } of tasks) for (const check of checks ?? []) characters += sizeOf(check);
  return characters <= MAX_CHECKS_CHARACTERS
    ? null
    : `The checks of a plan have at most ${MAX_CHECKS_CHARACTERS} characters in all, and these would have ${characters}. Let one command check several things.`;
}

function sizeOf({ spec, protected: files = [] }: Check): number {
  // A hash that is to come is as long as any, and the number of files has four digits.
  const paths = protectedPaths({ spec }).reduce((sum, path) => sum + JSON.stringify(path).length + 105, 0);
  return FRAME_CHARACTERS + JSON.stringify(spec).length + Math.max(paths, JSON.stringify(files).length);
}

/** Whether the task has a check of each text. */
export function hasAll({ checks = [] }: Task, wanted: readonly Check[]): boolean {
  const texts = new Set(checks.map(({ spec }) => canonicalSpec(spec)));
  return wanted.every(({ spec }) => texts.has(canonicalSpec(spec)));
}

/** The checks that are new in the changed plan, each text once. */
export function listNewChecks(before: readonly Task[], after: readonly Task[]): Check[] {
  const known = new Set(before.flatMap(({ checks = [] }) => checks.map(({ spec }) => canonicalSpec(spec))));
  return after.flatMap(({ checks = [] }) =>
    checks.filter(({ spec }) => {
      const text = canonicalSpec(spec);
      return !known.has(text) && known.add(text);
    }),
  );
}

function refuse(message: string): { ok: false; message: string } {
  return { ok: false, message };
}
