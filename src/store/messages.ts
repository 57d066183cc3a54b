// The messages of a thread, oldest first. A page is limited by its bytes and by its rows. The sizes are read before the
// contents, and contents that were split into parts are joined again.
import { and, asc, desc, eq, gt, inArray, ne, or, type SQL, sql } from "drizzle-orm";
import { fail, type Result, succeed } from "../protocol/error.ts";
import type { MessageRow, MessageType } from "../protocol/message.ts";
import type { Page, PageRequest } from "../protocol/page.ts";
import type { MessageRequest, ThreadKey } from "../protocol/thread.ts";
import { open } from "./database.ts";
import { decodeCursor, encodeCursor } from "./page.ts";
import { messageParts, messages } from "./schema.ts";
import { readMetadata, withContent } from "./shapes/message.ts";
import { parseStored } from "./shapes/stored.ts";
import { SUPERSEDED, withoutMark } from "./shapes/superseded.ts";

// The limit of one answer, since an isolate has 128 MB for all its requests. A page always has its first message.
const PAGE_BYTES = 4_000_000;

type Row = typeof messages.$inferSelect;

export async function listMessages(
  db: D1Database,
  key: ThreadKey,
  request: MessageRequest,
): Promise<Result<Page<MessageRow>>> {
  const start = await findStart(db, key, request);
  if (!start.ok) return start;
  const sizes = await open(db)
    .select({ seq: messages.seq, size: messages.size })
    .from(messages)
    .where(and(isOfThread(key), gt(messages.seq, start.value), isWanted(request)))
    .orderBy(asc(messages.seq))
    .limit(request.limit + 1);
  const seqs = takePage(sizes.slice(0, request.limit), ({ size }) => size).map(({ seq }) => seq);
  const last = seqs.at(-1);
  if (last === undefined) return succeed({ data: [], next_cursor: null });
  const data = await readRows(db, key, seqs);
  return succeed({ data, next_cursor: seqs.length < sizes.length ? encodeCursor([last]) : null });
}

/** The column's type is the message's, except for a superseded one. */
function isWanted({ types, superseded }: MessageRequest): SQL | undefined {
  const own = types.length > 0 ? inArray(messages.type, types) : ne(sql`${messages.type}`, SUPERSEDED);
  if (superseded !== true) return own;
  if (types.length === 0) return undefined;
  return or(own, and(eq(sql`${messages.type}`, SUPERSEDED), inArray(sql`${messages.superseded} ->> 'type'`, types)));
}

/** The newest message of one type, with the version of its row. */
export async function readNewestOfType(
  db: D1Database,
  key: ThreadKey,
  type: MessageType,
): Promise<(MessageRow & { version: number }) | null> {
  const row = await open(db)
    .select()
    .from(messages)
    .where(and(isOfThread(key), eq(messages.type, type)))
    .orderBy(desc(messages.seq))
    .limit(1)
    .get();
  if (!row) return null;
  const parts = await readParts(db, key, [row]);
  return { ...toMessage(row, parts), version: row.version };
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

async function readRows(db: D1Database, key: ThreadKey, seqs: number[]): Promise<MessageRow[]> {
  // All positions in one bound value, since a statement takes at most 100 values.
  const rows = await open(db)
    .select()
    .from(messages)
    .where(and(isOfThread(key), sql`${messages.seq} IN (SELECT value FROM json_each(${JSON.stringify(seqs)}))`))
    .orderBy(asc(messages.seq));
  const parts = await readParts(db, key, rows);
  return rows.map((row) => toMessage(row, parts));
}

/** The joined texts that the rows themselves don't hold, by position and field. */
async function readParts(db: D1Database, key: ThreadKey, rows: Row[]): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for (const row of rows.filter((row) => row.content === null)) {
    const parts = await open(db)
      .select({ field: messageParts.field, text: messageParts.text })
      .from(messageParts)
      .where(
        and(
          eq(messageParts.user_id, key.user_id),
          eq(messageParts.thread_id, key.thread_id),
          eq(messageParts.seq, row.seq),
          eq(messageParts.version, row.version),
        ),
      )
      .orderBy(asc(messageParts.field), asc(messageParts.part));
    for (const { field, text } of parts) {
      const name = `${row.seq} ${field}`;
      texts.set(name, (texts.get(name) ?? "") + text);
    }
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
