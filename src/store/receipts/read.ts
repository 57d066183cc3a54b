// The receipts of a run. A page is limited by its bytes and by its rows; sizes are looked at before contents.
import { type Result, succeed } from "../../protocol/error.ts";
import type { Page, PageRequest } from "../../protocol/page.ts";
import type { Receipt } from "../../protocol/plan/check.ts";
import type { ThreadKey } from "../../protocol/thread.ts";
import { encodeCursor, FREE_BYTES, PAGE_BYTES, readPlace } from "../page.ts";
import { toReceipt } from "../shapes/receipt.ts";
import { readStored } from "../shapes/stored.ts";

/** A document of so many checks is read by a program. */
const MAX_IN_DOCUMENT = 2_000;

/** Reads an entry for each receipt of the thread after the place, without its content. */
const ofRun = (direction: "ASC" | "DESC") => `
  SELECT seq, size, row_number() OVER (ORDER BY seq ${direction}) AS place, sum(size) OVER (ORDER BY seq ${direction}) AS through
  FROM receipts WHERE user_id = ?1 AND thread_id = ?2 AND invocation_id = ?3 AND seq > ?4`;

const fitting = (direction: "ASC" | "DESC") => `
SELECT seq, content FROM receipts WHERE user_id = ?1 AND thread_id = ?2 AND seq IN (
  SELECT seq FROM (${ofRun(direction)}) WHERE place <= ?5 AND (through <= ?6 OR place = 1))
ORDER BY seq`;

const SIZES = `SELECT count(*) AS count, coalesce(sum(size), 0) AS bytes FROM (${ofRun("ASC")}) WHERE place <= ?5 + 1`;

interface Rows {
  rows: { seq: number; content: string }[];
  /** Of all that are asked for, one more than the limit at most. */
  count: number;
  bytes: number;
}

type Admit = (bytes: number) => Promise<void>;

interface Wanted {
  key: ThreadKey;
  invocation_id: string;
  after: number;
  limit: number;
  direction: "ASC" | "DESC";
}

/** Oldest first. `admit` resolves once there is room for a page of so many bytes. */
export async function listReceipts(
  db: D1Database,
  key: ThreadKey,
  invocation_id: string,
  request: PageRequest,
  admit: Admit = async () => {},
): Promise<Result<Page<Receipt>>> {
  const start = readPlace(request.cursor);
  if (!start.ok) return start;
  const { limit } = request;
  const { rows, count } = await readRows(
    db,
    { key, invocation_id, after: start.value, limit, direction: "ASC" },
    admit,
  );
  const last = rows.at(-1);
  const next_cursor = last !== undefined && count > rows.length ? encodeCursor([last.seq]) : null;
  return succeed({ data: readAll(rows), next_cursor });
}

/** For a document: all of the run, or as many of the newest as fit into one answer. The oldest come first. */
export async function readReceiptsOfRun(
  db: D1Database,
  key: ThreadKey,
  invocation_id: string,
  admit: Admit = async () => {},
): Promise<{ receipts: Receipt[]; is_whole: boolean }> {
  const wanted = { key, invocation_id, after: 0, limit: MAX_IN_DOCUMENT, direction: "DESC" } as const;
  const { rows, count } = await readRows(db, wanted, admit);
  return { receipts: readAll(rows), is_whole: count <= rows.length };
}

async function readRows(db: D1Database, wanted: Wanted, admit: Admit): Promise<Rows> {
  const short = await readUpTo(db, wanted, FREE_BYTES);
  if (short.rows.length >= Math.min(short.count, wanted.limit)) return short;
  await admit(Math.min(short.bytes, PAGE_BYTES));
  return await readUpTo(db, wanted, PAGE_BYTES);
}

async function readUpTo(db: D1Database, wanted: Wanted, most: number): Promise<Rows> {
  const { key, invocation_id, after, limit, direction } = wanted;
  const values = [key.user_id, key.thread_id, invocation_id, after, limit];
  const [sizes, rows] = await db.batch([
    db.prepare(SIZES).bind(...values),
    db.prepare(fitting(direction)).bind(...values, most),
  ]);
  const [{ count, bytes } = { count: 0, bytes: 0 }] = (sizes?.results ?? []) as { count: number; bytes: number }[];
  return { rows: (rows?.results ?? []) as Rows["rows"], count, bytes };
}

/** A row that can't be read costs only itself. */
function readAll(rows: Rows["rows"]): Receipt[] {
  return rows.flatMap(({ seq, content }) => readStored(toReceipt, content, "receipt", seq) ?? []);
}
