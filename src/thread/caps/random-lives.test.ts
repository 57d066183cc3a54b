// Whole threads by chance: models that count and cost otherwise, summaries, tools that ask a model, retries, messages at
// any moment, cancels and lives that end. At every moment a row covers what the servers have counted of its run.

import { beforeEach, expect, it, vi } from "vitest";
import { z } from "zod";
import { createRandom, type Random } from "../../../test/chaos/aims.ts";
import { call, type Reply, reply, say } from "../../../test/fakes/replies.ts";
import { FakeClock, settle } from "../../../test/fakes/stream.ts";
import { FakeThread } from "../../../test/fakes/thread.ts";
import { runCount } from "../../../test/setup/run-count.ts";
import { estimateMessage, estimateMessages, estimateTools } from "../../agent/context/tokens.ts";
import type { ModelFailure, ModelRequest } from "../../agent/model.ts";
import { defineTool, type Tool } from "../../agent/tool.ts";
import { type Price, worstCost } from "../../protocol/money/price.ts";
import { isTerminal } from "../../protocol/run.ts";
import { type RunRecord, readRun } from "../rows/runs.ts";
import { cancelRun } from "../run/control.ts";
import { ensureRunning } from "../run/run.ts";
import { reservedOf, settledOf, usedOf } from "../usage/account.ts";
import { add } from "../usage/amounts.ts";
import { accountOf } from "../usage/record.ts";

/** `share`: what its server counts for a token of our estimate. */
const models: Record<string, { price: Price; share: number }> = {
  "test-model": { price: { input: 2, output: 8 }, share: 1.3 },
  cheap: { price: { input: 0.5, output: 1 }, share: 0.7 },
  dear: { price: { input: 10, output: 50 }, share: 1.05 },
  searcher: { price: { input: 3, output: 12 }, share: 1 },
};
const SMALL_WINDOW = 9_000;
const CALM_AFTER = 500;
const MAX_TURNS = 1_500;

const failed: ModelFailure = { code: "model_error", message: "no", retryable: true, retry_after_ms: null };

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  vi.spyOn(console, "warn").mockImplementation(() => {});
});

class World {
  readonly problems: string[] = [];
  readonly ids: string[] = [];
  readonly #random: Random;
  readonly #clock = new FakeClock();
  readonly #counted = new Map<string, { tokens: number; cost: number }>();
  readonly #thread: FakeThread;
  #deaths: number;
  #calls = 0;

  constructor(seed: number) {
    this.#random = createRandom(seed);
    this.#deaths = 0.04 * this.#random();
    const on_cap = this.#random() < 0.5 ? ("ask" as const) : ("end" as const);
    this.#thread = new FakeThread({
      clock: this.#clock,
      tools: [this.#searches()],
      defaultReply: (...request) => this.#answer(...request),
      ...(this.#random() < 0.5 ? { context_tokens: SMALL_WINDOW } : {}),
      agent: { fallback_models: ["cheap", "dear"], on_cap },
      dies: () => this.#random() < this.#deaths,
    });
    this.#thread.prices = Object.fromEntries(Object.entries(models).map(([name, { price }]) => [name, price]));
  }

