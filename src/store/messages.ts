// The messages of a thread, oldest first. A page is limited by its bytes and by its rows. Its sizes, its contents and the
// parts of those that were split come in one trip.
import { and, asc, desc, eq, gt, inArray, isNull, ne, or, type SQL, sql } from "drizzle-orm";
import { fail, type Result, succeed } from "../protocol/error.ts";
import type { MessageRow, MessageType } from "../protocol/message.ts";
import type { Page, PageRequest } from "../protocol/page.ts";
import type { MessageRequest, ThreadKey } from "../protocol/thread.ts";
import { open } from "./database.ts";
import { decodeCursor, encodeCursor } from "./page.ts";
import { messageParts, messages, threads } from "./schema.ts";
import { readMetadata, withContent } from "./shapes/message.ts";
import { parseStored } from "./shapes/stored.ts";
import { SUPERSEDED, withoutMark } from "./shapes/superseded.ts";
import { isThere } from "./threads.ts";

// The limit of one answer, since an isolate has 128 MB for all its requests. A page always has its first message.
export const PAGE_BYTES = 4_000_000;

/** A page that is no longer needs no room, and comes in one trip. */
const FREE_BYTES = 256_000;

type Row = typeof messages.$inferSelect;

/** `admit` resolves once there is room for a page of so many bytes. */
export async function listMessages(
  db: D1Database,
  key: ThreadKey,
  request: MessageRequest,
  admit: (bytes: number) => Promise<void> = async () => {},
): Promise<Result<Page<MessageRow>>> {
  const start = await findStart(db, key, request);
  if (!start.ok) return start;
  const short = await readPage(db, key, request, start.value, FREE_BYTES);
  const whole = takePage(short.sized.slice(0, request.limit), ({ size }) => size);
  if (short.page.data.length === whole.length) return succeed(short.page);
  await admit(whole.reduce((sum, { size }) => sum + size, 0));
  return succeed((await readPage(db, key, request, start.value, PAGE_BYTES)).page);
}

async function readPage(db: D1Database, key: ThreadKey, request: MessageRequest, start: number, most: number) {
  const database = open(db);
  const isListed = and(isOfThread(key), gt(messages.seq, start), isWanted(request));
  const sizes = database
    .select({ seq: messages.seq, size: messages.size })
    .from(messages)
    .where(isListed)
    .orderBy(asc(messages.seq))
    .limit(request.limit + 1);
  const seqs = seqsOfPage(isListed, request.limit, most);
  const rows = database
    .select()
    .from(messages)
    .where(and(isOfThread(key), sql`${messages.seq} IN (${seqs})`))
    .orderBy(asc(messages.seq));
  const [sized, page, parts] = await database.batch([sizes, rows, selectParts(db, key, seqs)]);
  const texts = joinParts(parts);
  const last = page.at(-1);
  const next_cursor = last !== undefined && page.length < sized.length ? encodeCursor([last.seq]) : null;
  return { sized, page: { data: page.map((row) => toMessage(row, texts)), next_cursor } };
}

/** What `takePage` takes, as a query: the contents come in the same trip as their sizes, and no content in vain. */
function seqsOfPage(isListed: SQL | undefined, limit: number, most: number): SQL {
  const listed = sql`SELECT ${messages.seq} AS seq, ${messages.size} AS size FROM ${messages} WHERE ${isListed}
    ORDER BY ${messages.seq} LIMIT ${limit}`;
  return sql`SELECT seq FROM (SELECT seq, size, sum(size) OVER (ORDER BY seq) AS through FROM (${listed}))
    WHERE through <= ${most} OR (through = size AND ${most} = ${PAGE_BYTES})`;
}

/** The column's type is the message's, except for a superseded one. */
function isWanted({ types, superseded }: MessageRequest): SQL | undefined {
  const own = types.length > 0 ? inArray(messages.type, types) : ne(sql`${messages.type}`, SUPERSEDED);
  if (superseded !== true) return own;
  if (types.length === 0) return undefined;
  return or(own, and(eq(sql`${messages.type}`, SUPERSEDED), inArray(sql`${messages.superseded} ->> 'type'`, types)));
}

