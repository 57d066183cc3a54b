// Writes receipts to D1. A receipt never changes, so one that comes again finds its row and costs nothing.
import type { Receipt } from "../../protocol/plan/check.ts";
import type { ThreadKey } from "../../protocol/thread.ts";
import { byteLength } from "../parts.ts";
import { ALIVE } from "../tombstones.ts";

/** A receipt for D1, with its place in the thread. */
export type PlacedReceipt = Receipt & { seq: number };

const PUT = `
INSERT INTO receipts (user_id, thread_id, seq, receipt_id, invocation_id, task_id, created_at, size, content)
SELECT ?1, ?2, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6
FROM json_each(?3) WHERE ${ALIVE}
ON CONFLICT DO NOTHING`;

/** Half of what D1 takes as one value. */
const BOUND_BYTES = 1_000_000;

/** As few statements as their bytes permit. */
export function putReceipts(db: D1Database, key: ThreadKey, receipts: readonly PlacedReceipt[]): D1PreparedStatement[] {
  const groups: string[][] = [];
  let bytes = BOUND_BYTES;
  for (const receipt of receipts) {
    const row = encode(receipt);
    const size = byteLength(row) + 1;
    if (bytes + size > BOUND_BYTES) {
      groups.push([]);
      bytes = 0;
    }
    groups.at(-1)?.push(row);
    bytes += size;
  }
  return groups.map((rows) => db.prepare(PUT).bind(key.user_id, key.thread_id, `[${rows.join(",")}]`));
}

function encode({ seq, ...receipt }: PlacedReceipt): string {
  const content = JSON.stringify(receipt);
  const { receipt_id, invocation_id, task_id, started_at } = receipt;
  return JSON.stringify([seq, receipt_id, invocation_id, task_id, started_at, byteLength(content), content]);
}
