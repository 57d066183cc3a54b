// A run's receipts as Markdown, for people. Every text of a model, a person or the sandbox stands in a code span or a code
// block whose fence is longer than any in it, so nothing of it is a link, an image, a mention or HTML.
import type { CheckAuthor, Receipt } from "../../../protocol/plan/check.ts";
import { toPlain, toPlainLine } from "./plain.ts";
import {
  describeCounts,
  describeFiles,
  describeTime,
  outputOf,
  type Report,
  type ReportedCheck,
  type ReportedTask,
} from "./report.ts";

const REASON_CHARACTERS = 1_000;

const outcomes = { passed: "Passed", failed: "Failed", not_run: "Not run" } as const;
const authors: Record<CheckAuthor, string> = { person: "a person", project: "the project", model: "the model" };

export function writeMarkdown({ run, tasks, is_whole }: Report): string {
  const head = [
    `# Receipts of the run ${span(run.invocation_id)}`,
    "",
    `- Thread: ${span(run.thread_id)}`,
    `- Status: ${run.status}${run.finished_at === null ? "" : `, ${run.finished_at}`}`,
    `- Tasks with checks as it ended: ${describeCounts(run)}`,
    ...(is_whole ? [] : ["- The oldest receipts of the run may be missing."]),
    "",
    ...(tasks.length === 0 ? ["The server ran no checks in this run.", ""] : []),
  ];
  return [...head, ...tasks.flatMap(writeTask)].join("\n");
}

function writeTask(task: ReportedTask): string[] {
  const { name, task_id, status, verification, checks } = task;
  const state = status === null ? "no longer in the plan" : `${status}, **${verification}**`;
  return [`## ${span(name)}`, "", `${span(task_id)}: ${state}`, "", ...checks.flatMap(writeCheck)];
}

function writeCheck({ name, check_id, author, receipts }: ReportedCheck): string[] {
  const last = receipts.at(-1);
  return [
    `### ${outcomes[last?.outcome ?? "not_run"]}: ${span(name)}`,
    "",
    `Written by ${authors[author]} (${span(check_id)}).${last === undefined ? " It has not run." : ""}`,
    "",
    ...receipts.flatMap(writeReceipt),
  ];
}

function writeReceipt(receipt: Receipt): string[] {
  const { receipt_id, outcome, reason, output_bytes, output_hash, tree } = receipt;
  const [changed, altered] = [describeFiles(receipt.changed_files), describeFiles(receipt.altered_files)];
  const output = toPlain(outputOf(receipt));
  return [
    `- ${outcomes[outcome]}: ${span(toPlainLine(reason, REASON_CHARACTERS))}`,
    `- ${describeTime(receipt)} (${span(receipt_id)})`,
    ...(tree === null ? [] : [`- Files: ${span(tree)}`]),
    ...(changed === null ? [] : [`- It changed: ${span(changed)}`]),
    ...(altered === null ? [] : [`- Protected files that are not as they were: ${span(altered)}`]),
    ...(output_hash === null ? [] : [`- Output: ${output_bytes} bytes, SHA-256 ${span(output_hash)}`]),
    "",
    ...(output === "" ? [] : writeBlock(output)),
  ];
}

/** Of one line. A delimiter is as long as no run of backticks in it. */
function span(text: string): string {
  const line = text.replaceAll("\n", " ") || "-";
  const fence = "`".repeat(longestRun(line) + 1);
  const room = /^[` ]|[` ]$/.test(line) ? " " : "";
  return `${fence}${room}${line}${room}${fence}`;
}

function writeBlock(text: string): string[] {
  const fence = "`".repeat(Math.max(3, longestRun(text) + 1));
  return [`${fence}text`, text.replace(/\n$/, ""), fence, ""];
}

function longestRun(text: string): number {
  return (text.match(/`+/g) ?? []).reduce((longest, run) => Math.max(longest, run.length), 0);
}
