import { describe, expect, it } from "vitest";
import { CheckedSpending } from "../../../test/fakes/checked-spending.ts";
import {
  askTool,
  callsTools,
  completed,
  completeTool,
  fails,
  makeTool,
  planTool,
  ScriptedRun,
  says,
  type Turn,
} from "../../../test/fakes/scripted-run.ts";
import { agentConfig } from "../../protocol/agents/agent.ts";
import type { RunError } from "../../protocol/run.ts";
import { summaryPrompt } from "../context/summary-writer.ts";
import type { Allowance } from "../spending.ts";

const tools = [makeTool("work"), makeTool("read", { read_only: true }), planTool, completeTool, askTool];

const refuse = (error: Partial<RunError>, more: object = {}): Allowance => ({
  kind: "refused",
  error: { code: "budget", message: "The cap is reached.", ...error },
  ...more,
});
const interrupt = {
  ...{ id: "int_budget_1", reason: "budget" as const, tool_call_id: "", message: "Raise it?", response_schema: {} },
  expires_at: null,
};

function start(turns: Turn[]): { run: ScriptedRun; spending: CheckedSpending } {
  const run = new ScriptedRun(turns, tools);
  const spending = new CheckedSpending();
  run.spending = spending;
  return { run, spending };
}

describe("a reservation that is refused", () => {
  it("ends the run as failed with its error, once all calls have results", async () => {
    const { run, spending } = start([callsTools("work", "read"), says("Done.")]);
    spending.answer = async () => (run.requests.length === 0 ? null : refuse({ code: "price_unknown" }));
    const error = { code: "price_unknown", message: "The cap is reached." };
    expect(await run.run()).toEqual({ status: "failed", error });
    expect(run.results.size).toBe(2);
    expect(run.requests).toHaveLength(1);
  });

  it("interrupts the run if a person may raise the cap", async () => {
    const { run, spending } = start([callsTools("work"), says("Done.")]);
    spending.answer = async () => (run.requests.length === 0 ? null : refuse({}, { interrupt }));
    expect(await run.run()).toEqual({ status: "interrupted", interrupts: [interrupt] });
  });

  it("is made again in the run that continues once the cap is raised, also behind a reply that was cut", async () => {
    const { run } = start([says("and the end.")]);
    const history = [
      { role: "user" as const, content: "Tell me all." },
      { role: "assistant" as const, content: "The beginning" },
    ];
    expect(await run.run({ history })).toEqual(completed("and the end."));
    expect(run.lastWords(0)).toContain("go on exactly where it stopped");
  });

  it("ends the run also where a retry or a fallback asks for it", async () => {
    const retried = start([fails(), says("Done.")]);
    retried.spending.answer = async () => (retried.run.requests.length === 0 ? null : refuse({}));
    expect(await retried.run.run()).toMatchObject({ status: "failed", error: { code: "budget" } });
    const { run, spending } = start([fails({ retryable: false }), says("Done.")]);
    spending.answer = async ({ model }) => (model === "m" ? null : refuse({}, { interrupt }));
    const agent = agentConfig.parse({ fallback_models: ["n"] });
    expect(await run.run({ agent })).toMatchObject({ status: "interrupted" });
    expect(run.requests.map(({ model }) => model)).toEqual(["m"]);
  });

  it("leaves the summary to a list of work, and the run continues", async () => {
    const { run, spending } = start([says("Done.")]);
    spending.answer = async ({ output_tokens }) => (output_tokens > 8000 ? refuse({}) : null);
    const history = Array.from({ length: 8 }, () => ({ role: "user" as const, content: "word ".repeat(600) }));
    expect(await run.run({ history, context_tokens: 5000 })).toEqual(completed("Done."));
    expect(run.facts).toMatchObject([{ type: "context_compacted", usage: null }, { type: "assistant_message" }]);
    expect(run.requests.map(({ messages }) => messages[0]?.content === summaryPrompt)).toEqual([false]);
  });

  it("is a cancelled run if it was waited for until a cancel", async () => {
    const { run, spending } = start([says("Done.")]);
    spending.answer = (_, signal) =>
      new Promise((resolve) => {
        signal.addEventListener("abort", () => resolve({ kind: "cancelled" }));
        run.cancel.abort();
      });
    expect(await run.run()).toEqual({ status: "cancelled" });
    expect([run.requests, run.log]).toEqual([[], []]);
  });
});

describe("what a call costs", () => {
  const endsOf = ({ spending }: ReturnType<typeof start>) => spending.calls.map(({ end }) => end);

  it("is what its provider counted, and its worst case where it counted nothing", async () => {
    const counted = start([
      { ...callsTools("work"), tokenizer: 1 },
      { ...says("Done."), tokenizer: null },
    ]);
    await counted.run.run();
    expect(endsOf(counted)).toEqual(["settled", "uncounted"]);
  });

  it("is nothing where a server refused it, and its worst case where it broke off or was cancelled", async () => {
    const broken = start([fails({ is_free: true }), fails({}, "half"), says("Done.")]);
    await broken.run.run();
    expect(endsOf(broken)).toEqual(["free", "charged", "settled"]);
    const cancelled = start([
      { text: "half", hangs: true, before: () => queueMicrotask(() => cancelled.run.cancel.abort()) },
    ]);
    expect(await cancelled.run.run()).toEqual({ status: "cancelled" });
    expect(endsOf(cancelled)).toEqual(["uncounted"]);
    expect(cancelled.run.facts).toMatchObject([{ type: "assistant_message", partial: true, usage: null }]);
  });

  it("is in the books before the fact that names it", async () => {
    const { run, spending } = start([callsTools("work"), says("Done.")]);
    run.onFact = ({ type }) => {
      if (type === "assistant_message") expect(spending.open).toEqual([]);
    };
    expect(await run.run()).toEqual(completed("Done."));
  });

  it("is at most what a cap leaves: the reply is cut there and continues, until too little is left", async () => {
    const run = new ScriptedRun(() => ({ ...says("Half of it", "length"), tokenizer: 1 }));
    const spending = new CheckedSpending(7000);
    run.spending = spending;
    expect(await run.run()).toMatchObject({ status: "failed", error: { code: "budget" } });
    const limits = run.requests.map(({ options }) => options?.max_output_tokens ?? Number.NaN);
    expect(limits).toHaveLength(2);
    expect(Math.max(...limits)).toBeLessThan(4000);
    expect(spending.used).toBeLessThanOrEqual(7000);
  });
});
