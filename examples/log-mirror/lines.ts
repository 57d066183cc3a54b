// What a run is to look like in the log: one line a text, one for the plan, one for how the run ended.
import { type RunView, showsPlan } from "../../src/agent/run-view.ts";
import { cutEnd } from "../../src/lib/truncate.ts";
import type { Run } from "../../src/protocol/run.ts";

export interface Line {
  /** The same for as long as the line is there, whatever stands in it. */
  key: string;
  text: string;
}

/** What one line holds. A chat platform has such a bound for a message; a longer text then needs several. */
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

/** A question has a key of its own: the next run finds its line by it. */
function endLine({ status, error, interrupts }: Run): Line {
  if (status === "interrupted") {
    return { key: "ask", text: `asks: ${interrupts.map(({ message }) => message).join(" / ")}` };
  }
  return { key: "end", text: status === "failed" ? `failed: ${error?.message ?? "unknown"}` : status };
}
