// Writes a thread's rows to D1 in one transaction of idempotent upserts. Each upsert is guarded by the row's `version`,
// so a batch that arrives late or twice changes nothing and costs no written row. Each is also guarded by the thread's
// tombstone, so nothing is written for a deleted thread.
import { putNewest } from "../lib/memory/newest.ts";
import type { MessageRow } from "../protocol/message.ts";
import { isTerminal, type Run } from "../protocol/run.ts";
import type { ThreadBatch } from "./batch.ts";
import { closeStatements } from "./budgets/close.ts";
import { byteLength, cutIntoParts } from "./parts.ts";
import { putReceipts } from "./receipts/put.ts";
import { markOf, SUPERSEDED } from "./shapes/superseded.ts";
import { QUIET_MS } from "./signs.ts";
import { ALIVE } from "./tombstones.ts";
import { insertBudgetDeliveries } from "./webhooks/budget-deliveries.ts";
import { insertCheckDeliveries } from "./webhooks/check-deliveries.ts";
import {
  type EventDeliveries,
  hasWebhook,
  insertEventDeliveries,
  NO_WEBHOOK,
  readEventDeliveries,
} from "./webhooks/event-deliveries.ts";

// D1 refuses values and rows over 2 MB. Half of that leaves room for the other columns and for whole characters.
const BOUND_BYTES = 1_000_000;

// Longer texts of a run are cut in its row, which can't be split. A result is also the text of its last message, and a
// question is also in the arguments of its tool call. A row that D1 refuses would block all later rows.
const RUN_TEXT_UNITS = 100_000;

const PUT_PROJECT = `
INSERT INTO projects (user_id, project_id, name, created_at, updated_at)
SELECT ?1, ?3, ?4, ?5, ?5 WHERE ${ALIVE}
ON CONFLICT DO NOTHING`;

const PUT_THREAD = `
INSERT INTO threads (user_id, thread_id, project_id, agent_id, version, created_at, updated_at, title, metadata)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
ON CONFLICT (user_id, thread_id) DO UPDATE SET
  project_id = excluded.project_id, agent_id = excluded.agent_id, version = excluded.version,
  updated_at = excluded.updated_at, title = excluded.title, metadata = excluded.metadata
WHERE excluded.version > threads.version AND threads.deleted_at IS NULL`;

const putRun = (condition: string) => `
INSERT INTO runs (user_id, thread_id, invocation_id, status, version, created_at, updated_at, run)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 WHERE ${condition}
ON CONFLICT (user_id, thread_id, invocation_id) DO UPDATE SET
  status = excluded.status, version = excluded.version, updated_at = excluded.updated_at, run = excluded.run
WHERE excluded.version > runs.version`;
const PUT_RUN = putRun(ALIVE);
/** Of a user without webhooks. Returns a row if it has written one. */
const PUT_UNHEARD_RUN = `${putRun(`${ALIVE} AND ${NO_WEBHOOK}`)} RETURNING 1 AS written`;

const PUT_MESSAGES = `
INSERT INTO messages (user_id, thread_id, seq, message_id, project_id, invocation_id, agent_id, type, is_llm_message,
  version, created_at, size, metadata, content)
SELECT ?1, ?2, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
  value ->> 7, value ->> 8, value ->> 9, value ->> 10, value ->> 11
FROM json_each(?3) WHERE ${ALIVE}
ON CONFLICT (user_id, thread_id, seq) DO UPDATE SET
  message_id = excluded.message_id, project_id = excluded.project_id, invocation_id = excluded.invocation_id,
  agent_id = excluded.agent_id, type = excluded.type, is_llm_message = excluded.is_llm_message,
  version = excluded.version, size = excluded.size, metadata = excluded.metadata, content = excluded.content
WHERE excluded.version > messages.version`;

const PUT_PART = `
INSERT INTO message_parts (user_id, thread_id, seq, field, part, version, text)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE ${ALIVE}
ON CONFLICT (user_id, thread_id, seq, field, part) DO UPDATE SET version = excluded.version, text = excluded.text
WHERE excluded.version > message_parts.version`;

/** Only once: a row that is superseded stays so, and a late batch that still has it as it was finds it there. */
const SUPERSEDE = `
UPDATE messages SET superseded = ${markOf("?3", "?4")}, type = '${SUPERSEDED}', is_llm_message = 0
WHERE user_id = ?1 AND thread_id = ?2 AND seq BETWEEN ?5 AND ?6 AND type NOT IN ('task_list', '${SUPERSEDED}')`;

const RENAME = `
UPDATE messages SET message_id = ?4
WHERE user_id = ?1 AND thread_id = ?2 AND seq = ?3 AND message_id <> ?4 AND type = '${SUPERSEDED}'`;

