// Lives that end at any moment of a run with reservations and leases, against a server that counts on its own.
import { beforeEach, describe, expect, it, vi } from "vitest";
import { FakeBudgets } from "../../../test/fakes/budgets.ts";
import { reply } from "../../../test/fakes/replies.ts";
import { FakeClock, settle } from "../../../test/fakes/stream.ts";
import { FakeThread } from "../../../test/fakes/thread.ts";
import { twoTaskModel, twoTaskTools } from "../../../test/fakes/two-task-model.ts";
import { estimateMessages, estimateTools } from "../../agent/context/tokens.ts";
import type { ModelOutcome, ModelRequest } from "../../agent/model.ts";
import { worstCost } from "../../protocol/money/price.ts";
import { type RunRecord, readRun } from "../rows/runs.ts";
import { ensureRunning } from "../run/run.ts";
import { reservedOf, settledOf } from "../usage/account.ts";
import { add } from "../usage/amounts.ts";
import { accountOf } from "../usage/record.ts";
import { closeLeases } from "./closing.ts";

const run = { invocation_id: "inv_a" };
const price = { input: 2, output: 8 };
const MAX_TURNS = 20_000;

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  vi.spyOn(console, "warn").mockImplementation(() => {});
});

interface Counted {
  tokens: number;
  cost: number;
}

/** Whether the life ends here: at the `count`th moment, of a transaction or of a call. */
type Dies = (count: number) => boolean;

class World {
  readonly budgets = new FakeBudgets(
    { scope: "user", id: "user_1", period: "2026-11-28", caps: { max_cost_usd: 5 } },
    { scope: "project", id: "proj", period: "all", caps: { max_total_tokens: 2_000_000 } },
  );
  readonly clock = new FakeClock();
  readonly thread: FakeThread;
  readonly problems: string[] = [];
  moments = 0;
  calls = 0;
  /** What the model's server has counted, whatever came back of it. */
  readonly counted: Counted = { tokens: 0, cost: 0 };
  readonly #dies: Dies;
  /** What the row says may be used, at every moment at which a life may end. */
  readonly #script: (call: number) => "reply" | "cut" | "busy" | "uncounted";

  constructor(dies: Dies, script: (call: number) => "reply" | "cut" | "busy" | "uncounted") {
    this.#dies = dies;
    this.#script = script;
    this.thread = new FakeThread({
      clock: this.clock,
      tools: twoTaskTools(),
      defaultReply: (request, onDelta, signal) => this.#answer(request, () => twoTaskModel(request, onDelta, signal)),
      dies: () => this.#moment(),
      syncThread: async ({ leases }) => {
        await settle();
        this.budgets.close(leases);
      },
    });
    this.thread.prices = { "test-model": price };
    this.thread.budgetScopes = () => this.budgets.scopes;
    this.thread.grantLease = async (request) => {
      const answer = await this.budgets.grant(request);
      if (this.#moment()) this.thread.crash();
      return answer;
    };
  }

  get record(): RunRecord {
    const record = readRun(this.thread.life.database.sql, "inv_a");
    if (record === null) throw new Error("there is no run");
    return record;
  }

  /** Over as many lives as it takes. */
  async finish(): Promise<void> {
    try {
      await this.thread.accept("build it", { ...run, caps: [{ scope: "run", max_cost_usd: 2 }] });
    } catch {
      this.thread.crash();
      await this.thread.accept("build it", { ...run, caps: [{ scope: "run", max_cost_usd: 2 }] });
    }
    for (let turn = 0; turn < MAX_TURNS; turn++) {
      if (!this.thread.isAlive) this.thread.crash();
      try {
        ensureRunning(this.thread.life);
        if (this.record.released && this.thread.life.active === null) break;
      } catch {
        // It ended within this turn.
      }
      await settle();
      this.clock.advance(50);
    }
    await this.thread.life.outbox.sync();
  }

  #moment(): boolean {
    this.moments += 1;
    return this.#dies(this.moments);
  }

