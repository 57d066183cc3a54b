// Receipts: what the server saw when it ran the checks of tasks. Rows of the object, which D1 follows.
import type { Receipt } from "../../protocol/plan/check.ts";
import type { Sql } from "./database.ts";
import { hasTable } from "./tables.ts";

/** People look at the newest, and the plan has the last result of each check. A receipt has at most 64 KiB of output. */
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

/** The newest first, at most `limit`. */
export function readReceipts(sql: Sql, limit: number): Receipt[] {
  if (!hasTable(sql, "receipts")) return [];
  return sql
    .exec<{ content: string }>("SELECT content FROM receipts ORDER BY seq DESC LIMIT ?", limit)
    .toArray()
    .map(({ content }) => JSON.parse(content) as Receipt);
}
