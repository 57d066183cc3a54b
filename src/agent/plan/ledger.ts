// The ledger, folded from what the thread stores anyway: assistant rows (a step with its usage), tool rows (a call with
// its details), and the times at which tasks started and ended. Nothing of it is stored separately, so it can't
// contradict the rows, whichever lives and runs they come from.
//
// A call belongs to the task that was in progress when it started (`task_id` of its row), whatever happened to the task
// later. A call that was refused without being run has no `task_id` and does not count as work.

import { toNano, toUsd } from "../../protocol/money/price.ts";
import type { fileActions, Ledger, TaskLedger } from "../../protocol/plan/ledger.ts";
import type { Plan } from "../../protocol/plan/task.ts";
import { noUsage, type Usage } from "../../protocol/run.ts";

/** An assistant or tool row, without its content. */
export interface LedgerRow {
  type: "assistant" | "tool";
  created_at: string;
  metadata: Record<string, unknown>;
}

/** When each task started and ended, by task id. Null if it has not yet, or if the time is unknown. */
export type TaskTimes = Record<string, { started_at: string | null; finished_at: string | null }>;

/** A period, in ms, during which a run was at work. */
export interface Span {
  from: number;
  to: number;
}

export interface LedgerSource {
  rows: Iterable<LedgerRow>;
  times: TaskTimes;
  spans: Span[];
  now: number;
}

/** Each list keeps its newest entries. For a task with more, read its log rather than its summary. */
export const MAX_LISTED = 50;

type Command = TaskLedger["commands"][number];
/** A task's entry while it is being built, with the number of calls that proved something. */
interface Work {
  entry: TaskLedger;
  proofs: number;
}
type Commands = Map<string, { command: Command; work: Work }>;
type FileAction = (typeof fileActions)[number];

const actionOf: Record<string, FileAction> = {
  create_file: "created",
  edit_file: "edited",
  move_file: "moved",
  delete_file: "deleted",
};

export function foldLedger({ rows, times, spans, now }: LedgerSource): Ledger {
  const works = new Map<string, Work>();
  const commands: Commands = new Map();
  const workOf = (task_id: string): Work => {
    const work = works.get(task_id) ?? { entry: emptyLedger(), proofs: 0 };
    works.set(task_id, work);
    return work;
  };
  for (const [task_id, time] of Object.entries(times)) Object.assign(workOf(task_id).entry, time);
  for (const row of rows) {
    const { task_id } = row.metadata;
    if (row.type === "tool") updateCommand(row.metadata, commands);
    for (const sent_back of readChallenged(row.metadata)) workOf(sent_back).entry.challenged = true;
    if (typeof task_id !== "string") continue;
    if (row.type === "assistant") addStep(workOf(task_id).entry, row.metadata);
    else addCall(workOf(task_id), row, commands);
  }
  return Object.fromEntries([...works].map(([task_id, work]) => [task_id, finishEntry(work, spans, now)]));
}

/** The ledger of a task for which nothing has been done yet. */
export function emptyLedger(): TaskLedger {
  return {
    started_at: null,
    finished_at: null,
    seconds: null,
    steps: 0,
    usage: noUsage,
    calls: 0,
    failed_calls: 0,
    proven: false,
    challenged: false,
    command_count: 0,
    commands: [],
    file_count: 0,
    files: [],
    link_count: 0,
    links: [],
  };
}

function addStep(entry: TaskLedger, { usage, partial }: LedgerRow["metadata"]): void {
  // A reply that a cancel cut off costs tokens, but is not a step, as in the run's own count.
  if (partial !== true) entry.steps += 1;
  if (usage) entry.usage = addUsage(entry.usage, usage as Usage);
}

export function addUsage(sum: Usage, more: Usage): Usage {
  return {
    input_tokens: sum.input_tokens + more.input_tokens,
    cached_input_tokens: sum.cached_input_tokens + more.cached_input_tokens,
    output_tokens: sum.output_tokens + more.output_tokens,
    cost_usd: addCost(sum.cost_usd, more.cost_usd),
    ...addEstimated(sum.estimated, more.estimated),
  };
}

/** Through whole nanodollars: binary fractions would leave dust. */
function addCost(sum: number | null, more: number | null): number | null {
  return more === null ? sum : toUsd(toNano(sum ?? 0) + toNano(more));
}

function addEstimated(sum: Usage["estimated"], more: Usage["estimated"]): Pick<Usage, "estimated"> {
  if (sum === undefined || more === undefined) {
    const estimated = sum ?? more;
    return estimated === undefined ? {} : { estimated };
  }
  return {
    estimated: {
      calls: sum.calls + more.calls,
      input_tokens: sum.input_tokens + more.input_tokens,
      output_tokens: sum.output_tokens + more.output_tokens,
      cost_usd: addCost(sum.cost_usd, more.cost_usd),
    },
  };
}

