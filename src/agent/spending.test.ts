// Whatever becomes of a run's model calls, each is reserved before it is made and ends in the books once.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CheckedSpending, overBudget } from "../../test/fakes/checked-spending.ts";
import {
  callsTools,
  completed,
  completeTool,
  fails,
  makePlan,
  makeTool,
  planTool,
  ScriptedRun,
  says,
  sizeOf,
  type Turn,
} from "../../test/fakes/scripted-run.ts";
import { agentConfig } from "../protocol/agents/agent.ts";
import type { ModelRequest } from "./model.ts";
import { isFreeStatus } from "./spending.ts";

const tools = [
  makeTool("work", { execute: async () => ({ content: "done ".repeat(400), is_error: false }) }),
  makeTool("read", { read_only: true }),
  planTool,
  completeTool,
];

type Step = Turn & { uncounted?: boolean; cancels?: boolean };

const said = fc.constantFrom("Done.", "", "word ".repeat(300), "很长的一段话".repeat(80));
const calls = fc.array(fc.constantFrom("work", "read", "read", "work", "update_tasks"), {
  minLength: 1,
  maxLength: 3,
});
const replies = fc.record({
  text: said,
  calls: fc.option(
    calls.map((names) => names.map((name) => ({ name }))),
    { nil: undefined, freq: 12 },
  ),
  finish: fc.constantFrom("stop" as const, "stop" as const, "length" as const),
  uncounted: fc.boolean(),
  cancels: fc.constant(false),
});
const failures = fc
  .record({ is_free: fc.boolean(), retryable: fc.boolean(), too_long: fc.boolean() })
  .map(({ is_free, ...failure }) => fails(is_free ? { ...failure, is_free } : failure, "half"));
const hangs = fc.record({ text: said, hangs: fc.boolean() }).map((turn) => ({ ...turn, cancels: true }));
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 30, arbitrary: replies },
  { weight: 8, arbitrary: failures },
  { weight: 1, arbitrary: hangs },
);

const given = fc.record({
  steps: fc.array(step, { maxLength: 30 }),
  cap: fc.option(fc.integer({ min: 0, max: 120_000 }), { nil: null, freq: 2 }),
  /** What becomes of each reservation, in place of what the cap says. */
  answers: fc.array(fc.constantFrom(null, null, null, null, null, null, null, "refused", "cancelled", "late")),
  tokenizers: fc.record({ m: fc.double({ min: 0.6, max: 1.5, noNaN: true }), n: fc.constantFrom(0.8, 1.2) }),
  has_fallback: fc.boolean(),
  own_limit: fc.constantFrom(undefined, 300, 3000, 50_000),
  context_tokens: fc.constantFrom(5000, 128_000),
  history: fc.array(said, { minLength: 1, maxLength: 12 }),
});

/** Checks each request that reaches the model against what was reserved for it. */
function checkRequest(spending: CheckedSpending, request: ModelRequest, counted: number): void {
  const { planned, max_output_tokens } = spending.noteRequest(request);
  expect(planned.input_tokens).toBeGreaterThanOrEqual(counted);
  const limit = request.options?.max_output_tokens;
  expect(request.is_limit_needed ?? false).toBe(max_output_tokens !== null);
  if (max_output_tokens !== null) expect(limit).toBeLessThanOrEqual(max_output_tokens);
  expect(planned.output_tokens).toBeGreaterThanOrEqual(max_output_tokens ?? 0);
  if (spending.cap !== null) expect(spending.used).toBeLessThanOrEqual(spending.cap);
}

