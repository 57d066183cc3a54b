// A run of the loop without a thread: the model is a list of turns, tools are small, and everything the loop emits is
// kept in order. Time stands still: a sleep ends when the test says so, or at once.
import { z } from "zod";
import { MemorySandbox } from "../../examples/memory-sandbox/sandbox.ts";
import type { CheckRunner } from "../../src/agent/checks/runner.ts";
import { estimateMessages, estimateTools } from "../../src/agent/context/tokens.ts";
import type { LoopDelta, LoopFact, LoopOutcome, SteeredMessage } from "../../src/agent/events.ts";
import { runAgent } from "../../src/agent/loop.ts";
import type {
  FinishReason,
  Model,
  ModelDelta,
  ModelFailure,
  ModelOutcome,
  ModelRequest,
} from "../../src/agent/model.ts";
import { editPlan } from "../../src/agent/plan/edits.ts";
import { emptyLedger } from "../../src/agent/plan/ledger.ts";
import { addNotes, noteEdit, type UnseenEdits } from "../../src/agent/plan/unseen-edits.ts";
import { openTasks } from "../../src/agent/plan/view.ts";
import type { LoopInput, LoopPorts } from "../../src/agent/ports.ts";
import type { Sandbox } from "../../src/agent/sandbox.ts";
import { freeSpending, type Spending } from "../../src/agent/spending.ts";
import type { Tool, ToolContext, ToolResult } from "../../src/agent/tool.ts";
import type { PlanOperation } from "../../src/protocol/plan/edit.ts";
import type { Ledger } from "../../src/protocol/plan/ledger.ts";
import type { Plan, TaskStatus } from "../../src/protocol/plan/task.ts";
import type { Usage } from "../../src/protocol/run.ts";
import { newLoopInput } from "./loop-input.ts";
import { memoryCache, memorySources } from "./sources.ts";

export interface TurnCall {
  name: string;
  arguments?: string;
  id?: string;
}

export interface Turn {
  text?: string;
  reasoning?: string;
  calls?: TurnCall[];
  finish?: FinishReason;
  /** Instead of a reply, after what the turn has sent. */
  failure?: Partial<ModelFailure>;
  /** Instead of a reply: waits until the run is cancelled. */
  hangs?: boolean;
  /** What the provider counts for a token of our estimate; null if it sends no count. Without it, `usage`. */
  tokenizer?: number | null;
  /** Called when the turn's request has arrived. */
  before?: (request: ModelRequest) => void;
}

export const usage = { input_tokens: 3, cached_input_tokens: 0, output_tokens: 2, cost_usd: null };

export const says = (text: string, finish: FinishReason = "stop"): Turn => ({ text, finish });
export const callsTools = (...calls: (TurnCall | string)[]): Turn => ({
  calls: calls.map((call) => (typeof call === "string" ? { name: call } : call)),
  finish: "tool_calls",
});
export const fails = (failure: Partial<ModelFailure> = {}, text?: string): Turn => ({ failure, text });

/** A tool of any kind; by default it works, accepts anything and returns its own name. */
export function makeTool(name: string, overrides: Partial<Tool> = {}): Tool {
  return {
    name,
    description: `does ${name}`,
    schema: z.looseObject({}),
    kind: "work",
    read_only: false,
    recovery: "report",
    time_limit_ms: 60_000,
    execute: async () => ({ content: `${name} done`, is_error: false }),
    ...overrides,
  };
}

export function makePlan(...statuses: TaskStatus[]): Plan {
  return {
    version: statuses.length > 0 ? 1 : 0,
    sections: statuses.length > 0 ? [{ id: "sec_1", title: "Section" }] : [],
    tasks: statuses.map((status, at) => ({
      id: `task_${at + 1}`,
      content: `Task ${at + 1}`,
      status,
      section_id: "sec_1",
    })),
  };
}

/** Sets the first open task to completed, as a plan tool would. */
function completeTask(plan: Plan): Plan {
  const due = plan.tasks.find((task) => task.status === "in_progress" || task.status === "pending");
  const tasks = plan.tasks.map((task) => (task === due ? { ...task, status: "completed" as const } : task));
  return { ...plan, version: plan.version + 1, tasks };
}

