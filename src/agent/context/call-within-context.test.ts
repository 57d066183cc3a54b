import { describe, expect, it } from "vitest";
import { LongRun, type LongRunOptions } from "../../../test/fakes/long-run.ts";
import { CONSTRAINT, output, start, summaryOf, tool, WINDOW, worksFor } from "../../../test/fakes/long-work.ts";
import { makeTool } from "../../../test/fakes/scripted-run.ts";
import type { ChatMessage } from "../../protocol/message.ts";
import type { ModelRequest } from "../model.ts";

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