/**
 * An account is emptied by what D1 has. A thread that comes to D1 for the first time after its user was deleted was not
 * in that list, so it finds a tombstone in its place, which keeps out the rest of the batch.
 */
const TOMBSTONE_OF_DELETED = `
INSERT INTO threads (user_id, thread_id, project_id, agent_id, version, created_at, updated_at, deleted_at, metadata)
SELECT ?1, ?2, '', '', 0, ?3, ?3, ?3, '{}'
WHERE EXISTS (SELECT 1 FROM users WHERE users.user_id = ?1 AND users.deleted_at IS NOT NULL)
ON CONFLICT (user_id, thread_id) DO UPDATE SET
  title = NULL, metadata = '{}', deleted_at = coalesce(threads.deleted_at, excluded.deleted_at)
RETURNING 1 AS owner_deleted`;

export interface SyncAnswer extends EventDeliveries {
  /** Nothing was written, since the owner is deleted. */
  owner_deleted?: boolean;
}

const nothingMade: SyncAnswer = { made: [], tasks_subscribed: false };

/**
 * Users who had no webhook when D1 was last asked. Only a guess, since other isolates make webhooks too: D1 checks it
 * with each run that relies on it.
 */
const unheard = new Map<string, true>();
const MAX_UNHEARD = 5_000;

/** Resolves when D1 has the whole batch and the deliveries that follow from it; rejects with nothing of it written. */
export async function syncThread(db: D1Database, batch: ThreadBatch): Promise<SyncAnswer> {
  const now = Date.now();
  const { user_id } = batch.key;
  if (unheard.has(user_id) && isEventOfRuns(batch)) {
    const answer = await syncUnheard(db, batch, now);
    if (answer !== null) return answer;
    unheard.delete(user_id);
  }
  const statements = [
    ...rowStatements(db, batch),
    ...runStatements(db, batch, PUT_RUN),
    ...closeStatements(db, batch.key, batch.leases, now),
    ...(batch.budget_events === undefined ? [] : await insertBudgetDeliveries(db, batch, now)),
  ];
  if (statements.length === 0) return nothingMade;
  const first = firstStatements(db, batch, now);
  const deliveries = [...insertEventDeliveries(db, batch, now), ...insertCheckDeliveries(db, batch, now)];
  const results = await db.batch([...first, ...deliveries, ...statements]);
  if (!hasWebhook(results)) putNewest(unheard, user_id, true, MAX_UNHEARD);
  return { ...readEventDeliveries(results), ...(isGone(first, results) ? { owner_deleted: true } : {}) };
}

/** Whether nothing of the batch but its runs can be an event. One without runs is none at all, and needs no check. */
function isEventOfRuns({ messages, budget_events }: ThreadBatch): boolean {
  return budget_events === undefined && messages.every(({ type }) => type !== "task_list");
}

/**
 * The same for a user without webhooks, with half of the statements. Null if a run was not written: the user may have a
 * webhook by now, whose deliveries must come in the transaction that writes the run. The rest of the batch is written
 * then, and is written again.
 */
async function syncUnheard(db: D1Database, batch: ThreadBatch, now: number): Promise<SyncAnswer | null> {
  const first = firstStatements(db, batch, now);
  const runs = runStatements(db, batch, PUT_UNHEARD_RUN);
  const rows = rowStatements(db, batch);
  const after = [...runs, ...closeStatements(db, batch.key, batch.leases, now)];
  if (rows.length + after.length === 0) return nothingMade;
  const before = [...first, ...rows];
  const results = await db.batch([...before, ...after]);
  if (isGone(first, results)) return { ...nothingMade, owner_deleted: true };
  const isWritten = runs.every((_, place) => (results[before.length + place]?.results.length ?? 0) > 0);
  return isWritten ? nothingMade : null;
}

function firstStatements(db: D1Database, { key, is_first }: ThreadBatch, now: number): D1PreparedStatement[] {
  if (is_first !== true) return [];
  return [db.prepare(TOMBSTONE_OF_DELETED).bind(key.user_id, key.thread_id, new Date(now).toISOString())];
}

function isGone(first: D1PreparedStatement[], results: D1Result[]): boolean {
  return first.length > 0 && (results[0]?.results.length ?? 0) > 0;
}

function rowStatements(db: D1Database, batch: ThreadBatch): D1PreparedStatement[] {
  const rows = [...projectStatements(db, batch), ...threadStatements(db, batch), ...messageStatements(db, batch)];
  return [...rows, ...putReceipts(db, batch.key, batch.receipts ?? []), ...supersedeStatements(db, batch)];
}

