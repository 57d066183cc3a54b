// Writes to the terminal: text scrolls above, and on a TTY the plan is redrawn below it. Elsewhere (a pipe, a file)
// every line is printed once.
import type { Conversation, Notice } from "../../src/web/client/conversation.ts";
import { type Output, OutputTracker, planChanges, planLines } from "./lines.ts";
import { plain, shorten, widthOf } from "./width.ts";

interface Terminal {
  isTTY?: boolean;
  columns?: number;
  rows?: number;
  write(text: string): unknown;
}

const styles = {
  ...{ "◐": "\u001b[36m", "●": "\u001b[32m", "⊘": "\u001b[2m", $: "\u001b[2m", "›": "\u001b[2m" },
  ...{ "✔": "\u001b[92m", "◍": "\u001b[33m", "✘": "\u001b[31m", "✓": "\u001b[32m", "✗": "\u001b[31m" },
  ...{ "~": "\u001b[33m", "·": "\u001b[2m" },
};
const reset = "\u001b[0m";
const clearDown = "\u001b[0J";

export class Screen {
  readonly #output: Terminal;
  readonly #tracker = new OutputTracker();
  #view: Conversation;
  /** The last line of text while it has no line break yet. */
  #partial = "";
  /** How many rows of the terminal are redrawn. */
  #drawn = 0;

  constructor(output: Terminal, view: Conversation) {
    this.#output = output;
    this.#view = view;
    this.#tracker.skip(view);
  }

  show(view: Conversation): void {
    const before = this.#view;
    this.#view = view;
    const added = this.#tracker.takeNew(view);
    if (!this.#output.isTTY) {
      const changes = planChanges(before, view).map((line) => ({ line }));
      this.#print([...changes, ...added]);
    } else if (added.length > 0 || before.state !== view.state || before.notice !== view.notice) {
      this.#redraw(() => this.#print(added));
    }
  }

  say(line: string): void {
    this.#redraw(() => this.#print([{ line }]));
  }

  /** Leaves the plan as the last thing that was drawn. */
  end(): void {
    this.#redraw(() => this.#print(this.#partial === "" ? [] : [{ text: "\n" }]));
    this.#drawn = 0;
  }

  /** An unfinished last line is stored, because it is redrawn with the plan. */
  #print(added: Output[]): void {
    let out = "";
    for (const piece of added) {
      if ("text" in piece) this.#partial += piece.text;
      else out += `${this.#takeLines(true)}${this.#paint(piece.line)}\n`;
      out += this.#takeLines(false);
    }
    if (out !== "") this.#output.write(out);
  }

  #takeLines(all: boolean): string {
    const end = all ? this.#partial.length : this.#partial.lastIndexOf("\n") + 1;
    const whole = this.#partial.slice(0, end);
    this.#partial = this.#partial.slice(end);
    return whole === "" || whole.endsWith("\n") ? whole : `${whole}\n`;
  }

  #redraw(print: () => void): void {
    if (!this.#output.isTTY) {
      print();
      return;
    }
    if (this.#drawn > 0) this.#output.write(`\u001b[${this.#drawn}A\r${clearDown}`);
    print();
    const lines = this.#below();
    this.#drawn = lines.length;
    if (lines.length > 0) this.#output.write(`${lines.map((line) => this.#paint(line)).join("\n")}\n`);
  }

  /** What is drawn below the text: its unfinished line, and the plan or the part of it around the current task. */
  #below(): string[] {
    const columns = Math.max(20, (this.#output.columns ?? 80) - 1);
    const partial = wrap(this.#partial, columns);
    const max = Math.max(3, (this.#output.rows ?? 24) - 4 - partial.length);
    const plan = window(planLines(this.#view), max);
    const notice = this.#view.notice ? [`· ${plain(sayNotice(this.#view.notice))}`] : [];
    const lines = plan.length > 0 ? ["", ...plan, ...notice] : notice;
    return [...partial, ...lines.map((line) => shorten(line, columns))];
  }

  #paint(line: string): string {
    if (!this.#output.isTTY) return line;
    const style = styles[line.trimStart().charAt(0) as keyof typeof styles];
    return style === undefined ? line : `${style}${line}${reset}`;
  }
}

function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = "";
  let width = 0;
  for (const character of text) {
    const own = widthOf(character);
    if (width + own > columns) {
      lines.push(line);
      line = "";
      width = 0;
    }
    line += character;
    width += own;
  }
  return line === "" ? lines : [...lines, line];
}

function window(lines: string[], max: number): string[] {
  if (lines.length <= max) return lines;
  const due = lines.findIndex((line) => /^ {2}[◐○]/.test(line));
  const start = Math.max(0, Math.min((due < 0 ? lines.length : due) - Math.floor(max / 2), lines.length - max));
  return lines.slice(start, start + max);
}

function sayNotice(notice: Notice): string {
  return notice.kind === "sandbox" ? notice.message : `model: ${notice.model ?? `attempt ${notice.attempt}`}`;
}
