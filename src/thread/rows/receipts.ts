// Receipts: what the server saw when it ran the checks of tasks. Rows of the object, which D1 follows.
import type { Receipt } from "../../protocol/plan/check.ts";
import { toReceipt } from "../../store/shapes/receipt.ts";
import { readStored } from "../../store/shapes/stored.ts";
import type { Sql } from "./database.ts";
import { hasTable } from "./tables.ts";

/** D1 has all of them, with less of their outputs, and the plan has the last result of each check. */
const MAX_KEPT = 2_000;

/** Inside a transaction. `sent`: D1 has those up to this place, so an older one may go. */
export function storeReceipts(sql: Sql, receipts: readonly Receipt[], sent: number): void {
  for (const receipt of receipts) {
    sql.exec(
      "INSERT INTO receipts (receipt_id, task_id, content) VALUES (?, ?, ?)",
      receipt.receipt_id,
      receipt.task_id,
      JSON.stringify(receipt),
    );
  }
  sql.exec("DELETE FROM receipts WHERE seq <= min(?, (SELECT max(seq) FROM receipts) - ?)", sent, MAX_KEPT);
}

/** What is read at once: all that a person looks at, and less than an answer may hold. */
const MAX_READ = 500;
const MAX_READ_CHARACTERS = 4_000_000;

/** The newest receipts, the oldest of them first. */
export function readReceipts(sql: Sql): Receipt[] {
  return readPlacedReceipts(sql).placed.map(({ receipt }) => receipt);
}

/** The newest of a run, without their outputs: a life that wakes looks at all of them. */
export function readReceiptsOf(sql: Sql, invocation_id: string): Receipt[] {
  if (!hasTable(sql, "receipts")) return [];
  return sql
    .exec<{ seq: number; content: string }>(
      `SELECT seq, json_set(content, '$.output_head', '', '$.output_tail', '') AS content
      FROM (SELECT seq, content FROM receipts ORDER BY seq DESC LIMIT ?)
      WHERE json_valid(content) AND content ->> '$.invocation_id' = ? ORDER BY seq`,
      MAX_READ,
      invocation_id,
    )
    .toArray()
    .flatMap(({ seq, content }) => readStored(toReceipt, content, "receipt", seq) ?? []);
}

/** How many places behind this one there are. */
export function countReceiptsAfter(sql: Sql, seq: number): number {
  if (!hasTable(sql, "receipts")) return 0;
  const [newest] = sql.exec<{ seq: number | null }>("SELECT max(seq) AS seq FROM receipts").toArray();
  return Math.max(0, (newest?.seq ?? 0) - seq);
}

/**
 * The newest receipts as `readReceipts` has them, with their places in the thread, of at most so many characters. `is_cut`:
 * for the want of these some are missing.
 */
export function readPlacedReceipts(
  sql: Sql,
  most = MAX_READ_CHARACTERS,
): { placed: { seq: number; receipt: Receipt }[]; is_cut: boolean } {
  if (!hasTable(sql, "receipts")) return { placed: [], is_cut: false };
  const sizes = sql
    .exec<{ seq: number; size: number }>(
      "SELECT seq, length(content) AS size FROM receipts ORDER BY seq DESC LIMIT ?",
      MAX_READ,
    )
    .toArray();
  let room = Math.min(most, MAX_READ_CHARACTERS);
  const fitting = sizes.filter(({ size }) => {
    room -= size;
    return room >= 0;
  });
  const is_cut = fitting.length < sizes.length;
  const first = fitting.at(-1)?.seq;
  if (first === undefined) return { placed: [], is_cut };
  const placed = sql
    .exec<{ seq: number; content: string }>("SELECT seq, content FROM receipts WHERE seq >= ? ORDER BY seq", first)
    .toArray()
    .flatMap(({ seq, content }) => {
      const receipt = readStored(toReceipt, content, "receipt", seq);
      return receipt === undefined ? [] : { seq, receipt };
    });
  return { placed, is_cut };
}