function supersedeStatements(db: D1Database, { key, superseded = [] }: ThreadBatch): D1PreparedStatement[] {
  const { user_id, thread_id } = key;
  return superseded.flatMap(({ by, at, from, through, renamed }) => [
    db.prepare(SUPERSEDE).bind(user_id, thread_id, by, at, from, through),
    ...(renamed ? [db.prepare(RENAME).bind(user_id, thread_id, renamed.seq, renamed.message_id)] : []),
  ]);
}

function projectStatements(db: D1Database, { key, project }: ThreadBatch): D1PreparedStatement[] {
  if (!project) return [];
  const { project_id, name, created_at } = project;
  return [db.prepare(PUT_PROJECT).bind(key.user_id, key.thread_id, project_id, name, created_at)];
}

function threadStatements(db: D1Database, { key, thread }: ThreadBatch): D1PreparedStatement[] {
  if (!thread) return [];
  const { project_id, agent_id, version, created_at, updated_at, title } = thread;
  const metadata = JSON.stringify(thread.metadata);
  const values = [project_id, agent_id, version, created_at, updated_at, title, metadata];
  return [db.prepare(PUT_THREAD).bind(key.user_id, key.thread_id, ...values)];
}

function runStatements(db: D1Database, { key, runs }: ThreadBatch, put: string): D1PreparedStatement[] {
  const now = Date.now();
  return runs.map(({ version, end_seq: _end_seq, ...run }) => {
    const heard = new Date(isTerminal(run.status) ? now : now + QUIET_MS).toISOString();
    const values = [run.invocation_id, run.status, version, run.created_at, heard, encodeRun(run)];
    return db.prepare(put).bind(key.user_id, key.thread_id, ...values);
  });
}

function encodeRun(run: Run): string {
  const { result, error, interrupts } = run;
  const cut: Run = {
    ...run,
    result: result && { ...result, text: cutText(result.text) },
    error: error && { ...error, message: cutText(error.message) },
    interrupts: interrupts.map((interrupt) => ({ ...interrupt, message: cutText(interrupt.message) })),
  };
  const json = JSON.stringify(cut);
  if (byteLength(json) <= BOUND_BYTES) return json;
  const units = Math.floor(RUN_TEXT_UNITS / Math.max(1, interrupts.length));
  const questions = cut.interrupts.map((interrupt) => ({
    ...interrupt,
    message: cutText(interrupt.message, units),
    response_schema: {},
  }));
  return JSON.stringify({ ...cut, metadata: {}, interrupts: questions });
}

function cutText(text: string, units = RUN_TEXT_UNITS): string {
  if (text.length <= units) return text;
  return `${text.slice(0, units).toWellFormed()}\n[cut; the messages have all of it]`;
}

/** Small messages share as few statements as their bytes permit; the JSON of a large one is bound separately. */
function messageStatements(db: D1Database, { key, messages }: ThreadBatch): D1PreparedStatement[] {
  const statements: D1PreparedStatement[] = [];
  let rows: string[] = [];
  let bytes = 0;
  const flush = () => {
    if (rows.length === 0) return;
    statements.push(db.prepare(PUT_MESSAGES).bind(key.user_id, key.thread_id, `[${rows.join(",")}]`));
    rows = [];
    bytes = 0;
  };
  for (const message of messages) {
    const { row, parts } = encodeMessage(message);
    const size = byteLength(row) + 1;
    if (bytes + size > BOUND_BYTES) flush();
    rows.push(row);
    bytes += size;
    for (const part of parts) {
      const values = [message.seq, part.field, part.part, message.version, part.text];
      statements.push(db.prepare(PUT_PART).bind(key.user_id, key.thread_id, ...values));
    }
  }
  flush();
  return statements;
}

interface EncodedMessage {
  /** A JSON array in the order of `PUT_MESSAGES`. */
  row: string;
  parts: { field: "content" | "metadata"; part: number; text: string }[];
}

function encodeMessage(message: MessageRow & { version: number }): EncodedMessage {
  const content = JSON.stringify(message.content);
  const metadata = JSON.stringify(message.metadata);
  const size = byteLength(content) + byteLength(metadata);
  const encode = (metadataColumn: string | null, contentColumn: string | null) =>
    JSON.stringify([
      message.seq,
      message.message_id,
      message.project_id,
      message.invocation_id,
      message.agent_id,
      message.type,
      message.is_llm_message ? 1 : 0,
      message.version,
      message.created_at,
      size,
      metadataColumn,
      contentColumn,
    ]);
  const row = encode(metadata, content);
  if (byteLength(row) <= BOUND_BYTES) return { row, parts: [] };
  const cut = (field: "content" | "metadata", json: string) =>
    cutIntoParts(json, BOUND_BYTES).map((text, part) => ({ field, part, text }));
  return { row: encode(null, null), parts: [...cut("content", content), ...cut("metadata", metadata)] };
}
