// A run as lines of text: what a view contains that the former one did not. Pure; the terminal decides where the lines
// go.
import type { Verification } from "../../src/protocol/plan/check.ts";
import type { TaskState } from "../../src/protocol/plan/task.ts";
import { describeCheck, type Seen, seenOf } from "../../src/web/client/check-lines.ts";
import type { Conversation, Item } from "../../src/web/client/conversation.ts";
import { describeCall, isSilentTool, withoutFences } from "../../src/web/client/tool-title.ts";
import { plain } from "./width.ts";

const marks = { pending: "○", in_progress: "◐", completed: "●", cancelled: "⊘" } as const;

type ToolItem = Extract<Item, { kind: "tool" }>;

/** More lines of a command's output would not help a person who follows along. */
const outputLines = 12;
const resultLines = 3;
const lineCharacters = 400;

/** The plan, one line for each section and task. */
export function planLines({ state }: Conversation): string[] {
  return state.plan.sections.flatMap(({ title, tasks }) => [
    plainLine(title),
    ...tasks.flatMap((task) => [taskLine(task), ...checkLines(task)]),
  ]);
}

const seenMarks: Record<Seen, string> = { passed: "✓", failed: "✗", stale: "~", not_run: "·" };

/** The screen has a colour for each mark: only what a person's or the project's checks have shown is green. */
const verified: Partial<Record<Verification, { mark: string; label: string }>> = {
  verified: { mark: "✔", label: "verified" },
  self_checked: { mark: "◍", label: "self-checked" },
  accepted: { mark: "●", label: "accepted by a person" },
  failed: { mark: "✘", label: "failed" },
  stale: { mark: "◍", label: "stale: files have changed since" },
  not_run: { mark: "◍", label: "not checked" },
};

function taskLine({ content, status, verification = "none", weakened }: TaskState): string {
  const seen = status === "completed" || verification === "failed" ? verified[verification] : undefined;
  const mark = seen !== undefined && status !== "in_progress" && status !== "pending" ? seen.mark : marks[status];
  const notes = [...(seen === undefined ? [] : [seen.label]), ...(weakened ? ["checks weakened"] : [])];
  return `  ${mark} ${plainLine(content)}${notes.length === 0 ? "" : ` (${notes.join(", ")})`}`;
}

/** What of a task is worth a line of its own when it changes. */
function markOf({ status, verification = "none" }: TaskState): string {
  return status === "completed" || verification === "failed" ? `${status} ${verification}` : status;
}

/** Of a task that is done with, its label says enough. */
function checkLines({ checks = [], status, verification }: TaskState): string[] {
  if (status === "completed" && verification !== "failed") return [];
  return checks.map((check) => `      ${seenMarks[seenOf(check)]} ${plainLine(describeCheck(check.spec))}`);
}

/** What changed in the plan, for output that can't be redrawn in place. */
export function planChanges(before: Conversation, after: Conversation): string[] {
  const known = new Map(
    before.state.plan.sections.flatMap(({ tasks }) => tasks).map((task) => [task.id, markOf(task)]),
  );
  const sections = new Set(before.state.plan.sections.map(({ id }) => id));
  return after.state.plan.sections.flatMap(({ id, title, tasks }) => {
    const lines = tasks.filter((task) => known.get(task.id) !== markOf(task)).map(taskLine);
    return sections.has(id) ? lines : [plainLine(title), ...lines];
  });
}

/** A `text` continues the one before it; a `line` stands alone. */
export type Output = { text: string } | { line: string };

/**
 * Finds text and calls that were not printed yet. It remembers what it has returned, so a resynchronized view prints
 * nothing twice.
 */
export class OutputTracker {
  readonly #printed = new Map<string, number>();
  readonly #calls = new Map<string, "begun" | "ended">();

  takeNew(view: Conversation): Output[] {
    return view.items.flatMap((item): Output[] => {
      if (item.kind === "text") return this.#takeText(item);
      return item.kind === "tool" && !isSilentTool(item.name) ? this.#takeCall(item) : [];
    });
  }

  /** Marks what a thread contained before this run as printed. */
  skip(view: Conversation): void {
    this.takeNew(view);
  }

  #takeText(item: Extract<Item, { kind: "text" }>): { text: string }[] {
    const fresh = this.#advance(item.id, item.text);
    const ended = !item.open && this.#printed.has(item.id) && !this.#printed.has(`${item.id} end`);
    if (ended) this.#printed.set(`${item.id} end`, 1);
    const text = plain(fresh) + (ended && item.text !== "" && !item.text.endsWith("\n") ? "\n" : "");
    return text === "" ? [] : [{ text }];
  }

  #takeCall(item: ToolItem): { line: string }[] {
    const lines: { line: string }[] = [];
    const state = this.#calls.get(item.id);
    const { verb, subject } = describeCall(item.name, item.arguments);
    // A call is printed once its subject is known, at the latest when it has ended.
    if (state === undefined && (subject !== "" || !item.open)) {
      lines.push({
        line: item.name === "execute_command" ? `$ ${plainLine(subject)}` : `› ${verb} ${plainLine(subject)}`,
      });
      this.#calls.set(item.id, "begun");
    }
    if (item.result === null || this.#calls.get(item.id) === "ended") return lines;
    this.#calls.set(item.id, "ended");
    return [...lines, ...this.#resultLines(item).map((line) => ({ line: `  ${line}` }))];
  }

  #resultLines(item: ToolItem): string[] {
    const shown = item.name === "execute_command" ? outputLines : resultLines;
    const lines = plain(withoutFences(item.result ?? ""))
      .trimEnd()
      .split("\n")
      .map((line) => line.slice(0, lineCharacters));
    if (lines.length <= shown) return lines.filter((line) => line !== "");
    return [...lines.slice(0, shown - 1), `… ${lines.length - shown + 1} more lines`];
  }

  #advance(id: string, text: string): string {
    const printed = this.#printed.get(id) ?? 0;
    if (text.length <= printed && this.#printed.has(id)) return "";
    this.#printed.set(id, text.length);
    return text.slice(printed);
  }
}

/** Puts any text of a model on one line. */
function plainLine(text: string): string {
  return plain(text).replace(/\s+/g, " ").trim().slice(0, lineCharacters);
}