describe("every call that reaches a model", () => {
  it("was reserved for as much as it can use, and is settled or given up once", async () => {
    const property = fc.asyncProperty(
      given,
      async ({ steps, cap, answers, tokenizers, has_fallback, own_limit, ...input }) => {
        const spending = new CheckedSpending(cap);
        const left = [...steps];
        const countOf = (request: ModelRequest) =>
          Math.ceil(sizeOf(request) * (request.model === "m" ? tokenizers.m : tokenizers.n));
        const run: ScriptedRun = new ScriptedRun((request) => {
          const next: Step = left.shift() ?? callsTools("complete");
          const { uncounted = false, cancels = false, ...turn } = next;
          const tokenizer = uncounted ? null : request.model === "m" ? tokenizers.m : tokenizers.n;
          return { ...turn, tokenizer, ...(cancels ? { before: () => queueMicrotask(() => run.cancel.abort()) } : {}) };
        }, tools);
        run.spending = spending;
        const mayRefuse = answers.includes("refused") || cap !== null;
        spending.answer = async () => {
          const answer = answers.shift() ?? null;
          if (answer === "cancelled" || answer === "late") run.cancel.abort();
          return answer === "cancelled" ? { kind: "cancelled" } : answer === "refused" ? overBudget : null;
        };
        run.dialect = (native) => ({
          stream: (request, onDelta, signal) => {
            checkRequest(spending, request, countOf(request));
            return native.stream(request, onDelta, signal);
          },
        });
        const outcome = await run.run({
          plan: makePlan("pending", "pending"),
          agent: agentConfig.parse({
            fallback_models: has_fallback ? ["n"] : [],
            model_options: own_limit === undefined ? {} : { max_output_tokens: own_limit },
          }),
          context_tokens: input.context_tokens,
          history: input.history.map((content) => ({ role: "user", content })),
        });
        expect(run.bugs).toEqual([]);
        expect(spending.open).toEqual([]);
        for (const { request, end } of spending.calls) if (request === null) expect(end).toBe("free");
        expect(spending.calls.filter(({ request }) => request !== null)).toHaveLength(run.requests.length);
        expect(spending.expected.at(-1)).toBeNull();
        if (outcome.status === "failed" && outcome.error.code === "budget") expect(mayRefuse).toBe(true);
        const replied = run.facts.filter((fact) => fact.type === "assistant_message").length;
        expect(replied).toBeLessThanOrEqual(run.requests.length);
      },
    );
    await fc.assert(property, { numRuns: 300 });
  });

  it("ends the life if its reservation can't be stored", async () => {
    const run = new ScriptedRun([callsTools("work"), says("Done.")], tools);
    const spending = new CheckedSpending();
    run.spending = spending;
    spending.answer = async () => {
      if (run.requests.length > 0) throw new Error("the storage is broken");
      return null;
    };
    await expect(run.run()).rejects.toThrow("the storage is broken");
    expect(run.bugs).toEqual([]);
  });

  it("has ended in the books also when a fact after it can't be stored", async () => {
    const property = fc.asyncProperty(fc.nat(12), async (broken_at) => {
      const spending = new CheckedSpending();
      const run = new ScriptedRun(
        [...[1, 2, 3].map((n) => callsTools({ name: "work", arguments: `{"n":${n}}` })), says("Done.")],
        tools,
      );
      run.spending = spending;
      run.dialect = (native) => ({
        stream: (request, ...rest) => {
          spending.noteRequest(request);
          return native.stream(request, ...rest);
        },
      });
      let facts = 0;
      run.onFact = () => {
        if (facts++ === broken_at) throw new Error("the storage is broken");
      };
      const outcome = await run.run().catch((error: Error) => error.message);
      expect(outcome).toEqual(broken_at < 10 ? "the storage is broken" : completed("Done."));
      expect(spending.open).toEqual([]);
      expect(spending.calls).toHaveLength(run.requests.length);
    });
    await fc.assert(property);
  });
});

describe("a tool that asks a model", () => {
  it("reserves and settles its calls beside the run's, and ends none of them after the run", async () => {
    let late = () => {};
    const asks = makeTool("asks", {
      read_only: true,
      execute: async (_, { spending, signal }) => {
        const planned = { model: "other", input_tokens: 10, output_tokens: 10 };
        const [first, second] = await Promise.all([
          spending.reserve(planned, signal),
          spending.reserve(planned, signal),
        ]);
        if (first.kind !== "granted" || second.kind !== "granted") throw new Error("refused");
        spending.settle(first.call_id, { input_tokens: 1, cached_input_tokens: 0, output_tokens: 1, cost_usd: null });
        late = () => spending.settle(second.call_id, null);
        return { content: "asked", is_error: false };
      },
    });
    const run = new ScriptedRun([callsTools("asks", "asks"), says("Done.")], [asks]);
    const spending = new CheckedSpending();
    run.spending = spending;
    expect(await run.run()).toEqual(completed("Done."));
    expect(spending.calls.filter(({ planned }) => planned.model === "other")).toHaveLength(4);
    const open = spending.open.length;
    expect(open).toBe(2);
    late();
    expect(spending.open).toHaveLength(open);
  });
});

it("takes no status but a plain refusal's for a call that costs nothing", () => {
  const free = Array.from({ length: 600 }, (_, status) => status).filter(isFreeStatus);
  // Refusals, 503 and 529, and the four with which Cloudflare says that it did not reach the server.
  expect(free).toHaveLength(104);
  expect([200, 302, 408, 499, 500, 502, 504, 520, 524].filter(isFreeStatus)).toEqual([]);
  expect([400, 402, 429, 503, 521, 523, 525, 526, 529].filter(isFreeStatus)).toHaveLength(9);
});
