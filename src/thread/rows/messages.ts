// The thread's messages in the object's SQLite, which the model and D1 get, and the plan's row.

import { numberPlan, withoutNumbers } from "../../agent/plan/numbers.ts";
import { isRecord } from "../../lib/is-record.ts";
import {
  type MessageBody,
  type MessageRow,
  type MessageType,
  messageTypes,
  textOf,
  type UserContent,
} from "../../protocol/message.ts";
import type { LastNumbers, Plan } from "../../protocol/plan/task.ts";
import type { MessageRequest, Thread } from "../../protocol/thread.ts";
import { readMetadata, toPlanContent, toUserMessage, withContent } from "../../store/shapes/message.ts";
import { isNumber, parseStored, readStored, shapeOf } from "../../store/shapes/stored.ts";
import { SUPERSEDED, withoutMark } from "../../store/shapes/superseded.ts";
import { fitsColumn, readMeta, readText, type Sql, writeMeta, writeText } from "./database.ts";
import { FOREIGN_ID, isOwnShape } from "./own-ids.ts";

/** Where a new message comes from, and when it came. */
interface MessageOrigin {
  message_id: string;
  invocation_id: string | null;
  agent_id: string | null;
  metadata?: Record<string, unknown>;
  created_at: string;
}

export type NewMessage = MessageOrigin & MessageBody & { is_llm_message: boolean };

type Row = {
  seq: number;
  message_id: string;
  invocation_id: string | null;
  agent_id: string | null;
  type: MessageType;
  is_llm_message: number;
  content: string | null;
  metadata: string | null;
  version: number;
  created_at: string;
  superseded: string | null;
};

/** A message with its version, for the outbox. */
export type VersionedMessage = MessageRow & { version: number };

export const emptyPlan: Plan = { version: 0, sections: [], tasks: [] };

/**
 * The numbers of the plan's tasks and sections, by id, and the highest so far. Beside the row, since clients and D1 get
 * the row, and since a plan that comes back needs the numbers of tasks that are gone.
 */
const NUMBERS = "plan_numbers";
interface Numbers {
  last: LastNumbers;
  numbers: Record<string, number>;
}

/** Gives the message the next `seq` and stores it. Inside a transaction. */
export function insertMessage(sql: Sql, message: NewMessage, version = 1): number {
  const content = JSON.stringify(message.content);
  const metadata = JSON.stringify(message.metadata ?? {});
  // The number of the row names a long text, so it is chosen first. Usually SQLite chooses it: one more than the highest.
  const isLong = !fitsColumn(content) || !fitsColumn(metadata);
  const seq = isLong ? lastMessageSeq(sql) + 1 : null;
  const [row] = sql
    .exec<{ seq: number }>(
      `INSERT INTO messages (seq, message_id, invocation_id, agent_id, type, is_llm_message, content, metadata, version, created_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING seq`,
      seq,
      message.message_id,
      message.invocation_id,
      message.agent_id,
      message.type,
      message.is_llm_message ? 1 : 0,
      isLong ? writeText(sql, `m:${seq}`, content) : content,
      isLong ? writeText(sql, `d:${seq}`, metadata) : metadata,
      version,
      message.created_at,
    )
    .toArray();
  if (row === undefined) throw new Error("a stored message has no number");
  return row.seq;
}

/** The `seq` of a message. Null if there is no such message. */
export function findMessageSeq(sql: Sql, message_id: string): number | null {
  // Clients seldom ask for one of the object's ids: it takes a look at every message.
  const where = isOwnShape(message_id) ? "message_id = ?" : `message_id = ? AND ${FOREIGN_ID}`;
  const rows = sql.exec<{ seq: number }>(`SELECT seq FROM messages WHERE ${where}`, message_id).toArray();
  return rows[0]?.seq ?? null;
}

/** A bound value may have 2 MB, and a character takes 3 bytes at most. A message that is longer is stored alone. */
const CHARACTERS_AT_ONCE = 600_000;

/**
 * Stores messages of one run, type and time in their order: short ones many at a time. Returns the `seq` of the first.
 * Inside a transaction.
 */
