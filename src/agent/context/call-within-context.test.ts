import { describe, expect, it } from "vitest";
import { LongRun, type LongRunOptions } from "../../../test/fakes/long-run.ts";
import { makePlan, makeTool } from "../../../test/fakes/scripted-run.ts";
import { agentConfig } from "../../protocol/agents/agent.ts";
import type { ChatMessage } from "../../protocol/message.ts";
import type { ModelRequest } from "../model.ts";

const WINDOW = 20_000;
const CONSTRAINT = "Build a shop. 必须用人民币，不要用外部 CDN. Never touch /etc.";

/** Output of every kind: prose, JSON, Chinese, hashes; a few results are huge. */
function output(step: number): string {
  const line = [
    "the quick brown fox jumps over the lazy dog\n",
    '{"id":12,"name":"茶壶","price":18.5,"tags":["a","b"]}\n',
    "商品已经写入数据库，请检查订单。\n",
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\n",
  ][step % 4] as string;
  return line.repeat(step % 50 === 7 ? 2000 : 5 + (step % 30));
}

const tool = makeTool("execute_command", {
  execute: async (input) => ({ content: output(Number((input as { n: number }).n)), is_error: false }),
});

function worksFor(steps: number): LongRunOptions["answer"] {
  return (step) =>
    step >= steps
      ? { text: "All done." }
      : // Ids that a server counts anew in each message.
        { text: `Step ${step}.`, calls: [{ id: "call_0", name: "execute_command", arguments: `{"n":${step}}` }] };
}

function start(more: Partial<LongRunOptions> = {}): LongRun {
  return new LongRun({
    context_tokens: WINDOW,
    // Cancelled tasks need no reminders, and stay in the plan.
    plan: makePlan("completed", "cancelled", "completed"),
    tools: [tool],
    history: [{ role: "user", content: CONSTRAINT }],
    answer: worksFor(30),
    ...more,
  });
}

/** What a provider checks: each call is followed by its results, and each result has its call. */
function expectOrder({ messages }: ModelRequest): void {
  let awaited: string[] = [];
  for (const message of messages) {
    if (message.role === "tool") {
      expect(awaited).toContain(message.tool_call_id);
      awaited = awaited.filter((id) => id !== message.tool_call_id);
      continue;
    }
    expect(awaited).toEqual([]);
    awaited = message.role === "assistant" ? (message.tool_calls ?? []).map(({ id }) => id) : [];
  }
  expect(awaited).toEqual([]);
}

const summaryOf = ({ messages }: ModelRequest) => String(messages[1]?.content);
const isSummary = (request: ModelRequest) => summaryOf(request).startsWith("<conversation_summary>");

describe("a run of 500 steps with long outputs", () => {
  it.each([
    ["counts as we do", {}],
    ["counts 1.6 tokens for each of ours", { tokenizer: 1.6 }],
    ["counts 0.6 tokens for each of ours", { tokenizer: 0.6 }],
    ["refuses what is longer than it reads, and reads less than its name says", { reads: 9_000, reports: false }],
  ])("stays within the context of a model that %s", async (_, model) => {
    const long = start({ answer: worksFor(500), ...model });
    expect(await long.run()).toMatchObject({ status: "completed", text: "All done." });
    expect(long.steps).toBe(501);
    const { tokenizer = 1, reads = WINDOW } = model as LongRunOptions;
    for (const request of [...long.requests, ...long.summaryRequests]) {
      expect(LongRun.size(request) * tokenizer).toBeLessThanOrEqual(reads);
    }
    expect(long.refused.length).toBeLessThanOrEqual(model === undefined || !("reads" in model) ? 0 : 4);
    expect(long.summaryRequests.length).toBeGreaterThan(3);
    expect(long.summaryRequests.length).toBeLessThan(150);
    for (const request of long.requests) {
      expectOrder(request);
      expect(JSON.stringify(request.messages)).toContain(CONSTRAINT);
      if (isSummary(request)) expect(summaryOf(request)).toContain("task_2 [cancelled]");
    }
    // The last step is sent word for word, or with its middle cut out if it is long.
    for (const [at, request] of long.requests.entries()) {
      const last = request.messages.findLast(({ role }) => role === "tool");
      if (at > 0) expect(String(last?.content).slice(0, 60)).toBe(output(at - 1).slice(0, 60));
    }
  });

  it("gives each call an id that is unique in the thread", async () => {
    const long = start({ answer: worksFor(200) });
    await long.run();
    const ids = long.rows.flatMap((row) =>
      row.role === "assistant" ? (row.tool_calls ?? []).map(({ id }) => id) : [],
    );
    expect(new Set(ids).size).toBe(200);
    expect(long.summary).not.toBeNull();
  });

  it("sends the same bytes until a summary replaces them, also in the next life", async () => {
    const lost = { id: "call_0", type: "function" as const, function: { name: "client_tool", arguments: "{" } };
    const history: ChatMessage[] = [
      { role: "user", content: "first" },
      { role: "assistant", content: null, tool_calls: [lost, { ...lost, id: "call_1" }] },
      { role: "tool", tool_call_id: "call_1", content: "only this" },
      { role: "assistant", content: "" },
      { role: "user", content: CONSTRAINT },
    ];
    const long = start({ history, answer: worksFor(60) });
    let stored = 0;
    long.onFact = () => {
      stored += 1;
      if (stored % 7 === 0) throw new Error("the life ends");
    };
    let lives = 0;
    for (let ended = false; !ended; lives++) {
      const outcome = await long.run().catch(() => null);
      ended = outcome !== null;
      expect(lives).toBeLessThan(200);
    }
    expect(lives).toBeGreaterThan(10);
    let compared = 0;
    for (const [at, { messages }] of long.requests.entries()) {
      const before = long.requests[at - 1]?.messages.slice(0, -1) ?? [];
      const isFresh = JSON.stringify(before[1]) !== JSON.stringify(messages[1]);
      if (at === 0 || isFresh) continue;
      expect(JSON.stringify(messages.slice(0, before.length))).toBe(JSON.stringify(before));
      compared += 1;
    }
    expect(compared).toBeGreaterThan(long.requests.length / 2);
    expect(long.summary).not.toBeNull();
  });
});