  /** At a call, the row must cover what was counted before, and this call at most. */
  async #answer(request: ModelRequest, answer: () => Promise<ModelOutcome>): Promise<ModelOutcome> {
    this.calls += 1;
    const { messages, tools, options } = request;
    const input = Math.ceil((estimateMessages(messages) + estimateTools(tools)) * 1.02);
    const limit = options?.max_output_tokens;
    if (limit === undefined) this.problems.push("no limit was sent");
    this.#check({ tokens: input + (limit ?? 0), cost: worstCost(price, input, limit ?? 0) });
    const kind = this.#script(this.calls);
    const failure = { code: "model_error" as const, message: "no", retryable: true, retry_after_ms: null };
    if (kind === "busy") return { kind: "failure", failure: Object.assign(failure, { is_free: true }) };
    const output = Math.min(700, limit ?? 700);
    this.counted.tokens += input + output;
    this.counted.cost += worstCost(price, input, output);
    if (this.#moment()) {
      this.thread.crash();
      return new Promise(() => {});
    }
    if (kind === "cut") return { kind: "failure", failure };
    const outcome = await answer();
    if (outcome.kind !== "reply") return outcome;
    const usage = { input_tokens: input, cached_input_tokens: 0, output_tokens: output, cost_usd: null };
    return reply({ ...outcome.reply, usage: kind === "uncounted" ? null : usage });
  }

  #check(more: Counted = { tokens: 0, cost: 0 }): void {
    const account = accountOf(this.record);
    const bound = add(settledOf(account), reservedOf(account.spending));
    if (bound.tokens < this.counted.tokens + more.tokens) {
      this.problems.push(`${this.counted.tokens} and ${more.tokens} tokens, and ${bound.tokens} in the row`);
    }
    if (bound.cost < this.counted.cost + more.cost) this.problems.push(`the row covers ${bound.cost} nanodollars`);
  }

  expectSound(): void {
    expect(this.problems).toEqual([]);
    const { record } = this;
    expect(["completed", "failed"]).toContain(record.run.status);
    expect(record.released).toBe(true);
    const { spending } = record;
    expect([spending.plan, spending.calls, spending.pools]).toEqual([null, [], []]);
    const settled = settledOf(accountOf(record));
    expect(settled.tokens).toBeGreaterThanOrEqual(this.counted.tokens);
    expect(settled.cost).toBeGreaterThanOrEqual(this.counted.cost);
    expect(settled.cost).toBeLessThanOrEqual(2e9);
    // A lease that was granted and never stored is left to the sweep.
    this.budgets.close(closeLeases(this.thread.life, this.budgets.open));
    expect(this.budgets.open).toEqual([]);
    const used = this.budgets.used("user", "2026-11-28");
    expect(used).toMatchObject({ cost: settled.cost, tokens: settled.tokens });
  }
}

const always = () => "reply" as const;
const mixed = (call: number) => (["reply", "cut", "reply", "busy", "uncounted"] as const)[call % 5] ?? "reply";

describe("without a life that ends", () => {
  it("the run's usage is exactly what the server counted", async () => {
    const world = new World(() => false, always);
    await world.finish();
    world.expectSound();
    expect(world.record.run).toMatchObject({ status: "completed" });
    expect(world.record.run.usage.estimated).toBeUndefined();
    expect(settledOf(accountOf(world.record))).toMatchObject(world.counted);
    expect(world.budgets.open).toEqual([]);
    expect(world.budgets.used("user", "2026-11-28")).toMatchObject(world.counted);
  });

  it("calls that broke off or were not counted are charged at their worst case, refused ones are not", async () => {
    const world = new World(() => false, mixed);
    await world.finish();
    world.expectSound();
    expect(world.record.run.usage.estimated?.calls).toBeGreaterThan(0);
    expect(world.budgets.open).toEqual([]);
  });
});

describe("a life that ends at any moment", () => {
  it.each([
    ["while all calls are counted", always],
    ["with retries and calls without a count", mixed],
  ])(
    "leaves at least what was counted in the row, %s",
    async (_, script) => {
      const whole = new World(() => false, script);
      await whole.finish();
      expect(whole.moments).toBeGreaterThan(20);
      for (let at = 1; at <= whole.moments; at++) {
        const world = new World((count) => count === at, script);
        await world.finish();
        world.expectSound();
      }
    },
    60_000,
  );

  it("again and again leaves no reservation open", async () => {
    for (const every of [7, 11, 13]) {
      const world = new World((count) => count % every === 0, mixed);
      await world.finish();
      world.expectSound();
    }
  }, 240_000);
});