export function insertMessages(sql: Sql, messages: NewMessage[]): number {
  const [first] = messages;
  if (first === undefined) throw new Error("there is no message to store");
  if (messages.length === 1) return insertMessage(sql, first);
  const start = lastMessageSeq(sql) + 1;
  const { invocation_id, agent_id, type, created_at } = first;
  const shared = [invocation_id, agent_id, type, created_at];
  let [rows, characters, alike]: [string[], number, (string | number)[]] = [[], 0, []];
  const flush = (next: number): void => {
    if (rows.length > 0) sql.exec(INSERT_MANY, ...shared, `[${rows.join(",")}]`, next - rows.length, ...alike);
    [rows, characters] = [[], 0];
  };
  for (const [place, message] of messages.entries()) {
    const row = JSON.stringify([message.message_id, JSON.stringify(message.content)]);
    const own = [message.is_llm_message ? 1 : 0, JSON.stringify(message.metadata ?? {})];
    const isAlike = own.every((value, at) => value === alike[at]);
    if (!isAlike || characters + row.length >= CHARACTERS_AT_ONCE) flush(start + place);
    alike = own;
    if (row.length >= CHARACTERS_AT_ONCE) insertMessage(sql, message);
    else {
      rows.push(row);
      characters += row.length + 1;
    }
  }
  flush(start + messages.length);
  return start;
}

// To take a value out of JSON is most of the work, so those that are alike stand beside it. In the order of the index by
// id: any other takes longer the longer the thread is.
const INSERT_MANY = `
INSERT INTO messages (seq, message_id, invocation_id, agent_id, type, is_llm_message, content, metadata, version, created_at)
SELECT ?6 + key, value ->> 0, ?1, ?2, ?3, ?7, value ->> 1, ?8, 1, ?4
FROM json_each(?5)
ORDER BY value ->> 0`;

/** Which of these messages there are. Those with ids of the object's own take one look at all of the thread. */
export function findKnown(sql: Sql, ids: string[]): Set<string> {
  const foreign = ids.filter((id) => !isOwnShape(id));
  const own = findMessages(sql, ids.filter(isOwnShape)).keys();
  if (foreign.length === 0) return new Set(own);
  const found = sql.exec<{ message_id: string }>(
    `SELECT message_id FROM messages WHERE message_id IN (SELECT value FROM json_each(?)) AND ${FOREIGN_ID}`,
    JSON.stringify(foreign),
  );
  return new Set([...own, ...found.toArray().map(({ message_id }) => message_id)]);
}

/** The `seq` of those of many messages that there are, in one look at all of the thread: most ids are in no index. */
export function findMessages(sql: Sql, ids: string[]): Map<string, number> {
  if (ids.length === 0) return new Map();
  const rows = sql.exec<{ seq: number; message_id: string }>(
    "SELECT seq, message_id FROM messages WHERE message_id IN (SELECT value FROM json_each(?))",
    JSON.stringify(ids),
  );
  return new Map(rows.toArray().map(({ message_id, seq }) => [message_id, seq]));
}

export function lastMessageSeq(sql: Sql): number {
  return sql.exec<{ seq: number | null }>("SELECT max(seq) AS seq FROM messages").toArray()[0]?.seq ?? 0;
}

/** When the newest message was stored. Null if there is none. */
export function lastMessageTime(sql: Sql): string | null {
  const rows = sql.exec<{ created_at: string }>("SELECT created_at FROM messages ORDER BY seq DESC LIMIT 1").toArray();
  return rows[0]?.created_at ?? null;
}

/** Rows after a `seq`, in order. `all`: also those that are superseded. */
export function readMessages(
  sql: Sql,
  thread: Thread,
  after: number,
  limit: number,
  { all = false }: { all?: boolean } = {},
): VersionedMessage[] {
  const condition = all ? "" : `AND type <> '${SUPERSEDED}'`;
  return sql
    .exec<Row>(`SELECT * FROM messages WHERE seq > ? ${condition} ORDER BY seq LIMIT ?`, after, limit)
    .toArray()
    .map((row) => toMessage(sql, thread, row));
}

/** The type column of a superseded row is not the message's, which its mark has. */
const LISTED = `(CASE WHEN type <> '${SUPERSEDED}' THEN type WHEN ?3 THEN superseded ->> 'type' END)
  IN (SELECT value FROM json_each(?2))`;

