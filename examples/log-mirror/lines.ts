// How a run looks in the log: one line for each text, one for the plan, one for the end of the run.
import { type RunView, showsPlan } from "../../src/agent/run-view.ts";
import { cutEnd } from "../../src/lib/truncate.ts";
import type { Run } from "../../src/protocol/run.ts";

export interface Line {
  /** Identifies the line while its text changes. */
  key: string;
  text: string;
}

/** The limit of one line. A chat platform limits messages in the same way; a longer text needs several. */
const MAX_CHARACTERS = 2_000;

export function linesOf(view: RunView): Line[] {
  const lines = view.texts
    .filter(({ text }) => text.trim() !== "")
    .map(({ text }, place) => ({ key: `text${place}`, text: cutEnd(text.trim(), MAX_CHARACTERS) }));
  if (showsPlan(view)) lines.push({ key: "plan", text: planLine(view) });
  if (view.end !== null) lines.push(endLine(view.end));
  return lines;
}

function planLine({ plan }: RunView): string {
  const tasks = plan.sections.flatMap((section) => section.tasks);
  const done = tasks.filter(({ status }) => status === "completed").length;
  return `plan: ${done} of ${tasks.length} done`;
}

/** A question has its own key, by which the next run finds its line. */
function endLine({ status, error, interrupts }: Run): Line {
  if (status === "interrupted") {
    return { key: "ask", text: `asks: ${interrupts.map(({ message }) => message).join(" / ")}` };
  }
  return { key: "end", text: status === "failed" ? `failed: ${error?.message ?? "unknown"}` : status };
}
