// What the server saw when checks ran again, as lines: each task with its checks, and the end of an output that failed.
import type { SeenReceipt } from "../../src/protocol/event.ts";
import type { Receipt, Verification } from "../../src/protocol/plan/check.ts";
import type { CheckRun } from "../../src/protocol/plan/check-run.ts";
import { describeCheck } from "../../src/web/client/check-lines.ts";
import { plain } from "./width.ts";

export interface PlanWithReceipts {
  sections: {
    tasks: { id: string; content: string; verification?: Verification; receipts?: Receipt[] }[];
  }[];
}

const marks = { passed: "✓", failed: "✗", not_run: "·" } as const;
/** The end of an output says why. */
const outputLines = 6;
const lineCharacters = 200;

export function receiptLines(plan: PlanWithReceipts, run: CheckRun): { lines: string[]; failed: number } {
  const wanted = new Set(run.receipt_ids);
  const tasks = plan.sections.flatMap((section) => section.tasks);
  let failed = 0;
  const lines = tasks.flatMap(({ content, verification = "none", receipts = [] }) => {
    const seen = receipts.filter(({ receipt_id }) => wanted.has(receipt_id));
    if (seen.length === 0) return [];
    failed += seen.filter(({ outcome }) => outcome === "failed").length;
    return [`${oneLine(content)} (${verification.replaceAll("_", " ")})`, ...seen.flatMap(describeReceipt)];
  });
  if (run.status !== "completed")
    return { lines: [`${run.status}: ${oneLine(run.reason ?? "they still run")}`], failed };
  return { lines: lines.length === 0 ? ["No task has a check that the server can run."] : lines, failed };
}

/** As it comes in a stream, with how long it took. */
export function seenLine({ type, outcome, reason, duration_ms }: SeenReceipt): string {
  const took = type === "person" ? "" : ` (${(duration_ms / 1000).toFixed(1)} s)`;
  return `${marks[outcome]} ${oneLine(reason)}${took}`;
}

function describeReceipt({ spec, outcome, reason, duration_ms, output_head, output_tail }: Receipt): string[] {
  const took = spec.type === "person" ? "" : ` (${(duration_ms / 1000).toFixed(1)} s)`;
  const head = `  ${marks[outcome]} ${oneLine(describeCheck(spec))}${took}`;
  if (outcome === "passed") return [head];
  const output = plain(output_tail || output_head)
    .trimEnd()
    .split("\n")
    .slice(-outputLines)
    .filter((line) => line.trim() !== "");
  return [head, `    ${oneLine(reason)}`, ...output.map((line) => `    | ${line.slice(0, lineCharacters)}`)];
}

function oneLine(text: string): string {
  return plain(text).replace(/\s+/g, " ").trim().slice(0, lineCharacters);
}
