// A run of hundreds of steps without a thread: a model that works until it has made a given number of calls, counts
// tokens in its own way, and refuses a request over its limit; and storage that is a list of rows, so that a run can be
// resumed from them like in a next life.

import { MemorySandbox } from "../../examples/memory-sandbox/sandbox.ts";
import type { Summary } from "../../src/agent/context/summary.ts";
import { summaryPrompt } from "../../src/agent/context/summary-writer.ts";
import { estimateMessages, estimateTools } from "../../src/agent/context/tokens.ts";
import type { LoopFact, LoopOutcome } from "../../src/agent/events.ts";
import { runAgent } from "../../src/agent/loop.ts";
import type { ModelOutcome, ModelRequest } from "../../src/agent/model.ts";
import type { LoopInput } from "../../src/agent/ports.ts";
import { freeSpending, type Spending } from "../../src/agent/spending.ts";
import type { Tool } from "../../src/agent/tool.ts";
import type { ChatMessage } from "../../src/protocol/message.ts";
import type { Plan } from "../../src/protocol/plan/task.ts";
import { newLoopInput } from "./loop-input.ts";
import { memoryCache, memorySources } from "./sources.ts";

export interface LongRunOptions {
  context_tokens: number;
  /** Its own count of a text that ours counts as one. */
  tokenizer?: number;
  /** Its real context size, where that is smaller than we believe. */
  reads?: number;
  /** Whether it reports how many tokens a request had. */
  reports?: boolean;
  plan: Plan;
  tools: Tool[];
  history: ChatMessage[];
  /** The n-th assistant message, from 0. */
  answer: (
    step: number,
    request: ModelRequest,
  ) => { text?: string; calls?: { name: string; arguments: string; id: string }[] };
  summarise?: (request: ModelRequest) => ModelOutcome;
}

export class LongRun {
  readonly requests: ModelRequest[] = [];
  readonly summaryRequests: ModelRequest[] = [];
  readonly refused: ModelRequest[] = [];
  readonly facts: LoopFact[] = [];
  readonly cancel = new AbortController();
  /** LLM rows of the whole thread, and where the context begins among them. */
  readonly rows: ChatMessage[];
  from = 0;
  summary: Summary | null = null;
  steps = 0;
  scale = 1;
  spending: Spending = freeSpending;
  /** Called before a fact is stored; may throw, like a life that ends. */
  onFact: (fact: LoopFact) => void = () => {};
  #plan: Plan;
  #messages = 0;
  readonly #options: LongRunOptions;

  constructor(options: LongRunOptions) {
    this.#options = options;
    this.rows = [...options.history];
    this.#plan = options.plan;
  }

  /** Our count of a whole request. */
  static size({ messages, tools }: ModelRequest): number {
    return estimateMessages(messages) + estimateTools(tools);
  }

  run(input: Partial<LoopInput> = {}): Promise<LoopOutcome> {
    const { context_tokens, tools } = this.#options;
    return runAgent(
      newLoopInput({
        max_steps: 2000,
        steps: this.steps,
        history: this.rows.slice(this.from),
        summary: this.summary,
        context_tokens,
        token_scale: this.scale,
        is_former_plan: true,
        ...input,
      }),
      {
        model: { stream: async (request, _onDelta, signal) => this.#answer(request, signal) },
        spending: this.spending,
        tools,
        sandbox: new MemorySandbox(),
        readPlan: () => this.#plan,
        readUnseenEdits: () => null,
        readLedger: () => ({}),
        readResult: () => null,
        sources: memorySources(),
        cache: memoryCache(),
        takeUse: async () => null,
        onDelta: () => {},
        emit: async (fact) => this.#store(fact),
        takeSteered: async () => [],
        newMessageId: () => `msg_${++this.#messages}`,
        now: () => 0,
        sleep: (_ms, signal) =>
          signal === this.cancel.signal
            ? Promise.resolve()
            : new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true })),
        signal: this.cancel.signal,
      },
    );
  }

  #store(fact: LoopFact): void {
    this.onFact(fact);
    this.facts.push(fact);
    if ("plan" in fact && fact.plan) this.#plan = fact.plan;
    if (fact.type === "assistant_message") {
      this.steps += 1;
      this.scale = fact.token_scale;
    }
    if (fact.type === "assistant_message" || fact.type === "tool_finished") this.rows.push(fact.message);
    if (fact.type !== "context_compacted") return;
    this.summary = JSON.parse(JSON.stringify(fact.summary)) as Summary;
    this.from += fact.replaced;
  }

  #answer(request: ModelRequest, signal: AbortSignal): ModelOutcome {
    const { tokenizer = 1, reads = Number.POSITIVE_INFINITY, reports = true } = this.#options;
    const tokens = Math.ceil(LongRun.size(request) * tokenizer);
    const usage = reports ? { input_tokens: tokens, cached_input_tokens: 0, output_tokens: 1, cost_usd: null } : null;
    const reply = { text: "", reasoning: "", tool_calls: [], finish: "stop" as const, usage };
    if (signal.aborted) return { kind: "aborted", reply: { ...reply, usage: null } };
    if (tokens > reads) {
      this.refused.push(request);
      const failure = { code: "model_error" as const, message: "Too long.", retryable: false, retry_after_ms: null };
      return { kind: "failure", failure: { ...failure, too_long: true } };
    }
    if (request.messages[0]?.content === summaryPrompt) {
      this.summaryRequests.push(request);
      const text = `# Goal and constraints\nIt goes on (${this.summaryRequests.length}).`;
      return this.#options.summarise?.(request) ?? { kind: "reply", reply: { ...reply, text } };
    }
    this.requests.push(request);
    const { text = "", calls = [] } = this.#options.answer(this.steps, request);
    const tool_calls = calls.map(({ name, arguments: written, id }) => ({
      id,
      type: "function" as const,
      function: { name, arguments: written },
    }));
    return { kind: "reply", reply: { ...reply, text, tool_calls, finish: calls.length > 0 ? "tool_calls" : "stop" } };
  }
}
