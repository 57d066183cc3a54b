import { describe, expect, it } from "vitest";
import { CheckedSpending } from "../../../test/fakes/checked-spending.ts";
import { LongRun } from "../../../test/fakes/long-run.ts";
import {
  askTool,
  callsTools,
  completeTool,
  fails,
  makePlan,
  makeTool,
  planTool,
  ScriptedRun,
  says,
  sizeOf,
  type Turn,
} from "../../../test/fakes/scripted-run.ts";
import { createXmlModel } from "../../models/xml/model.ts";
import { agentConfig } from "../../protocol/agents/agent.ts";
import type { ModelMessage, ModelRequest } from "../model.ts";
import { newTokenScales, planCall, planFirstCall, planNextCall } from "./planned-call.ts";
import { estimateMessages } from "./tokens.ts";

const tools = [makeTool("work"), makeTool("read", { read_only: true }), planTool, completeTool, askTool];

function start(turns: Turn[]): { run: ScriptedRun; spending: CheckedSpending } {
  const run = new ScriptedRun(turns, tools);
  const spending = new CheckedSpending();
  run.spending = spending;
  return { run, spending };
}

describe("the call after a fact", () => {
  /** What was expected before each fact, and what was then reserved. */
  async function follow(run: ScriptedRun | LongRun, spending: CheckedSpending) {
    const at: string[] = [];
    let heard = 0;
    run.onFact = ({ type }) => {
      if (spending.expected.length > heard) at.push(type);
      heard = spending.expected.length;
    };
    return { outcome: await run.run(), at };
  }

  it("is expected with the last result of a step, if the run continues", async () => {
    const { run, spending } = start([callsTools("read", "work", "read"), callsTools("complete")]);
    const { at } = await follow(run, spending);
    expect(at).toEqual(["tool_finished"]);
    expect(run.facts.filter(({ type }) => type === "tool_finished")).toHaveLength(4);
    expect(spending.expected).toHaveLength(2);
    expect(spending.expected[1]).toBeNull();
  });

  it.each([
    ["a person is asked", [callsTools("work", "ask")]],
    ["the run is completed by a call", [callsTools("work", "complete")]],
    ["the run ends with a reply", [says("Done.")]],
  ])("is not expected when %s", async (_, turns) => {
    const { run, spending } = start(turns);
    await run.run();
    expect(spending.expected).toEqual([null]);
  });

  it("is not expected after the last step that the run may take", async () => {
    const { run, spending } = start([callsTools("work")]);
    expect(await run.run({ max_steps: 1 })).toMatchObject({ error: { code: "max_steps" } });
    expect(spending.expected).toEqual([null]);
  });

  it("is expected with a reply that ends while tasks are open", async () => {
    const { run, spending } = start([says("Done?"), callsTools("update_tasks"), says("Done.")]);
    expect((await run.run({ plan: makePlan("pending") })).status).toBe("completed");
    expect(spending.expected.map((call) => call !== null)).toEqual([true, true, false]);
  });

  it("was expected to be as large as it is, over hundreds of steps", async () => {
    const output = (step: number) => "the quick brown fox 商品 ".repeat(1 + (step % 40));
    const work = makeTool("work", {
      execute: async (input) => ({ content: output(Number((input as { n: number }).n)), is_error: false }),
    });
    const spending = new CheckedSpending();
    const run = new LongRun({
      ...{ context_tokens: 2_000_000, tokenizer: 1.3, plan: makePlan("completed"), tools: [work] },
      history: [{ role: "user", content: "go" }],
      answer: (at) =>
        at >= 300 ? { text: "Done." } : { calls: [{ id: `c${at}`, name: "work", arguments: `{"n":${at}}` }] },
    });
    run.spending = spending;
    expect((await follow(run, spending)).outcome).toMatchObject({ status: "completed" });
    const [, ...later] = spending.calls;
    expect(later).toHaveLength(300);
    for (const [at, { planned }] of later.entries()) {
      const expected = spending.expected[at];
      expect(expected?.input_tokens).toBeGreaterThanOrEqual(planned.input_tokens);
      expect(expected).toMatchObject({ model: planned.model, output_tokens: planned.output_tokens });
    }
  });
});

