// What the object tracks beside the plan's row: when tasks started and finished, and which edits by people the model
// has not seen. Neither is larger than a plan.

import { type TaskTimes, trackTimes } from "../../agent/plan/ledger.ts";
import { addNotes, type EditNote, noteEdit, type UnseenEdits } from "../../agent/plan/unseen-edits.ts";
import { openTasks } from "../../agent/plan/view.ts";
import type { LoopInput } from "../../agent/ports.ts";
import { isRecord } from "../../lib/is-record.ts";
import type { ChatMessage } from "../../protocol/message.ts";
import type { Plan } from "../../protocol/plan/task.ts";
import { readMetadata } from "../../store/shapes/message.ts";
import { isList, isNumber, isText, isTextOrNull, shapeOf } from "../../store/shapes/stored.ts";
import { isoTime, type Life } from "../life.ts";
import type { Edits } from "../memory/thread-memory.ts";
import { readMeta, readText, type Sql, writeMeta } from "../rows/database.ts";
import type { RunRecord } from "../rows/runs.ts";

const TIMES = "task_times";
const EDITS = "plan_edits";

// A route retries at once, so fewer edits than this come between.
const MAX_REQUESTS = 20;

export function readTimes(sql: Sql): TaskTimes {
  return readMeta(sql, TIMES, shapeOf(isTimes)) ?? {};
}

function isTimes(value: unknown): value is TaskTimes {
  if (!isRecord(value)) return false;
  return Object.values(value).every(
    (time) => isRecord(time) && isTextOrNull(time.started_at) && isTextOrNull(time.finished_at),
  );
}

/** Inside the transaction that stores the plan. */
export function storeTimes({ database: { sql } }: Life, before: Plan, after: Plan, at: string): void {
  const known = readTimes(sql);
  const times = trackTimes(known, before, after, at);
  if (JSON.stringify(times) !== JSON.stringify(known)) writeMeta(sql, TIMES, times);
}

/** The times of a plan that comes back: a task that had not begun or ended then has not now. Inside a transaction. */
export function restoreTimes(sql: Sql, plan: Plan): void {
  const known = readTimes(sql);
  const times = plan.tasks.flatMap(({ id, status }) => {
    const time = status === "pending" ? undefined : known[id];
    if (time === undefined) return [];
    return [[id, status === "in_progress" ? { ...time, finished_at: null } : time] as const];
  });
  writeMeta(sql, TIMES, Object.fromEntries(times));
}

/** The edits that the model has not seen; null if there are none. */
export function readUnseenEdits(life: Life): UnseenEdits | null {
  return readEdits(life).news;
}

export function hasEdit(life: Life, request_id: string): boolean {
  return readEdits(life).requests.includes(request_id);
}

/** When a person last changed the plan; undefined if nobody did. */
export function lastEditTime(life: Life): string | undefined {
  return readEdits(life).edited_at;
}

/** Inside the transaction that stores the plan. */
export function storeEdit(life: Life, request_id: string, before: Plan, after: Plan): void {
  const { news, requests } = readEdits(life);
  const edits: Edits = {
    news: addNotes(news, noteEdit(before, after), after.version),
    requests: [...requests, request_id].slice(-MAX_REQUESTS),
    edited_at: isoTime(life),
  };
  writeEdits(life, edits);
}

/** Drops the edits up to this version, which the model has seen; later ones are still unseen. Inside a transaction. */
export function forgetSeenEdits(life: Life, version: number): void {
  const { news, ...rest } = readEdits(life);
  if (news === null) return;
  const left = news.notes.filter((note) => note.version > version);
  const edits: Edits = { ...rest, news: left.length === 0 ? null : { ...news, notes: left, omitted: 0 } };
  writeEdits(life, edits);
}

type SeenByCalls = Pick<LoopInput, "seen_task_ids" | "call_sources">;

/**
 * What was known when the newest reply made its calls: the open tasks, for which they count whichever life or run makes
 * them, and the sources of their tools, by call id. A reply without calls leaves nothing to be made.
 */
export function readSeenByCalls({ database: { sql } }: Life, history: readonly ChatMessage[]): SeenByCalls {
  const newest = history.findLast(({ role }) => role === "assistant");
  if (newest?.role !== "assistant" || !newest.tool_calls?.length) return { seen_task_ids: [], call_sources: new Map() };
  const { task_id, seen_task_ids, call_sources } = readNewestReply(sql);
  const entries = isRecord(call_sources) ? Object.entries(call_sources) : [];
  const own = isText(task_id) ? [task_id] : [];
  return {
    seen_task_ids: isList(seen_task_ids, isText) ? seen_task_ids : own,
    call_sources: new Map(entries.filter((entry): entry is [string, string] => isText(entry[1]))),
  };
}

/** Its metadata. */
function readNewestReply(sql: Sql): Record<string, unknown> {
  const [row] = sql
    .exec<{ seq: number; metadata: string | null }>(
      "SELECT seq, metadata FROM messages WHERE type = 'assistant' ORDER BY seq DESC LIMIT 1",
    )
    .toArray();
  return row === undefined ? {} : readMetadata(readText(sql, `d:${row.seq}`, row.metadata), row.seq);
}

/** Whether all tasks had finished before the person's last message. A task without a known time had not. */
export function isFormerPlan({ database: { sql }, state: { plan } }: Life, { run }: RunRecord): boolean {
  if (openTasks(plan).length > 0) return false;
  if (run.steps === 0) return true;
  const [row] = sql
    .exec<{ created_at: string }>("SELECT created_at FROM messages WHERE type = 'user' ORDER BY seq DESC LIMIT 1")
    .toArray();
  // An answer to a question starts a run too, and may have no message row of its own.
  const said = [run.started_at ?? "", row?.created_at ?? ""].sort().at(-1) ?? "";
  const times = readTimes(sql);
  return plan.tasks.every(({ id }) => (times[id]?.finished_at ?? said) < said);
}

/** Each step asks for them. */
function readEdits({ database: { sql }, memory }: Life): Edits {
  memory.edits ??= readMeta(sql, EDITS, shapeOf(isEdits)) ?? { news: null, requests: [] };
  return memory.edits;
}

function writeEdits({ database: { sql }, memory }: Life, edits: Edits): void {
  writeMeta(sql, EDITS, edits);
  memory.edits = edits;
}

function isEdits(value: unknown): value is Edits {
  if (!isRecord(value) || (value.edited_at !== undefined && !isText(value.edited_at))) return false;
  return isList(value.requests, isText) && (value.news === null || isUnseenEdits(value.news));
}

function isUnseenEdits(value: unknown): value is UnseenEdits {
  if (!isRecord(value) || !isNumber(value.version) || !isNumber(value.omitted)) return false;
  return isList(value.notes, isNote);
}

function isNote(value: unknown): value is EditNote {
  return (
    isRecord(value) && isText(value.kind) && isText(value.task_id) && isText(value.content) && isNumber(value.version)
  );
}