/** The newest message of one type, with the version of its row, and whether the thread is there. */
export async function readNewestOfType(
  db: D1Database,
  key: ThreadKey,
  type: MessageType,
): Promise<{ row: (MessageRow & { version: number }) | null; hasThread: boolean }> {
  const database = open(db);
  const isOfType = and(isOfThread(key), eq(messages.type, type));
  const newest = sql`SELECT max(${messages.seq}) FROM ${messages} WHERE ${isOfType}`;
  const [rows, parts, there] = await database.batch([
    database.select().from(messages).where(isOfType).orderBy(desc(messages.seq)).limit(1),
    selectParts(db, key, newest),
    database.select({ thread_id: threads.thread_id }).from(threads).where(isThere(key)),
  ]);
  const [row] = rows;
  const hasThread = there.length > 0;
  return { row: row ? { ...toMessage(row, joinParts(parts)), version: row.version } : null, hasThread };
}

async function findStart(db: D1Database, key: ThreadKey, request: MessageRequest): Promise<Result<number>> {
  const start = readStart(request);
  if (!start.ok || request.after === null) return start;
  const row = await open(db)
    .select({ seq: messages.seq })
    .from(messages)
    .where(and(isOfThread(key), eq(messages.message_id, request.after)))
    .get();
  return row ? succeed(Math.max(start.value, row.seq)) : fail("bad_cursor", "after names no message of this thread");
}

/** The position of a page's cursor; the page begins after it. */
export function readStart({ cursor }: PageRequest): Result<number> {
  if (cursor === null) return succeed(0);
  const position = decodeCursor(cursor, [0]);
  return position.ok ? succeed(position.value[0] ?? 0) : position;
}

/** The first rows, as many as one answer may hold. */
export function takePage<T>(rows: T[], sizeOf: (row: T) => number): T[] {
  const page: T[] = [];
  let bytes = 0;
  for (const row of rows) {
    bytes += sizeOf(row);
    if (page.length > 0 && bytes > PAGE_BYTES) break;
    page.push(row);
  }
  return page;
}

/** The texts that the rows at these places don't hold themselves, in their order. */
function selectParts(db: D1Database, key: ThreadKey, seqs: SQL) {
  const isOfRow = and(
    eq(messages.user_id, messageParts.user_id),
    eq(messages.thread_id, messageParts.thread_id),
    eq(messages.seq, messageParts.seq),
    eq(messages.version, messageParts.version),
    isNull(messages.content),
  );
  return open(db)
    .select({ seq: messageParts.seq, field: messageParts.field, text: messageParts.text })
    .from(messageParts)
    .innerJoin(messages, isOfRow)
    .where(
      and(
        eq(messageParts.user_id, key.user_id),
        eq(messageParts.thread_id, key.thread_id),
        sql`${messageParts.seq} IN (${seqs})`,
      ),
    )
    .orderBy(asc(messageParts.seq), asc(messageParts.field), asc(messageParts.part));
}

/** Joined, by position and field. */
function joinParts(parts: { seq: number; field: string; text: string }[]): Map<string, string> {
  const texts = new Map<string, string>();
  for (const { seq, field, text } of parts) {
    const name = `${seq} ${field}`;
    texts.set(name, (texts.get(name) ?? "") + text);
  }
  return texts;
}

function toMessage(row: Row, parts: Map<string, string>): MessageRow {
  const id = `${row.thread_id} ${row.seq}`;
  const message = {
    message_id: row.message_id,
    thread_id: row.thread_id,
    project_id: row.project_id,
    user_id: row.user_id,
    invocation_id: row.invocation_id,
    agent_id: row.agent_id,
    ...withoutMark(row, id),
    content: parseStored(row.content ?? parts.get(`${row.seq} content`) ?? ""),
    metadata: readMetadata(row.metadata ?? parts.get(`${row.seq} metadata`) ?? "", id),
    seq: row.seq,
    created_at: row.created_at,
  };
  return withContent(message, id);
}

function isOfThread(key: ThreadKey) {
  return and(eq(messages.user_id, key.user_id), eq(messages.thread_id, key.thread_id));
}
