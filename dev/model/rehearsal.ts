// For tests: plays a conversation to its end against given tools. The plan follows the server's rules (one task in
// progress, in order, started by the first other call), and a reminder ends the last message.
import type { Content } from "./content.ts";
import { decide } from "./decide.ts";
import { dueTask, type Plan } from "./plan.ts";
import { call, type ReplyCall } from "./reply.ts";
import { readRequest } from "./wire.ts";

export type ToolTable = Record<string, (input: Record<string, unknown>) => string | Promise<string>>;

interface WireCall {
  id: string;
  type: "function";
  function: { name: string; arguments: string };
}

export interface WireMessage {
  role: string;
  content: string | null;
  tool_calls?: WireCall[];
  tool_call_id?: string;
}

export interface Rehearsed {
  messages: WireMessage[];
  steps: number;
  ended: "complete" | "text" | "ask" | "too long";
  /** The last words: the summary, the text or the question. */
  text: string;
}

interface PlannedSection {
  title: string;
  tasks: string[];
  checks?: { task: number; run?: string; contains: string }[];
}

export class PlanBook {
  plan: Plan = { sections: [] };
  /** Every status of a task, by its text. */
  readonly history = new Map<string, string[]>();
  /** Commands of checks, by task. Other checks pass here. */
  readonly #checks = new Map<string, { run: string; contains: string }>();
  #count = 0;

  tools(): ToolTable {
    return {
      create_tasks: (input) => this.#create(input.sections as PlannedSection[]),
      view_tasks: () => this.#view(),
      update_tasks: (input) => this.#update(input.task_ids as string[], String(input.status)),
    };
  }

  startDue(): void {
    const due = dueTask(this.plan);
    if (due) this.#set(due.id, "in_progress");
  }

  statuses(): string[] {
    return this.plan.sections.flatMap((section) => section.tasks.map((task) => task.status));
  }

  /** Null if all that is checked about the tasks holds; else what the server says. */
  async seeChecks({ task_ids, status }: Record<string, unknown>, tools: ToolTable): Promise<string | null> {
    if (status !== "completed" || !Array.isArray(task_ids) || tools.execute_command === undefined) return null;
    for (const id of task_ids) {
      const check = this.#checks.get(String(id));
      if (check === undefined) continue;
      const output = await tools.execute_command({ command: check.run });
      if (output.includes(check.contains)) continue;
      const lines = output.split("\n").map((line) => `  | ${line}`);
      return [`Not completed: the server ran the checks of ${String(id)}, and not all passed.`, ...lines].join("\n");
    }
    return null;
  }