export const planTool = makeTool("update_tasks", {
  kind: "plan",
  execute: async (_input: unknown, context: ToolContext): Promise<ToolResult> => {
    const plan = completeTask(context.plan);
    return { content: JSON.stringify({ version: plan.version }), is_error: false, plan };
  },
});

export const askTool = makeTool("ask", {
  kind: "control",
  recovery: "repeat",
  execute: async () => ({
    content: "",
    is_error: false,
    interrupt: { reason: "question", message: "Which?", response_schema: { type: "string" } },
  }),
});

export const completeTool = makeTool("complete", {
  kind: "control",
  recovery: "repeat",
  execute: async () => ({ content: "The run ends here.", is_error: false, complete: "All done." }),
});

/** How a run that completes ends. */
export const completed = (text: string, unfinished_tasks = 0, pending_tool_call_ids: string[] = []) => ({
  status: "completed",
  text,
  unfinished_tasks,
  pending_tool_call_ids,
});

export class ScriptedRun {
  readonly requests: ModelRequest[] = [];
  /** Deltas and facts in order. */
  readonly log: (LoopDelta | LoopFact)[] = [];
  readonly slept: number[] = [];
  readonly bugs: unknown[] = [];
  readonly cancel = new AbortController();
  readonly sandbox = new MemorySandbox();
  /** Runs the checks of tasks; null as where no sandbox can. */
  checks: CheckRunner | null = null;
  /** Used instead of the one in memory. */
  realSandbox: Sandbox | null = null;
  /** What `takeSteered` returns, in turn. */
  steered: SteeredMessage[][] = [];
  /** Called with each fact before it is stored; may throw. */
  onFact: (fact: LoopFact) => void = () => {};
  spending: Spending = freeSpending;
  /** How the model is wrapped. */
  dialect = (native: Model): Model => native;
  /** Whether a time limit strikes at once; back-off always ends at once. */
  impatient = false;
  /** The recorded work of the tasks, which the loop only reads. */
  ledger: Ledger = {};
  #plan = makePlan();
  #news: UnseenEdits | null = null;
  readonly #turns: Turn[] | ((request: ModelRequest) => Turn);
  readonly #tools: Tool[];
  #messages = 0;

  /** Turns in their order, or a function that chooses each from its request. */
  constructor(turns: Turn[] | ((request: ModelRequest) => Turn), tools: Tool[] = []) {
    this.#turns = turns;
    this.#tools = tools;
  }

  get facts(): LoopFact[] {
    return this.log.filter(isFact);
  }

  get deltas(): LoopDelta[] {
    return this.log.filter((entry): entry is LoopDelta => !isFact(entry));
  }

  /** Results by call id. */
  get results(): Map<string, { content: string; is_error: boolean }> {
    return new Map(
      this.facts.flatMap((fact) =>
        fact.type === "tool_finished"
          ? [[fact.message.tool_call_id, { content: fact.message.content, is_error: fact.is_error }] as const]
          : [],
      ),
    );
  }

  /** A person changes the plan. */
  edit(operations: PlanOperation[]): void {
    const before = this.#plan;
    const edited = editPlan(before, operations);
    if (!edited.ok) throw new Error(edited.message);
    this.#plan = edited.plan;
    if (edited.plan !== before) this.#news = addNotes(this.#news, noteEdit(before, edited.plan), edited.plan.version);
  }

  get plan(): Plan {
    return this.#plan;
  }

  /** The end of a model request: its last message, and the reminder. */
  lastWords(at: number): string {
    const { messages = [], reminder } = this.requests[at] ?? {};
    return `${String(messages.at(-1)?.content)}${reminder ? `\n\n${reminder}` : ""}`;
  }