describe("what a call uses at most", () => {
  const request: ModelRequest = {
    model: "m",
    messages: [{ role: "user", content: "word ".repeat(1000) }],
    tools: [],
    max_output_tokens: 16_000,
  };

  it("is half more than our estimate of an unmeasured model, and a tenth more than a measured one counts", () => {
    const known = { ...request, messages: [...request.messages, { role: "assistant" as const, content: "Yes." }] };
    const { input_tokens } = planCall(known, newTokenScales("n", 1.2), "native");
    const estimated = input_tokens / 1.5;
    expect(planCall(known, newTokenScales("m", 1.2), "native").input_tokens).toBe(Math.ceil(estimated * 1.2 * 1.1));
    expect(planCall(known, newTokenScales("m", 1), "native").input_tokens).toBe(input_tokens);
  });

  it("is measured with each reply, for its model alone, and a lower count does not lower it", async () => {
    const turns = [
      { ...callsTools("work"), tokenizer: 1.2 },
      fails({ retryable: false }),
      { ...callsTools("read"), tokenizer: 0.8 },
      { ...callsTools("work"), tokenizer: 0.6 },
      says("Done."),
    ];
    const { run, spending } = start(turns);
    const shares: number[] = [];
    run.dialect = (native) => ({
      stream: (request, ...rest) => {
        shares.push(spending.noteRequest(request).planned.input_tokens / sizeOf(request));
        return native.stream(request, ...rest);
      },
    });
    await run.run({ agent: agentConfig.parse({ fallback_models: ["n"] }) });
    expect(run.requests.map(({ model }) => model)).toEqual(["m", "m", "n", "n", "n"]);
    for (const [at, expected] of [1.5, 1.2 * 1.1, 1.5, 0.8 * 1.1, 0.8 * 1.1].entries()) {
      expect(shares[at]).toBeGreaterThanOrEqual(expected);
      expect(shares[at]).toBeLessThan(expected * 1.02);
    }
  });

  it("is half more than our estimate of what no request had so far, since a measure of text is none of numbers", () => {
    const user = request.messages;
    const reply = { role: "assistant" as const, content: "I look." };
    const result = { role: "tool" as const, tool_call_id: "c", content: "1.5,20.75,3\n".repeat(2000) };
    const planned = (messages: ModelMessage[], scale: number) =>
      planCall({ ...request, messages }, newTokenScales("m", scale), "native").input_tokens;
    const [before, added] = [estimateMessages([...user, reply]), estimateMessages([result])];
    const messages = [...user, reply, result];
    expect(planned(messages, 0.8)).toBe(Math.ceil(before * 0.8 * 1.1 + added * 1.5));
    expect(planned(messages, 2)).toBe(Math.ceil(before * 2 * 1.1 + added * 2 * 1.1));
    expect(planned([...messages, reply], 0.8)).toBe(
      Math.ceil((before + added + estimateMessages([reply])) * 0.8 * 1.1),
    );
    const next = planNextCall({ ...request, messages: user }, [reply, result], newTokenScales("m", 0.8), "native");
    expect(next.input_tokens).toBeGreaterThanOrEqual(planned(messages, 0.8));
  });

  it("is kept for later lives for the run's own model alone, whichever model replied", async () => {
    const { run } = start([
      { ...callsTools("work"), tokenizer: 1.2 },
      { ...callsTools("read"), tokenizer: 0.9 },
      fails({ retryable: false }),
      { ...says("Done."), tokenizer: 0.6 },
    ]);
    await run.run({ agent: agentConfig.parse({ fallback_models: ["n"] }) });
    const told = run.facts.flatMap((fact) => (fact.type === "assistant_message" ? [fact.token_scale] : []));
    expect(told.map((scale) => Number(scale.toFixed(1)))).toEqual([1.2, 1.2, 1.2]);
    const other = start([fails({ retryable: false }), { ...says("Done."), tokenizer: 0.6 }]);
    await other.run.run({ agent: agentConfig.parse({ fallback_models: ["n"] }) });
    expect(other.run.facts).toMatchObject([{ type: "assistant_message", token_scale: 1 }]);
  });

  it("counts what a model reads in addition that writes its calls as XML", async () => {
    const { run, spending } = start([callsTools("work", "read"), callsTools("read"), says("Done.")]);
    run.dialect = (native) => {
      const xml = createXmlModel({
        stream: (request, ...rest) => {
          expect(spending.noteRequest(request).planned.input_tokens).toBeGreaterThanOrEqual(sizeOf(request) * 1.4);
          return native.stream(request, ...rest);
        },
      });
      return xml;
    };
    await run.run({ agent: agentConfig.parse({ tool_format: "xml" }) });
    expect(run.bugs).toEqual([]);
    expect(run.requests).toHaveLength(3);
  });

  it("counts the tools and the reminder", () => {
    const scales = newTokenScales("m", 1);
    const plain = planCall(request, scales, "native").input_tokens;
    const reminded = planCall({ ...request, reminder: "Go on." }, scales, "native").input_tokens;
    const equipped = planCall(
      { ...request, tools: [{ name: "f", description: "d", parameters: {} }] },
      scales,
      "native",
    );
    expect(reminded).toBeGreaterThan(plain);
    expect(equipped.input_tokens).toBeGreaterThan(plain);
  });

  it("has the limit as its reply that is sent, or else the room for one", () => {
    const scales = newTokenScales("m", 1);
    const outputOf = (max_output_tokens: number) =>
      planCall({ ...request, options: { max_output_tokens } }, scales, "native").output_tokens;
    expect(planCall(request, scales, "native").output_tokens).toBe(16_000);
    expect([300, 50_000].map(outputOf)).toEqual([300, 16_000]);
  });

  it("has what the agent asks for beside, which may make it dearer", () => {
    const options = { extra_body: { service_tier: "priority" } };
    const agent = agentConfig.parse({ model_options: options });
    const first = planFirstCall({ model: "m", agent, context_tokens: 128_000, counted: null, tokens: 1 });
    expect([planCall({ ...request, options }, newTokenScales("m", 1), "native"), first]).toEqual([
      expect.objectContaining(options),
      expect.objectContaining(options),
    ]);
  });

  it("is known before a run's first request is made, from what it adds to the last one of its thread", async () => {
    const said = { role: "user" as const, content: "word 商品 ".repeat(300) };
    const agent = agentConfig.parse({ instructions: "Be brief. ".repeat(100) });
    const planOf = async (history: ModelMessage[], token_scale = 1) => {
      const run = new ScriptedRun([{ ...says("Done."), tokenizer: 1.3 }], tools);
      const spending = new CheckedSpending();
      run.spending = spending;
      await run.run({ agent, history, token_scale });
      return { planned: spending.calls[0]?.planned, used: spending.used };
    };
    const first = { model: "m", agent, context_tokens: 128_000, counted: null, tokens: estimateMessages([said]) };
    const one = await planOf([said]);
    expect(planFirstCall(first).input_tokens).toBeGreaterThanOrEqual(one.planned?.input_tokens ?? Number.NaN);
    expect(planFirstCall(first)).toMatchObject({ model: "m", output_tokens: one.planned?.output_tokens });
    const two = await planOf([said, { role: "assistant", content: "Done." }, said], 1.3);
    const second = planFirstCall({ ...first, counted: one.used });
    expect(second.input_tokens).toBeGreaterThanOrEqual(two.planned?.input_tokens ?? Number.NaN);
    expect(planFirstCall({ ...first, tokens: 10_000_000 }).input_tokens).toBe(128_000);
  });
});