function bindListed({ types, superseded }: MessageRequest): [string, number] {
  return [JSON.stringify(types.length > 0 ? types : messageTypes), superseded === true ? 1 : 0];
}

/** Messages after a `seq` that a client asks for, with their characters: one more than the limit at most. */
export function listMessageSizes(sql: Sql, request: MessageRequest, after: number): { seq: number; size: number }[] {
  return sql
    .exec<{ seq: number; content: number | null; metadata: number | null }>(
      `SELECT seq, length(content) AS content, length(metadata) AS metadata FROM messages
      WHERE seq > ?1 AND ${LISTED} ORDER BY seq LIMIT ?4`,
      after,
      ...bindListed(request),
      request.limit + 1,
    )
    .toArray()
    .map(({ seq, content, metadata }) => {
      const size =
        (content ?? readText(sql, `m:${seq}`, null).length) + (metadata ?? readText(sql, `d:${seq}`, null).length);
      return { seq, size };
    });
}

/** The same messages up to `last`. */
export function readListedMessages(
  sql: Sql,
  thread: Thread,
  request: MessageRequest,
  { after, last }: { after: number; last: number },
): VersionedMessage[] {
  return sql
    .exec<Row>(
      `SELECT * FROM messages WHERE seq > ?1 AND seq <= ?4 AND ${LISTED} ORDER BY seq`,
      after,
      ...bindListed(request),
      last,
    )
    .toArray()
    .map((row) => toMessage(sql, thread, row));
}

/** A row may be a megabyte, and a batch ends with the first that is too long for it. */
const ROWS_PER_READ = 25;

/**
 * Rows after a `seq` for D1: the first, and no more than `limit` rows and `characters` of content. `isCut`: whether there
 * may be more.
 */
export function readNextMessages(
  sql: Sql,
  thread: Thread,
  after: number,
  { limit, characters }: { limit: number; characters: number },
): { messages: VersionedMessage[]; characters: number; isCut: boolean } {
  const rows: Row[] = [];
  let length = 0;
  for (let from = after, isMore = true; isMore && rows.length < limit; ) {
    const most = Math.min(ROWS_PER_READ, limit - rows.length);
    const page = sql.exec<Row>("SELECT * FROM messages WHERE seq > ? ORDER BY seq LIMIT ?", from, most).toArray();
    for (const row of page) {
      length += readText(sql, `m:${row.seq}`, row.content).length;
      if (length > characters && rows.length > 0) return { ...toMessages(rows), isCut: true };
      rows.push(row);
      if (length > characters) return { ...toMessages(rows), isCut: true };
    }
    from = page.at(-1)?.seq ?? from;
    isMore = page.length === most;
  }
  return { ...toMessages(rows), isCut: rows.length === limit };

  function toMessages(read: Row[]): { messages: VersionedMessage[]; characters: number } {
    return { messages: read.map((row) => toMessage(sql, thread, row)), characters: length };
  }
}

/** Rows before a `seq`, newest first, without those that are superseded. */
export function readMessagesBefore(sql: Sql, thread: Thread, before: number, limit: number): VersionedMessage[] {
  return sql
    .exec<Row>(
      `SELECT * FROM messages WHERE seq < ? AND type <> '${SUPERSEDED}' ORDER BY seq DESC LIMIT ?`,
      before,
      limit,
    )
    .toArray()
    .map((row) => toMessage(sql, thread, row));
}

/** What a person wrote last, without images. It tells their language where the model has said nothing yet. */
export function readLastSaid(sql: Sql, thread: Thread): string {
  const [row] = sql.exec<Row>("SELECT * FROM messages WHERE type = 'user' ORDER BY seq DESC LIMIT 1").toArray();
  const message = row === undefined ? null : toMessage(sql, thread, row);
  return message?.type === "user" ? textOf(message.content.content) : "";
}

/** What a person's message says. Null if it can't be read. */
export function readSaid(sql: Sql, seq: number): UserContent | null {
  const [row] = sql.exec<{ content: string | null }>("SELECT content FROM messages WHERE seq = ?", seq).toArray();
  const text = readText(sql, `m:${seq}`, row?.content ?? null);
  return readStored(toUserMessage, text, "message", seq)?.content ?? null;
}