  async play(): Promise<void> {
    for (let turn = 0; turn < MAX_TURNS; turn++) {
      if (turn === CALM_AFTER) this.#deaths = 0;
      if (!this.#thread.isAlive) this.#crash();
      try {
        ensureRunning(this.#thread.life);
        if (turn < CALM_AFTER) await this.#act();
      } catch {
        // The life ended within this turn.
      }
      if (!this.#thread.isAlive) this.#crash();
      for (const id of this.#counted.keys()) this.#check(id);
      await settle();
      this.#clock.advance(50);
      if (turn > CALM_AFTER && this.#thread.life.live.size === 0) break;
    }
    for (const id of this.ids) this.#checkEnded(id);
  }

  /** A person says something, answers, or cancels. */
  async #act(): Promise<void> {
    const dice = this.#random();
    const { newestStarted, active } = this.#thread.life;
    const [asked] = newestStarted?.run.interrupts ?? [];
    const invocation_id = `inv_${this.ids.length}`;
    if (dice < 0.03) {
      this.ids.push(invocation_id);
      const cap = this.#random() < 0.5 ? { max_cost_usd: 0.05 + this.#random() } : { max_total_tokens: 90_000 };
      const on_busy = this.#random() < 0.5 ? ("enqueue" as const) : ("replace" as const);
      await this.#thread.accept("do it ".repeat(50), { invocation_id, on_busy, caps: [{ scope: "run", ...cap }] });
    } else if (dice < 0.06 && newestStarted?.run.status === "interrupted" && asked !== undefined) {
      this.ids.push(invocation_id);
      const resume = [{ interrupt_id: asked.id, status: "resolved" as const, payload: { approved: true } }];
      await this.#thread.accept("", { invocation_id, messages: [], resume });
    } else if (dice < 0.07 && active !== null) {
      cancelRun(this.#thread.life, active.record.run.invocation_id).catch(() => {});
    }
  }

  #crash(): void {
    const deaths = this.#deaths;
    this.#deaths = 0;
    this.#thread.crash();
    this.#deaths = deaths;
  }

  #searches(): Tool {
    return defineTool({
      ...{ name: "search", description: "Searches.", kind: "work", read_only: true, recovery: "repeat" },
      time_limit_ms: 60_000,
      schema: z.looseObject({}),
      execute: async (_input, { spending, signal }) => {
        const { life } = this.#thread;
        const id = this.#active;
        const size = { model: "searcher", input_tokens: 12_000, output_tokens: 3_000 };
        const allowance = await spending.reserve(size, signal);
        if (allowance.kind !== "granted") return { content: "over budget", is_error: true, details: {} };
        // Nothing of a life that has ended reaches a server.
        if (this.#thread.life !== life || !this.#thread.isAlive) return new Promise<never>(() => {});
        const output = Math.floor(this.#random() * (allowance.max_output_tokens ?? size.output_tokens));
        const usage = this.#count(id, "searcher", Math.ceil(this.#random() * size.input_tokens), output);
        await settle();
        spending.settle(allowance.call_id, this.#random() < 0.8 ? usage : null);
        return { content: "found 数据 ".repeat(300 * this.#random()), is_error: false, details: {} };
      },
    });
  }

  readonly #answer: Reply = async (request, onDelta, signal) => {
    const { model, tools, options } = request;
    const id = this.#active;
    const limit = options?.max_output_tokens;
    if (limit === undefined) this.problems.push(`${id}: no limit was sent`);
    const input = Math.ceil(sizeOf(request) * (models[model]?.share ?? 1));
    this.#check(id, { tokens: input + (limit ?? 0), cost: worstCost(priceOf(model), input, limit ?? 0) });
    const dice = this.#random();
    if (dice < 0.1) return { kind: "failure", failure: { ...failed, is_free: true, retryable: dice < 0.07 } };
    const usage = this.#count(id, model, input, Math.min(limit ?? 0, Math.ceil(this.#random() * 3_000)));
    if (this.#random() < this.#deaths) {
      this.#crash();
      return new Promise(() => {});
    }
    await settle();
    if (signal.aborted || dice < 0.18) return { kind: "failure", failure: failed };
    const isLast = tools.length === 0 || this.#random() < 0.2;
    const next = Array.from({ length: isLast ? 0 : 1 + Math.floor(this.#random() * 3) }, () => ++this.#calls);
    const calls = next.map((at) => ({ id: `c${at}`, name: "search", input: { at } }));
    const outcome = await (isLast ? say("well") : call(...calls))(request, onDelta, signal);
    return outcome.kind === "reply" ? reply({ ...outcome.reply, usage: dice < 0.25 ? null : usage }) : outcome;
  };

  get #active(): string {
    return this.#thread.life.active?.record.run.invocation_id ?? "";
  }

  #count(id: string, model: string, input_tokens: number, output_tokens: number) {
    const { tokens, cost } = this.#counted.get(id) ?? { tokens: 0, cost: 0 };
    const more = worstCost(priceOf(model), input_tokens, output_tokens);
    this.#counted.set(id, { tokens: tokens + input_tokens + output_tokens, cost: cost + more });
    return { input_tokens, cached_input_tokens: 0, output_tokens, cost_usd: null };
  }

  #read(id: string): RunRecord | null {
    return readRun(this.#thread.life.database.sql, id);
  }

  #check(id: string, more = { tokens: 0, cost: 0 }): void {
    const record = this.#read(id);
    if (record === null) return;
    const account = accountOf(record);
    const bound = add(settledOf(account), reservedOf(account.spending));
    const { tokens, cost } = this.#counted.get(id) ?? { tokens: 0, cost: 0 };
    if (bound.tokens < tokens + more.tokens) this.problems.push(`${id}: ${bound.tokens} tokens, ${tokens} counted`);
    if (bound.cost < cost + more.cost) this.problems.push(`${id}: ${bound.cost} nanodollars, ${cost} counted`);
  }

  #checkEnded(id: string): void {
    const record = this.#read(id);
    if (record === null) return;
    const { plan, calls, caps } = record.spending;
    if (!isTerminal(record.run.status)) this.problems.push(`${id} does not end`);
    if (plan !== null || calls.length > 0) this.problems.push(`${id} has reservations`);
    const used = usedOf(accountOf(record));
    for (const { max_cost_usd, max_total_tokens } of caps) {
      if (used.cost > (max_cost_usd ?? Infinity) * 1e9) this.problems.push(`${id}: ${used.cost} of $${max_cost_usd}`);
      if (used.tokens > (max_total_tokens ?? Infinity)) this.problems.push(`${id}: ${used.tokens} tokens`);
    }
  }
}

function priceOf(model: string): Price {
  return models[model]?.price ?? { input: 0, output: 0 };
}

function sizeOf({ messages, tools, reminder }: ModelRequest): number {
  const last = reminder ? estimateMessage({ role: "user", content: reminder }) : 0;
  return estimateMessages(messages) + estimateTools(tools) + last;
}

it.each(Array.from({ length: runCount(12) }, (_, at) => at + 1))(
  "what a run's row holds covers what its servers counted, and no cap is passed (seed %i)",
  async (seed) => {
    const world = new World(seed);
    await world.play();
    expect(world.problems).toEqual([]);
    expect(world.ids.length).toBeGreaterThan(3);
  },
  30_000,
);