  run({ plan, ...input }: Partial<LoopInput> & { plan?: Plan } = {}): Promise<LoopOutcome> {
    if (plan) this.#plan = plan;
    return runAgent(newLoopInput({ is_former_plan: openTasks(this.#plan).length === 0, ...input }), this.#ports());
  }

  #ports(): LoopPorts {
    return {
      model: this.dialect({ stream: (request, onDelta, signal) => this.#stream(request, onDelta, signal) }),
      spending: this.spending,
      tools: this.#tools,
      sandbox: this.realSandbox ?? this.sandbox,
      ...(this.checks === null ? {} : { checks: this.checks }),
      onDelta: (delta) => void this.log.push(delta),
      emit: async (fact) => {
        this.onFact(fact);
        await Promise.resolve();
        if ("plan" in fact && fact.plan) this.#plan = fact.plan;
        if (fact.type === "assistant_message" && this.#news && fact.seen_edits === this.#news.version)
          this.#news = null;
        if (fact.type === "tool_finished") this.#noteChallenged(fact.details.challenged as string[] | undefined);
        this.log.push(fact);
      },
      readPlan: () => this.#plan,
      readUnseenEdits: () => this.#news,
      readLedger: () => this.ledger,
      readResult: () => null,
      sources: memorySources(),
      cache: memoryCache(),
      takeUse: async () => null,
      takeSteered: async () => this.steered.shift() ?? [],
      newMessageId: () => `msg_${++this.#messages}`,
      now: () => 0,
      sleep: (ms, signal) => this.#sleep(ms, signal),
      signal: this.cancel.signal,
      onBug: (_where, error) => void this.bugs.push(error),
    };
  }

  /** As the ledger reads it from the row. */
  #noteChallenged(task_ids: string[] = []): void {
    for (const id of task_ids) this.ledger[id] = { ...(this.ledger[id] ?? emptyLedger()), challenged: true };
  }

  /** A time limit comes with a signal of its own, a back-off with the run's. */
  #sleep(ms: number, signal: AbortSignal): Promise<void> {
    const isLimit = signal !== this.cancel.signal;
    if (!isLimit) this.slept.push(ms);
    if (!isLimit || this.impatient || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  }

  async #stream(
    request: ModelRequest,
    onDelta: (delta: ModelDelta) => void,
    signal: AbortSignal,
  ): Promise<ModelOutcome> {
    this.requests.push(request);
    const turn = Array.isArray(this.#turns) ? this.#turns.shift() : this.#turns(request);
    if (!turn) throw new Error("the script has no more turns");
    turn.before?.(request);
    const { text = "", reasoning = "", calls = [], finish = "stop" } = turn;
    if (reasoning) onDelta({ type: "reasoning", text: reasoning });
    if (text) onDelta({ type: "text", text });
    const tool_calls = calls.map((call, index) => {
      const written = call.arguments ?? "{}";
      const id = call.id ?? `call_${this.requests.length}_${index}`;
      onDelta({ type: "tool_call", index, id, name: call.name });
      if (written) onDelta({ type: "tool_arguments", index, text: written });
      return { id, type: "function" as const, function: { name: call.name, arguments: written } };
    });
    const reply = { text, reasoning, tool_calls, finish, usage: countUsage(turn, request) };
    if (turn.hangs && !signal.aborted) {
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    }
    if (turn.hangs || signal.aborted) return { kind: "aborted", reply: { ...reply, usage: null } };
    if (!turn.failure) return { kind: "reply", reply };
    const failure = { code: "model_error" as const, message: "It broke.", retryable: true, retry_after_ms: null };
    return { kind: "failure", failure: { ...failure, ...turn.failure } };
  }
}

function countUsage({ tokenizer }: Turn, request: ModelRequest): Usage | null {
  if (tokenizer === undefined) return usage;
  return tokenizer === null ? null : { ...usage, input_tokens: Math.ceil(sizeOf(request) * tokenizer) };
}

/** A whole request by our estimate. */
export function sizeOf({ messages, tools, reminder }: ModelRequest): number {
  const last = reminder ? [{ role: "user" as const, content: reminder }] : [];
  return estimateMessages([...messages, ...last]) + estimateTools(tools);
}

function isFact(entry: LoopDelta | LoopFact): entry is LoopFact {
  return ["assistant_message", "tool_started", "tool_finished", "context_compacted", "checks_settled"].includes(
    entry.type,
  );
}
