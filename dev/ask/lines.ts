// A run as lines of text: what is new in a view since the last one. Pure; the terminal decides where the lines go.
import type { Conversation, Item } from "../../src/web/client/conversation.ts";
import { describeCall, isSilentTool } from "../../src/web/client/tool-title.ts";
import { plain } from "./width.ts";

const marks = { pending: "○", in_progress: "◐", completed: "●", cancelled: "⊘" } as const;

type ToolItem = Extract<Item, { kind: "tool" }>;

/** More of a command's output than this says no more to a person who looks on. */
const outputLines = 12;
const resultLines = 3;
const lineCharacters = 400;

/** The plan, a line for each section and task. */
export function planLines({ state }: Conversation): string[] {
  return state.plan.sections.flatMap(({ title, tasks }) => [
    plainLine(title),
    ...tasks.map(({ content, status }) => `  ${marks[status]} ${plainLine(content)}`),
  ]);
}

/** What changed in the plan, for output that can't be drawn again in place. */
export function planChanges(before: Conversation, after: Conversation): string[] {
  const known = new Map(before.state.plan.sections.flatMap(({ tasks }) => tasks).map((task) => [task.id, task.status]));
  const sections = new Set(before.state.plan.sections.map(({ id }) => id));
  return after.state.plan.sections.flatMap(({ id, title, tasks }) => {
    const changed = tasks.filter((task) => known.get(task.id) !== task.status);
    const lines = changed.map(({ content, status }) => `  ${marks[status]} ${plainLine(content)}`);
    return sections.has(id) ? lines : [plainLine(title), ...lines];
  });
}

/** A `text` runs on after the one before it; a `line` stands alone. */
export type News = { text: string } | { line: string };

/** Text and calls as they happen. It remembers what it has told, so that a view that was resynchronised tells nothing twice. */
export class Teller {
  readonly #told = new Map<string, number>();
  readonly #calls = new Map<string, "begun" | "ended">();

  tell(view: Conversation): News[] {
    return view.items.flatMap((item): News[] => {
      if (item.kind === "text") return this.#tellText(item);
      return item.kind === "tool" && !isSilentTool(item.name) ? this.#tellCall(item) : [];
    });
  }

  /** What a thread held before this run is no news. */
  skip(view: Conversation): void {
    this.tell(view);
  }

  #tellText(item: Extract<Item, { kind: "text" }>): { text: string }[] {
    const fresh = this.#advance(item.id, item.text);
    const ended = !item.open && this.#told.has(item.id) && !this.#told.has(`${item.id} end`);
    if (ended) this.#told.set(`${item.id} end`, 1);
    const text = plain(fresh) + (ended && item.text !== "" && !item.text.endsWith("\n") ? "\n" : "");
    return text === "" ? [] : [{ text }];
  }

  #tellCall(item: ToolItem): { line: string }[] {
    const lines: { line: string }[] = [];
    const state = this.#calls.get(item.id);
    const { verb, subject } = describeCall(item.name, item.arguments);
    // A call is told when it is known what it is about, at the latest when it has ended.
    if (state === undefined && (subject !== "" || !item.open)) {
      lines.push({
        line: item.name === "execute_command" ? `$ ${plainLine(subject)}` : `› ${verb} ${plainLine(subject)}`,
      });
      this.#calls.set(item.id, "begun");
    }
    if (item.result === null || this.#calls.get(item.id) === "ended") return lines;
    this.#calls.set(item.id, "ended");
    return [...lines, ...this.#tellResult(item).map((line) => ({ line: `  ${line}` }))];
  }

  #tellResult(item: ToolItem): string[] {
    const shown = item.name === "execute_command" ? outputLines : resultLines;
    const lines = plain(item.result ?? "")
      .trimEnd()
      .split("\n")
      .map((line) => line.slice(0, lineCharacters));
    if (lines.length <= shown) return lines.filter((line) => line !== "");
    return [...lines.slice(0, shown - 1), `… ${lines.length - shown + 1} more lines`];
  }

  #advance(id: string, text: string): string {
    const told = this.#told.get(id) ?? 0;
    if (text.length <= told && this.#told.has(id)) return "";
    this.#told.set(id, text.length);
    return text.slice(told);
  }
}

/** One line, whatever a model wrote. */
function plainLine(text: string): string {
  return plain(text).replace(/\s+/g, " ").trim().slice(0, lineCharacters);
}
