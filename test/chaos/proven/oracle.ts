// What must hold of runs with checks, however often the runtime was killed. At each kill: what is closed has its
// receipts, and no receipt is there twice. At the end: receipts, tasks and commands are those of a run that nothing has
// disturbed, in the object, in D1 and for a client.
import { isDeepStrictEqual } from "node:util";
import type { Receipt } from "../../../src/protocol/plan/check.ts";
import type { Plan, Task } from "../../../src/protocol/plan/task.ts";
import { endings, marks, outcomes } from "./script.ts";
import type { Copy, StoredProof } from "./stored.ts";

export type Report = (what: string) => void;

/** At any moment. `former`: the receipts when it was last looked at. */
export function checkMoment({ plan, receipts }: StoredProof, former: readonly string[], report: Report): void {
  const ids = receipts.map(nameOf);
  for (const id of former) if (!ids.includes(id)) report(`lost: the receipt ${id} is gone`);
  if (new Set(ids).size !== ids.length) report("doubled: a receipt is there twice");
  for (const task of plan.tasks) checkClosed(task, receipts, report);
  for (const [name, seen] of groupReceipts(plan, receipts)) {
    const wanted = outcomes[name] ?? [];
    if (!isDeepStrictEqual(seen, wanted.slice(0, seen.length)))
      report(
        `${seen.length > wanted.length ? "doubled" : "wrong"}: ${name}: ${seen.join(", ")}: ${reasonsOf(name, plan, receipts)}`,
      );
  }
}

/** At any moment. Whoever finds in D1 what a check has seen finds its receipt, too. */
export function checkCopy({ plan, receipts }: Copy, report: Report): void {
  if (new Set(receipts).size !== receipts.length) report("doubled: a receipt is twice in D1");
  const seen = plan?.tasks.flatMap(({ checks = [] }) => checks.flatMap(({ result }) => result?.receipt_id ?? [])) ?? [];
  for (const id of seen) if (!receipts.includes(id)) report(`lost: D1 has a result without its receipt ${id}`);
}

function checkClosed({ content, status, checks = [] }: Task, receipts: readonly Receipt[], report: Report): void {
  for (const { id, spec, result } of checks) {
    const own = receipts.filter(({ check_id }) => check_id === id);
    if (status === "completed" && result === undefined) report(`lost: ${content} closed without ${spec.type}`);
    if (result?.receipt_id !== own.at(-1)?.receipt_id)
      report(`wrong: ${content}: the result is not the last receipt's`);
    if (result !== undefined && result.outcome !== own.at(-1)?.outcome) report(`wrong: ${content}: another outcome`);
  }
}

function groupReceipts(plan: Plan, receipts: readonly Receipt[]): Map<string, string[]> {
  const names = new Map(plan.tasks.map(({ id, content }) => [id, content]));
  const seen = new Map<string, string[]>();
  for (const { task_id, spec, outcome } of receipts) {
    const name = `${names.get(task_id)} ${spec.type}`;
    seen.set(name, [...(seen.get(name) ?? []), outcome]);
  }
  return seen;
}

function reasonsOf(name: string, { tasks }: Plan, receipts: readonly Receipt[]): string {
  const own = receipts.filter(({ task_id, spec }) =>
    tasks.some(({ id, content }) => id === task_id && name === `${content} ${spec.type}`),
  );
  return own.map(({ reason }) => reason).join(" | ");
}

/** What a client is told when the run is over. */
export interface Told {
  status: string;
  attempt: number;
  steps: number;
  sections: { tasks: (Task & { receipts: Receipt[] })[] }[];
  /** Receipts that the stream of events told of, in order. A resync replaces those before it. */
  events: string[];
  resyncs: number;
}

export function checkEnd(proof: StoredProof, d1: Copy | undefined, told: Told, steps: number, report: Report): void {
  if (told.status !== "completed") report(`lost: the run is ${told.status}`);
  if (told.steps !== steps) report(`wrong: ${told.steps} steps are counted, ${steps} were made`);
  const seen = Object.fromEntries(groupReceipts(proof.plan, proof.receipts));
  if (!isDeepStrictEqual(seen, outcomes)) report(`wrong: the receipts are ${JSON.stringify(seen)}`);
  const ends = Object.fromEntries(
    proof.plan.tasks.map((task) => [task.content, `${task.status} ${task.verification}`]),
  );
  if (!isDeepStrictEqual(ends, endings)) report(`wrong: the tasks are ${JSON.stringify(ends)}`);
  if (!isDeepStrictEqual(d1?.plan?.tasks, proof.plan.tasks)) report("wrong: D1 has another plan");
  const ids = proof.receipts.map(nameOf);
  if (!isDeepStrictEqual(d1?.receipts, ids)) report(`wrong: D1 has ${d1?.receipts.length} receipts of ${ids.length}`);
  const answered = told.sections.flatMap(({ tasks }) => tasks.flatMap((task) => task.receipts.map(nameOf)));
  if (!isDeepStrictEqual(answered.sort(), ids.toSorted()))
    report(`wrong: a client is told of ${answered.length} receipts, and ${ids.length} are stored`);
  const heard = told.resyncs === 0 ? ids : ids.filter((id) => told.events.includes(id));
  if (!isDeepStrictEqual(told.events, heard)) report(`wrong: readers heard of ${told.events}, stored are ${ids}`);
}

function nameOf({ receipt_id }: Receipt): string {
  return receipt_id;
}

/** `left`: what each command has written, by its name. */
export function checkCommands(left: Readonly<Record<string, string>>, report: Report): void {
  for (const [name, count] of Object.entries(marks)) {
    const wanted = "begin\nend\n".repeat(count);
    const found = left[name] ?? "";
    if (found === wanted) continue;
    const begun = found.split("\n").filter((line) => line === "begin").length;
    report(
      `${begun > count ? "doubled" : "wrong"}: the command ${name} began ${begun} times: ${JSON.stringify(found)}`,
    );
  }
}
