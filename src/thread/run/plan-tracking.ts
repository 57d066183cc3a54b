// What the object tracks beside the plan's row: when tasks started and finished, and which edits by people the model
// has not seen. Both are read from storage on each use, and neither is larger than a plan.

import { type TaskTimes, trackTimes } from "../../agent/plan/ledger.ts";
import { addNotes, type EditNote, noteEdit, type UnseenEdits } from "../../agent/plan/unseen-edits.ts";
import { openTasks } from "../../agent/plan/view.ts";
import { isRecord } from "../../lib/is-record.ts";
import type { Plan } from "../../protocol/plan/task.ts";
import { readMetadata } from "../../store/shapes/message.ts";
import { isList, isNumber, isText, isTextOrNull, shapeOf } from "../../store/shapes/stored.ts";
import type { Life } from "../life.ts";
import { readMeta, readText, type Sql, writeMeta } from "../rows/database.ts";
import type { RunRecord } from "../rows/runs.ts";

const TIMES = "task_times";
const EDITS = "plan_edits";

/**
 * Stored as JSON under `plan_edits`. `news`: the edits that the model has not seen. `requests`: ids of the last edits,
 * since a route may send one twice.
 */
interface Edits {
  news: UnseenEdits | null;
  requests: string[];
}

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

/** The edits that the model has not seen; null if there are none. */
export function readUnseenEdits(life: Life): UnseenEdits | null {
  return readEdits(life).news;
}

export function hasEdit(life: Life, request_id: string): boolean {
  return readEdits(life).requests.includes(request_id);
}

/** Inside the transaction that stores the plan. */
export function storeEdit(life: Life, request_id: string, before: Plan, after: Plan): void {
  const { news, requests } = readEdits(life);
  const edits: Edits = {
    news: addNotes(news, noteEdit(before, after), after.version),
    requests: [...requests, request_id].slice(-MAX_REQUESTS),
  };
  writeMeta(life.database.sql, EDITS, edits);
}

/** Drops the edits up to this version, which the model has seen; later ones are still unseen. Inside a transaction. */
export function forgetSeenEdits(life: Life, version: number): void {
  const { news, requests } = readEdits(life);
  if (news === null) return;
  const left = news.notes.filter((note) => note.version > version);
  const edits: Edits = { news: left.length === 0 ? null : { ...news, notes: left, omitted: 0 }, requests };
  writeMeta(life.database.sql, EDITS, edits);
}

/** The open tasks that the newest reply saw. Its calls count for them, whichever life or run makes the calls. */
export function readSeenTasks({ database: { sql } }: Life): string[] {
  const { task_id, seen_task_ids } = readNewestReply(sql);
  if (isList(seen_task_ids, isText)) return seen_task_ids;
  return isText(task_id) ? [task_id] : [];
}

/** The sources of the tools that the newest reply calls, by call id. */
export function readCallSources({ database: { sql } }: Life): Map<string, string> {
  const { call_sources } = readNewestReply(sql);
  const entries = isRecord(call_sources) ? Object.entries(call_sources) : [];
  return new Map(entries.filter((entry): entry is [string, string] => isText(entry[1])));
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

function readEdits({ database: { sql } }: Life): Edits {
  return readMeta(sql, EDITS, shapeOf(isEdits)) ?? { news: null, requests: [] };
}

function isEdits(value: unknown): value is Edits {
  return isRecord(value) && isList(value.requests, isText) && (value.news === null || isUnseenEdits(value.news));
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
