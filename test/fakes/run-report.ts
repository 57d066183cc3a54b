// A run with receipts, as a document gets it.
import { makeReport, type Report } from "../../src/http/routes/receipts/report.ts";
import type { Check, Receipt } from "../../src/protocol/plan/check.ts";
import type { Task } from "../../src/protocol/plan/task.ts";
import type { Run } from "../../src/protocol/run.ts";
import { makeReceipt } from "./receipts.ts";

export const at = "2026-11-25T10:00:00.000Z";

const endedRun = {
  ...{
    invocation_id: "inv_a",
    thread_id: "thread-001",
    status: "completed",
    checked_tasks: { verified: 1, failed: 2 },
  },
  ...{ created_at: at, started_at: at, finished_at: "2026-11-25T10:05:00.000Z" },
} as Run;

export function makeTask(id: string, checks: Check[], part: Partial<Task> = {}): Task {
  return { id, content: `Do ${id}`, status: "completed", section_id: "sec_1", checks, ...part };
}

/** A check whose last receipt is this one; without one it has never run. */
export function checkOf(id: string, last?: Receipt): Check {
  const spec = { type: "command" as const, run: `make ${id}` };
  if (last === undefined) return { id, author: "model", spec };
  const { receipt_id, outcome, reason, tree, started_at } = last;
  return { id, author: last.author, spec: last.spec, result: { receipt_id, outcome, reason, tree, at: started_at } };
}

export function reportOf(tasks: Task[], receipts: Receipt[], is_whole = true): Report {
  return makeReport(endedRun, { version: 1, sections: [{ id: "sec_1", title: "S" }], tasks }, receipts, is_whole);
}

/** One task with one check that failed, and these texts everywhere. */
export function hostileReport(text: string): Report {
  const receipt = makeReceipt({
    ...{ outcome: "failed", reason: text, output_head: text, output_tail: text, exit_code: 1 },
    ...{ spec: { type: "command", run: text || "x" }, changed_files: [text], altered_files: [text] },
  });
  const passed = makeReceipt({ receipt_id: "rcpt_2", check_id: "chk_2", output_head: text });
  const checks = [checkOf("chk_1", receipt), checkOf("chk_2", passed)];
  return reportOf([makeTask("task_1", checks, { content: text })], [receipt, passed]);
}

/** What sandboxes and models may print. */
export const hostileTexts = [
  "]]> <![CDATA[ </failure></testcase><!-- &amp; &#0; \"'",
  "\u0000\u0001\u001b[31mred\u001b[0m\u0007\r\nline\rover\u007f\u0085\ufffe\uffff",
  "\ud800 half \udc00 and \u202egnp.exe\u2066",
  "```\n# No heading\n````\n[x](javascript:alert(1)) ![i](https://evil.example/i.png) <img src=x onerror=alert(1)>",
  "~~~\nhttps://evil.example www.evil.example <https://evil.example> a@evil.example @person #1 &copy;",
  '` `` ``` \\` `` [a]: https://evil.example "t"\n\n[a]',
  "\n\n    indented\n\n---\n\n| a |\n|---|\n| b |",
  "   ",
  "",
];