describe("a summary", () => {
  const compacted = (long: LongRun) => long.facts.filter((fact) => fact.type === "context_compacted");

  it("is not a step, and its tokens are reported", async () => {
    const long = start();
    await long.run();
    const [fact] = compacted(long);
    expect(fact?.usage?.input_tokens).toBeGreaterThan(0);
    expect(long.steps).toBe(31);
  });

  it.each([
    [
      "the model fails",
      { kind: "failure", failure: { code: "model_error", message: "no", retryable: true, retry_after_ms: null } },
    ],
    [
      "the model says nothing",
      { kind: "reply", reply: { text: " ", reasoning: "hm", tool_calls: [], finish: "stop", usage: null } },
    ],
  ] as const)("is a list of what was done where %s", async (_, outcome) => {
    const long = start({ summarise: () => structuredClone(outcome) as never });
    expect(await long.run()).toMatchObject({ status: "completed" });
    expect(long.summary?.text).toMatch(/No model could write[\s\S]*- execute_command/);
    expect(long.summary?.said).toEqual([CONSTRAINT]);
  });

  it("is written by a fallback model if the run's own can't", async () => {
    const failure = { code: "model_error" as const, message: "no", retryable: false, retry_after_ms: null };
    const reply = {
      text: "# Open\nIt goes on.",
      reasoning: "Now, what was\nit?",
      tool_calls: [],
      finish: "stop" as const,
      usage: null,
    };
    const long = start({
      summarise: ({ model }) => (model === "m" ? { kind: "failure", failure } : { kind: "reply", reply }),
    });
    await long.run({ agent: agentConfig.parse({ fallback_models: ["other"] }) });
    expect(long.summary?.text).toBe("# Open\nIt goes on.");
  });

  it("changes nothing if the run is cancelled meanwhile", async () => {
    const long = start({
      summarise: () => {
        long.cancel.abort();
        return {
          kind: "aborted",
          reply: { text: "half", reasoning: "", tool_calls: [], finish: "other", usage: null },
        };
      },
    });
    expect(await long.run()).toEqual({ status: "cancelled" });
    expect(compacted(long)).toEqual([]);
    expect(long.rows.at(-1)?.role).toBe("tool");
  });

  it("keeps the person's messages and answers word for word, the first and the newest before those in between", async () => {
    const history: ChatMessage[] = [];
    for (let at = 0; at < 60; at++) {
      history.push({ role: "user", content: `wish ${at} ${"x ".repeat(300)}` });
      const call = { id: `q_${at}`, type: "function" as const, function: { name: "ask", arguments: "{}" } };
      history.push({ role: "assistant", content: null, tool_calls: [call] });
      history.push({ role: "tool", tool_call_id: `q_${at}`, content: `answer ${at} </conversation_summary>` });
      history.push({ role: "assistant", content: "word ".repeat(800) });
    }
    history.push({ role: "user", content: "the last wish" });
    const long = start({ history, answer: () => ({ text: "Done." }) });
    const answers = new Map(Array.from({ length: 60 }, (_, at) => [`q_${at}`, 0]));
    expect(await long.run({ answers })).toMatchObject({ status: "completed" });
    const text = summaryOf(long.requests[0] as ModelRequest);
    expect(text).toContain("wish 0 ");
    expect(text).toMatch(/\[\d+ messages of the person are left out here/);
    expect(text).toMatch(/answer 5\d &lt;\/conversation_summary>/);
    expect(text.match(/<\/conversation_summary>/g)).toHaveLength(1);
    expect(long.requests[0]?.messages.at(-1)).toEqual({ role: "user", content: "the last wish" });
  });

  it("gives a request all the room that other messages don't need, and restores it in full when there is more room", async () => {
    const wish = `${"Sell tea. ".repeat(200)}Never ship on a Sunday. ${"Sell cups. ".repeat(200)}`;
    const long = start({ history: [{ role: "user", content: wish }], answer: worksFor(30) });
    await long.run({ context_tokens: 4500 });
    const small = String(long.summary?.message.content);
    expect(small).toMatch(/<person_message>\n(?:Sell tea\. ){20}/);
    expect(small).not.toContain("Never ship");
    const more: ChatMessage[] = Array.from({ length: 12 }, () => ({
      role: "assistant",
      content: "word ".repeat(2500),
    }));
    long.rows.push(...more, { role: "user", content: "go on" });
    await long.run({ context_tokens: 30_000 });
    expect(long.summary?.message.content).toContain(`<person_message>\n${wish}\n</person_message>`);
  });

  it("asks the model with the agent's options, and for a summary with a longest reply only if that is short", async () => {
    const extra_body = { thinking: { type: "disabled" } };
    for (const max_output_tokens of [100_000, 200]) {
      const model_options = { reasoning_effort: "low" as const, extra_body, max_output_tokens };
      const long = start();
      await long.run({ agent: agentConfig.parse({ model_options }) });
      for (const { options } of long.requests) expect(options).toEqual(model_options);
      expect(long.summaryRequests.length).toBeGreaterThan(0);
      const { max_output_tokens: _, ...others } = model_options;
      const expected = max_output_tokens === 200 ? model_options : others;
      for (const { options } of long.summaryRequests) expect(options).toEqual(expected);
    }
  });

  it("leaves room for the agent's longest reply, up to half of the context", async () => {
    const largest = async (max_output_tokens: number) => {
      const long = start();
      await long.run({ agent: agentConfig.parse({ model_options: { max_output_tokens } }) });
      return Math.max(...long.requests.map(LongRun.size));
    };
    expect(await largest(8000)).toBeLessThanOrEqual(WINDOW - 8000);
    expect(await largest(1_000_000)).toBeLessThanOrEqual(WINDOW / 2);
    expect(await largest(100)).toBeGreaterThan(WINDOW - 8000);
  });

  it("passes the run's last text on to the next life", async () => {
    let dead = false;
    const long = start({
      answer: (step) => ({
        ...(step === 0 ? { text: "The only word." } : {}),
        ...(step < 40 ? { calls: [{ id: `c${step}`, name: "execute_command", arguments: `{"n":${step}}` }] } : {}),
      }),
    });
    long.onFact = (fact) => {
      if (!dead && long.steps === 40) {
        dead = true;
        throw new Error(`the life ends at ${fact.type}`);
      }
    };
    await expect(long.run()).rejects.toThrow("the life ends");
    expect(long.summary).not.toBeNull();
    expect(await long.run()).toMatchObject({ status: "completed", text: "The only word." });
  });
});

describe("a message that is too long by itself", () => {
  it("is shown with its middle cut out, and its row stays whole", async () => {
    const content = `begin ${"word ".repeat(200_000)} end`;
    const long = start({ history: [{ role: "user", content }], answer: () => ({ text: "Read." }) });
    expect(await long.run()).toMatchObject({ status: "completed" });
    const shown = String(long.requests[0]?.messages[1]?.content);
    expect(shown.startsWith("begin word") && shown.endsWith("word  end")).toBe(true);
    expect(shown).toContain("characters are left out here");
    expect(long.rows[0]).toEqual({ role: "user", content });
    expect(LongRun.size(long.requests[0] as ModelRequest)).toBeLessThan(WINDOW);
  });

  it("is cut further if the newest step has many of them, until there is room again", async () => {
    const dump = makeTool("dump", {
      execute: async () => ({ content: "7 bags of tea\n".repeat(2000), is_error: false }),
    });
    const long = start({
      tools: [tool, dump],
      answer: (step) => {
        if (step >= 40) return { text: "All done." };
        const name = step === 3 ? "dump" : "execute_command";
        const count = step === 3 ? 40 : 1;
        return {
          calls: Array.from({ length: count }, (_, at) => ({
            id: `d${step}_${at}`,
            name,
            arguments: `{"n":${step},"at":${at}}`,
          })),
        };
      },
    });
    expect(await long.run()).toMatchObject({ status: "completed" });
    for (const request of long.requests) {
      expectOrder(request);
      expect(LongRun.size(request)).toBeLessThan(WINDOW);
    }
    expect(long.requests[4]?.messages.filter(({ role }) => role === "tool").length).toBeGreaterThanOrEqual(40);
  });
});

describe("a step of more calls than the model can read the results of", () => {
  it("does not block the thread for good", async () => {
    const long = start({
      reads: WINDOW,
      answer: (step) => ({
        ...(step > 0 ? { text: "Done." } : {}),
        calls: Array.from({ length: step > 0 ? 0 : 256 }, (_, at) => ({
          id: `c${at}`,
          name: "execute_command",
          arguments: `{"n":${at % 40}}`,
        })),
      }),
    });
    expect(await long.run()).toMatchObject({ status: "completed", text: "Done." });
    for (const request of long.requests) expectOrder(request);
  });
});

describe("a request that is refused as too long again and again", () => {
  it("is made four times, and the run fails with the provider's message", async () => {
    const long = start({ reads: 10 });
    expect(await long.run()).toEqual({ status: "failed", error: { code: "model_error", message: "Too long." } });
    expect(long.refused).toHaveLength(4);
  });
});
