// Receipts: what the server saw when it ran the checks of tasks. Rows of the object, which D1 follows.
import type { Receipt } from "../../protocol/plan/check.ts";
import { toReceipt } from "../../store/shapes/receipt.ts";
import { readStored } from "../../store/shapes/stored.ts";
import type { Sql } from "./database.ts";
import { hasTable } from "./tables.ts";

/** D1 has all of them, with less of their outputs, and the plan has the last result of each check. */
const MAX_KEPT = 2_000;

/** Inside a transaction. */
export function storeReceipts(sql: Sql, receipts: readonly Receipt[]): void {
  for (const receipt of receipts) {
    sql.exec(
      "INSERT INTO receipts (receipt_id, task_id, content) VALUES (?, ?, ?)",
      receipt.receipt_id,
      receipt.task_id,
      JSON.stringify(receipt),
    );
  }
  sql.exec("DELETE FROM receipts WHERE seq <= (SELECT max(seq) FROM receipts) - ?", MAX_KEPT);
}

/** What is read at once: all that a person looks at, and less than an answer may hold. */
const MAX_READ = 500;
const MAX_READ_CHARACTERS = 4_000_000;

/** The newest receipts, the oldest of them first. */
export function readReceipts(sql: Sql): Receipt[] {
  return readPlacedReceipts(sql).map(({ receipt }) => receipt);
}

/** The same, with their places in the thread. */
export function readPlacedReceipts(sql: Sql): { seq: number; receipt: Receipt }[] {
  if (!hasTable(sql, "receipts")) return [];
  const sizes = sql
    .exec<{ seq: number; size: number }>(
      "SELECT seq, length(content) AS size FROM receipts ORDER BY seq DESC LIMIT ?",
      MAX_READ,
    )
    .toArray();
  let room = MAX_READ_CHARACTERS;
  const fitting = sizes.filter(({ size }) => {
    room -= size;
    return room >= 0;
  });
  const first = fitting.at(-1)?.seq;
  if (first === undefined) return [];
  return sql
    .exec<{ seq: number; content: string }>("SELECT seq, content FROM receipts WHERE seq >= ? ORDER BY seq", first)
    .toArray()
    .flatMap(({ seq, content }) => {
      const receipt = readStored(toReceipt, content, "receipt", seq);
      return receipt === undefined ? [] : { seq, receipt };
    });
}