function addCall(work: Work, { metadata, created_at: at }: LedgerRow, commands: Commands): void {
  const { entry } = work;
  const { name, is_error } = metadata;
  const details = (metadata.details ?? {}) as Record<string, unknown>;
  entry.calls += 1;
  if (is_error === true || hasFailed(details.exit_code)) entry.failed_calls += 1;
  else work.proofs += 1;
  if (name === "execute_command" && typeof details.command === "string") {
    const tool_call_id = String(details.command_id ?? "");
    const command = { tool_call_id, command: details.command, exit_code: readExitCode(details), at };
    entry.commands.push(command);
    commands.set(tool_call_id, { command, work });
  }
  if (is_error === true) return;
  const action = actionOf[String(name)];
  const path = details.path ?? details.to;
  if (action !== undefined && typeof path === "string") {
    putLast(entry.files, { path, action, at }, (file) => file.path === path && file.action === action);
  }
  if (name === "expose_port" && typeof details.port === "number") {
    const { port } = details;
    putLast(entry.links, { port, url: String(details.url) }, (link) => link.port === port);
  }
}

function hasFailed(exit_code: unknown): boolean {
  return typeof exit_code === "number" && exit_code !== 0;
}

/**
 * Records the exit code of a command that continued after its call, once a later look shows it. If the command failed,
 * it no longer proves anything.
 */
function updateCommand({ name, details }: LedgerRow["metadata"], commands: Commands): void {
  if (name !== "check_command_output") return;
  const { command_id, exit_code } = (details ?? {}) as Record<string, unknown>;
  const known = commands.get(String(command_id));
  if (known?.command.exit_code !== null || typeof exit_code !== "number") return;
  known.command.exit_code = exit_code;
  if (hasFailed(exit_code)) known.work.proofs -= 1;
}

/** The tasks that this call tried to complete without evidence. */
function readChallenged({ name, details }: LedgerRow["metadata"]): string[] {
  if (name !== "update_tasks") return [];
  const { challenged } = (details ?? {}) as { challenged?: string[] };
  return challenged ?? [];
}

function readExitCode({ exit_code }: Record<string, unknown>): number | null {
  return typeof exit_code === "number" ? exit_code : null;
}

/** The newest item of its kind replaces an older one. */
function putLast<Item>(list: Item[], item: Item, isSame: (other: Item) => boolean): void {
  const at = list.findIndex(isSame);
  if (at >= 0) list.splice(at, 1);
  list.push(item);
}

function finishEntry({ entry, proofs }: Work, spans: Span[], now: number): TaskLedger {
  const { started_at, finished_at, commands, files, links } = entry;
  return {
    ...entry,
    seconds: started_at === null ? null : countSeconds(started_at, finished_at, spans, now),
    proven: proofs > 0,
    command_count: commands.length,
    commands: commands.slice(-MAX_LISTED),
    file_count: files.length,
    files: files.slice(-MAX_LISTED),
    link_count: links.length,
    links: links.slice(-MAX_LISTED),
  };
}

function countSeconds(started_at: string, finished_at: string | null, spans: Span[], now: number): number {
  const from = Date.parse(started_at);
  const to = finished_at === null ? now : Date.parse(finished_at);
  const worked = spans.reduce((sum, span) => sum + Math.max(0, Math.min(to, span.to) - Math.max(from, span.from)), 0);
  return Math.round(worked) / 1000;
}

/**
 * The times after a change of the plan. A task whose status did not change keeps its times. Tasks that are gone are
 * dropped, so this is never larger than a plan.
 */
export function trackTimes(times: TaskTimes, before: Plan, after: Plan, at: string): TaskTimes {
  const former = new Map(before.tasks.map((task) => [task.id, task.status]));
  return Object.fromEntries(
    after.tasks.flatMap(({ id, status }) => {
      const known = times[id];
      if (former.get(id) === status || status === "pending") return known === undefined ? [] : [[id, known]];
      // A task completed straight from pending starts and ends at that moment. A task cancelled while pending never
      // starts.
      const started_at = known?.started_at ?? (status === "cancelled" ? null : at);
      // A change by a call counts from when the call was written, and a person may have started the task since.
      const finished_at = status === "in_progress" ? null : started_at !== null && started_at > at ? started_at : at;
      return [[id, { started_at, finished_at }]];
    }),
  );
}
