import { expect, it } from "vitest";
import type { Receipt } from "../../src/protocol/plan/check.ts";
import type { CheckRun } from "../../src/protocol/plan/check-run.ts";
import { receiptLines, seenLine } from "./receipts.ts";

const run: CheckRun = {
  ...{ check_run_id: "c", thread_id: "t", status: "completed", reason: null, task_ids: ["a"] },
  ...{ receipt_ids: ["r1", "r2"], created_at: "", finished_at: "" },
};
const receipt = (receipt_id: string, more: Partial<Receipt>): Receipt => ({
  ...{ receipt_id, task_id: "a", check_id: "k", invocation_id: null, author: "person", started_at: "", tree: null },
  ...{ spec: { type: "command", run: "npm test" }, outcome: "passed", reason: "It passed.", duration_ms: 1_250 },
  ...{ exit_code: 0, output_head: "", output_tail: "", output_bytes: 0, output_hash: null },
  ...more,
});

it("shows each check that ran, and why one failed, with the end of its output", () => {
  const output_head = "one\n\u001b[31mtwo\n";
  const failed = receipt("r2", { outcome: "failed", reason: "`npm test` exited with 1, not 0.", output_head });
  const receipts = [receipt("old", {}), receipt("r1", {}), failed];
  const plan = { sections: [{ tasks: [{ id: "a", content: "Task\n1", verification: "failed" as const, receipts }] }] };
  expect(receiptLines(plan, run)).toEqual({
    failed: 1,
    lines: [
      "Task 1 (failed)",
      "  ✓ `npm test` exits with 0 (1.3 s)",
      "  ✗ `npm test` exits with 0 (1.3 s)",
      "    `npm test` exited with 1, not 0.",
      "    | one",
      expect.stringMatching(/^ {4}\| .*two$/),
    ],
  });
});

it("says in a line what was seen while a run works", () => {
  const seen = {
    receipt_id: "r",
    task_id: "a",
    check_id: "k",
    author: "model" as const,
    reason: "`x` exited\nwith 0.",
  };
  const command = { ...seen, type: "command" as const, outcome: "passed" as const, duration_ms: 1_250 };
  expect(seenLine(command)).toBe("✓ `x` exited with 0. (1.3 s)");
  const person = { ...seen, type: "person" as const, outcome: "failed" as const, reason: "A person said no." };
  expect(seenLine({ ...person, duration_ms: 0 })).toBe("✗ A person said no.");
});

it("says why they have not run, and that there are none", () => {
  const cancelled = { ...run, status: "cancelled" as const, reason: "A run began." };
  expect(receiptLines({ sections: [] }, cancelled).lines).toEqual(["cancelled: A run began."]);
  expect(receiptLines({ sections: [] }, run).lines).toEqual(["No task has a check that the server can run."]);
});
