import { describe, expect, it } from "vitest";
import type { ThreadEvent } from "../../src/protocol/event.ts";
import type { Check } from "../../src/protocol/plan/check.ts";
import type { TaskState, TaskStatus } from "../../src/protocol/plan/task.ts";
import { advance, emptyConversation } from "../../src/web/client/conversation.ts";
import { Screen } from "./screen.ts";
import { widthOf } from "./width.ts";

/** As much of a terminal as the screen uses: rows that scroll, cursor movement upwards, clearing below the cursor. */
class Terminal {
  readonly isTTY: boolean;
  readonly columns = 30;
  readonly rows = 12;
  lines: string[] = [""];
  #row = 0;

  constructor(isTTY: boolean) {
    this.isTTY = isTTY;
  }

  write(text: string): void {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape sequences of a terminal
    for (const [piece] of text.matchAll(/\u001b\[\d*[A-Za-z]|[\s\S]/gu)) this.#take(piece);
  }

  get text(): string {
    return this.lines.join("\n").trimEnd();
  }

  #take(piece: string): void {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape sequences of a terminal
    const [, amount, order] = /^\u001b\[(\d*)([A-Z])$/i.exec(piece) ?? [];
    if (order === "A") this.#row -= Number(amount);
    else if (order === "J") this.lines = [...this.lines.slice(0, this.#row), ""];
    else if (piece === "\n") this.#enterRow();
    else if (order === undefined && piece !== "\r") this.#put(piece);
  }

  #enterRow(): void {
    this.#row += 1;
    if (this.#row === this.lines.length) this.lines.push("");
  }

  #put(character: string): void {
    if (widthOf((this.lines[this.#row] ?? "") + character) > this.columns) this.#enterRow();
    this.lines[this.#row] = (this.lines[this.#row] ?? "") + character;
  }
}

function play(terminal: Terminal, events: ThreadEvent[]): void {
  let view = emptyConversation;
  const screen = new Screen(terminal, view);
  for (const event of events) {
    view = advance(view, event);
    screen.show(view);
  }
  screen.end();
}

function plan(...statuses: TaskStatus[]): ThreadEvent {
  const tasks = statuses.map((status, index) => ({ id: `t${index}`, content: `任务 ${index}`, status }));
  const sections = [{ id: "s", title: "开发阶段", tasks }];
  return {
    type: "STATE_SNAPSHOT",
    snapshot: { plan: { version: 1, sections }, sandbox: { state: "none", previews: [] } },
  };
}

function say(id: string, ...deltas: string[]): ThreadEvent[] {
  return [
    { type: "TEXT_MESSAGE_START", messageId: id, role: "assistant" },
    ...deltas.map((delta) => ({ type: "TEXT_MESSAGE_CONTENT" as const, messageId: id, delta })),
    { type: "TEXT_MESSAGE_END", messageId: id },
  ];
}

function call(id: string, command: string, result: string): ThreadEvent[] {
  return [
    { type: "TOOL_CALL_START", toolCallId: id, toolCallName: "execute_command" },
    { type: "TOOL_CALL_ARGS", toolCallId: id, delta: JSON.stringify({ command }) },
    { type: "TOOL_CALL_END", toolCallId: id },
    { type: "TOOL_CALL_RESULT", messageId: `${id}m`, toolCallId: id, content: result, role: "tool" },
  ];
}

const story = [
  plan("pending", "pending"),
  ...say("m1", "First, a long line that does", " not fit on one row of the terminal", ".\nThen more"),
  plan("in_progress", "pending"),
  ...call("c1", "ls", "exit 0"),
  plan("completed", "in_progress"),
  ...say("m2", "电商", "网站"),
  plan("completed", "completed"),
];

describe("the screen", () => {
  it("draws the plan once, in place, below the text", () => {
    const terminal = new Terminal(true);
    play(terminal, story);
    expect(terminal.text).toBe(
      [
        "First, a long line that does n",
        "ot fit on one row of the termi",
        "nal.",
        "Then more",
        "$ ls",
        "  exit 0",
        "电商网站",
        "",
        "开发阶段",
        "  ● 任务 0",
        "  ● 任务 1",
      ].join("\n"),
    );
  });

  it("prints every line once where it can't draw in place", () => {
    const terminal = new Terminal(false);
    play(terminal, story);
    const lines = terminal.lines.join("\n");
    expect(lines.match(/开发阶段/g)).toHaveLength(1);
    expect(lines.match(/● 任务 0/g)).toHaveLength(1);
    expect(lines.match(/◐ 任务 1/g)).toHaveLength(1);
    expect(lines.match(/电商网站/g)).toHaveLength(1);
  });

  it("shows of a result from the web its words, without the server's own tags", () => {
    const terminal = new Terminal(false);
    const fenced = '<web_content source="[1] tea.example">\nThe history of tea\nhttps://tea.example\n</web_content>';
    play(terminal, call("c1", "look", fenced));
    expect(terminal.lines.join("\n")).toContain("$ look\n  The history of tea\n  https://tea.example\n");
    expect(terminal.lines.join("\n")).not.toContain("web_content");
  });

  it("tells verified and self-checked tasks apart by word, mark and colour, and shows the checks of open ones", () => {
    const check = (author: "person" | "model"): Check => ({ id: author, author, spec: { type: "file", path: "a" } });
    const passed = { receipt_id: "r", outcome: "passed" as const, at: "", reason: "", tree: null };
    const task = (id: string, more: Partial<TaskState>): TaskState => ({
      id,
      content: id,
      status: "completed",
      ...more,
    });
    const tasks = [
      task("one", { verification: "verified", checks: [{ ...check("person"), result: passed }] }),
      task("two", { verification: "self_checked", checks: [{ ...check("model"), result: passed }], weakened: true }),
      task("three", {
        verification: "not_run",
        status: "pending",
        checks: [{ ...check("model"), result: passed }, check("person")],
      }),
    ];
    const state = {
      plan: { version: 1, sections: [{ id: "s", title: "S", tasks }] },
      sandbox: { state: "none", previews: [] },
    };
    let written = "";
    const output = {
      ...{ isTTY: true, columns: 80, rows: 30 },
      write: (text: string) => {
        written += text;
      },
    };
    const event: ThreadEvent = { type: "STATE_SNAPSHOT", snapshot: state };
    new Screen(output, emptyConversation).show(advance(emptyConversation, event));
    expect(written).toContain("\u001b[92m  ✔ one (verified)");
    expect(written).toContain("\u001b[33m  ◍ two (self-checked, checks weakened)");
    expect(written).toContain("  ○ three\n\u001b[32m      ✓ a exists\u001b[0m\n\u001b[2m      · a exists");
  });

  it("shows the part of a long plan around the current task", () => {
    const terminal = new Terminal(true);
    const statuses = Array.from({ length: 40 }, (_, index): TaskStatus => (index < 20 ? "completed" : "pending"));
    play(terminal, [plan(...statuses.with(20, "in_progress"))]);
    expect(terminal.text).toContain("◐ 任务 20");
    expect(terminal.lines.length).toBeLessThanOrEqual(terminal.rows);
  });

  it("removes a model's escape sequences", () => {
    const written: string[] = [];
    play(Object.assign(new Terminal(false), { write: (text: string) => void written.push(text) }), [
      ...say("m", "a\u001b[2Jb\u001b]0;title\u0007c\r\u0008d\n"),
      ...call("c", "x\u001b[1A\ny", "\u001b[31mred\u009b5A"),
    ]);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not be there
    expect(written.join("")).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
    expect(written.join("")).toContain("$ x y");
  });
});
