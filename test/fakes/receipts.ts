// Receipts of checks for tests.
import type { Receipt } from "../../src/protocol/plan/check.ts";

export function makeReceipt(part: Partial<Receipt> = {}): Receipt {
  return {
    receipt_id: "rcpt_1",
    task_id: "task_1",
    check_id: "chk_1",
    invocation_id: "inv_a",
    author: "person",
    spec: { type: "command", run: "npm test" },
    outcome: "passed",
    reason: "`npm test` exited with 0.",
    started_at: "2026-11-25T10:00:00.000Z",
    duration_ms: 1_234,
    exit_code: 0,
    output_head: "12 passed\n",
    output_tail: "",
    output_bytes: 10,
    output_hash: "a".repeat(64),
    tree: "b".repeat(64),
    ...part,
  };
}