/** The plan with its numbers. Its version is 0 if the thread has none. */
export function readPlan(sql: Sql): Plan {
  const row = readPlanRow(sql);
  if (row === null) return emptyPlan;
  const content = readStored(toPlanContent, readText(sql, `m:${row.seq}`, row.content), "plan", row.seq);
  const plan: Plan = { ...emptyPlan, ...content, version: row.version };
  return recallNumbers(sql, plan);
}

export function readPlanMessage(sql: Sql, thread: Thread): VersionedMessage | null {
  const row = readPlanRow(sql);
  return row === null ? null : toMessage(sql, thread, row);
}

/** Stores the plan as the thread's one `task_list` row. Inside a transaction. */
export function writePlan(sql: Sql, plan: Plan, message: MessageOrigin): void {
  const { version: _, ...content } = withoutNumbers(plan);
  writeNumbers(sql, plan);
  const row = readPlanRow(sql);
  if (row === null) {
    insertMessage(sql, { ...message, type: "task_list", is_llm_message: false, content }, plan.version);
    return;
  }
  const text = writeText(sql, `m:${row.seq}`, JSON.stringify(content));
  sql.exec("UPDATE messages SET content = ?, version = ? WHERE seq = ?", text, plan.version, row.seq);
}

function readPlanRow(sql: Sql): Row | null {
  return sql.exec<Row>("SELECT * FROM messages WHERE type = 'task_list' ORDER BY seq LIMIT 1").toArray()[0] ?? null;
}

function toMessage(sql: Sql, thread: Thread, row: Row): VersionedMessage {
  const message = {
    message_id: row.message_id,
    thread_id: thread.thread_id,
    project_id: thread.project_id,
    user_id: thread.user_id,
    invocation_id: row.invocation_id,
    agent_id: row.agent_id,
    ...withoutMark(row, row.seq),
    content: parseStored(readText(sql, `m:${row.seq}`, row.content)),
    metadata: readMetadata(readText(sql, `d:${row.seq}`, row.metadata), row.seq),
    seq: row.seq,
    created_at: row.created_at,
    version: row.version,
  };
  return withContent(message, row.seq);
}

// As many as a plan has. A plan that comes back, since what was done to it is superseded, finds its numbers again.
const MAX_FORMER_NUMBERS = 500;

/** Most changes of a plan give no number, and then write nothing. */
function writeNumbers(sql: Sql, plan: Plan): void {
  if (plan.last_numbers === undefined) return;
  const items = [...plan.sections, ...plan.tasks];
  const numbers = Object.fromEntries(items.flatMap(({ id, number }) => (number === undefined ? [] : [[id, number]])));
  const known = readMeta(sql, NUMBERS, shapeOf(isNumbers));
  const former = Object.entries(known?.numbers ?? {}).filter(([id]) => !Object.hasOwn(numbers, id));
  const kept = former.sort(([, one], [, other]) => one - other).slice(-MAX_FORMER_NUMBERS);
  const value: Numbers = { last: plan.last_numbers, numbers: { ...Object.fromEntries(kept), ...numbers } };
  if (JSON.stringify(known) !== JSON.stringify(value)) writeMeta(sql, NUMBERS, value);
}

/** Gives the tasks and sections of a plan the numbers that they have or had in this thread, and others the next ones. */
export function recallNumbers(sql: Sql, plan: Plan): Plan {
  const stored = readMeta(sql, NUMBERS, shapeOf(isNumbers));
  const numberOf = <Item extends { id: string; number?: number }>({ number: _, ...item }: Item) => {
    const number = stored !== null && Object.hasOwn(stored.numbers, item.id) ? stored.numbers[item.id] : undefined;
    return number === undefined ? item : { ...item, number };
  };
  const { sections, tasks } = plan;
  return numberPlan({
    ...plan,
    sections: sections.map(numberOf),
    tasks: tasks.map(numberOf),
    ...(stored === null ? {} : { last_numbers: stored.last }),
  });
}

function isNumbers(value: unknown): value is Numbers {
  if (!isRecord(value) || !isRecord(value.last) || !isRecord(value.numbers)) return false;
  return isNumber(value.last.task) && isNumber(value.last.sec) && Object.values(value.numbers).every(isNumber);
}