  #create(sections: PlannedSection[]): string {
    const before = this.#count;
    for (const { title, tasks, checks = [] } of sections) {
      for (const { task, run, contains } of checks)
        if (run !== undefined) this.#checks.set(`task_${this.#count + task}`, { run, contains });
      const made = tasks.map((content) => ({ id: `task_${++this.#count}`, content, status: "pending" }));
      for (const task of made) this.history.set(task.content, ["pending"]);
      this.plan.sections.push({ title, tasks: made });
    }
    return this.#counts({ new_tasks: `task_${before + 1} to task_${this.#count}` });
  }

  #update(ids: string[], status: string): string {
    for (const id of ids) {
      if (status !== "cancelled" && id !== dueTask(this.plan)?.id) {
        return `Error: the task that is due is ${dueTask(this.plan)?.id}`;
      }
      this.#set(id, status);
    }
    return this.#counts();
  }

  #set(id: string, status: string): void {
    const task = this.plan.sections.flatMap((section) => section.tasks).find((each) => each.id === id);
    if (!task || task.status === status) return;
    task.status = status;
    this.history.get(task.content)?.push(status);
  }

  #counts(more: object = {}): string {
    const due = dueTask(this.plan);
    const statuses = this.statuses();
    return JSON.stringify({
      version: 1,
      total_tasks: statuses.length,
      completed_tasks: statuses.filter((status) => status === "completed").length,
      next_task: due && { id: due.id, content: due.content },
      ...more,
    });
  }

  #view(): string {
    return JSON.stringify({ ...JSON.parse(this.#counts()), ...this.plan });
  }
}

export interface Rehearsal {
  content: Content;
  messages: WireMessage[];
  book: PlanBook;
  tools: ToolTable;
  max_steps?: number;
  /** Replaces the list of messages that is sent. */
  shorten?: (played: WireMessage[]) => WireMessage[];
}

function remind(messages: WireMessage[], book: PlanBook): WireMessage[] {
  const due = dueTask(book.plan);
  const last = messages.at(-1);
  if (book.plan.sections.length === 0 || !last) return messages;
  const text = due ? `Due now: ${due.id} ${JSON.stringify(due.content)}` : "No task is due; task_1 was the first.";
  const reminder = `<plan_reminder>\n${text}\n</plan_reminder>`;
  if (last.role === "assistant") return [...messages, { role: "user", content: reminder }];
  return [...messages.slice(0, -1), { ...last, content: `${last.content}\n\n${reminder}` }];
}

export async function rehearse({
  content,
  messages,
  book,
  tools,
  max_steps = 90,
  shorten,
}: Rehearsal): Promise<Rehearsed> {
  const table: ToolTable = { ...book.tools(), ask: () => "", complete: () => "", ...tools };
  const offered = Object.keys(table).map((name) => ({ type: "function", function: { name, parameters: {} } }));
  const played = [{ role: "system", content: "You are an agent." }, ...messages];
  for (let step = 1; step <= max_steps; step++) {
    const shown = shorten?.(played) ?? played;
    const reply = decide(readRequest({ model: "any", messages: remind(shown, book), tools: offered }), content);
    const text = typeof reply.text === "string" ? reply.text : [...(reply.text ?? [])].join("");
    const calls = reply.calls ?? [];
    const place = played.length;
    played.push(toWire(text, calls, place));
    if (calls.length === 0) return { messages: played.slice(1), steps: step, ended: "text", text };
    for (const [index, made] of calls.entries()) {
      const input = JSON.parse(made.arguments) as Record<string, unknown>;
      if (made.name === "ask" && !tools.ask) {
        return { messages: played.slice(1), steps: step, ended: "ask", text: String(input.question) };
      }
      const result = await runTool(table, book, call(made.name, input));
      played.push({ role: "tool", content: result, tool_call_id: `call_${place}_${index}` });
      if (made.name === "complete" && !/^error/i.test(result)) {
        return { messages: played.slice(1), steps: step, ended: "complete", text: String(input.summary) };
      }
    }
  }
  return { messages: played.slice(1), steps: max_steps, ended: "too long", text: "" };
}

async function runTool(table: ToolTable, book: PlanBook, use: ReturnType<typeof call>): Promise<string> {
  if (!/_tasks$|^ask$|^complete$/.test(use.name)) book.startDue();
  const refusal = use.name === "update_tasks" ? await book.seeChecks(use.arguments, table) : null;
  if (refusal !== null) return refusal;
  return (await table[use.name]?.(use.arguments)) ?? `Error: unknown tool ${use.name}`;
}

function toWire(text: string, calls: ReplyCall[], place: number): WireMessage {
  if (calls.length === 0) return { role: "assistant", content: text };
  const tool_calls = calls.map((made, index) => ({
    id: `call_${place}_${index}`,
    type: "function" as const,
    function: { name: made.name, arguments: made.arguments },
  }));
  return { role: "assistant", content: text || null, tool_calls };
}

/** A sandbox that consists of canned results. The server's first look at the shop finds a fault. */
export function pretend(version = "v20.20.2"): ToolTable {
  let isMended = false;
  return {
    execute_command: ({ command }) => {
      const text = String(command);
      if (text.includes("[ -e check.js ]") && !isMended) {
        isMended = true;
        return "exit code: 1\nFAIL shipping is free from the promised sum on\n15 passed, 1 failed";
      }
      if (text.includes("--version")) return `exit code: 0\n${version}`;
      if (text.includes("check.")) return "exit code: 0\nok   all\n16 passed, 0 failed";
      if (text.includes("measure"))
        return "exit code: 0\n/api/products: median 0.42 ms, slowest 3 ms\ncache: public, max-age=300";
      if (text.includes("free port")) return "exit code: 0\nfree port 3000";
      if (text.includes("api/products")) return "exit code: 0\nstatus 200, 8 products";
      if (text.includes("wc -")) return "exit code: 0\n  80 notes.md\n  70 analysis.md\n 321 report.md\n 471 total";
      return "exit code: 0\n";
    },
    create_file: ({ path }) => `Wrote ${String(path)} (120 bytes).`,
    read_file: () => "# text",
    edit_file: () => "edited",
    list_files: () => "shop/",
    expose_port: ({ port }) => JSON.stringify({ url: `http://${String(port)}-abc.localhost:8080/` }),
  };
}

export function say(...texts: string[]): WireMessage[] {
  return texts.map((text, index) => ({ role: index % 2 === 0 ? "user" : "assistant", content: text }));
}

export function callsOf(played: Rehearsed, name: string): Record<string, unknown>[] {
  return played.messages
    .flatMap((message) => message.tool_calls ?? [])
    .filter((call) => call.function.name === name)
    .map((call) => JSON.parse(call.function.arguments) as Record<string, unknown>);
}
