// When a long run gets a summary, and what it keeps of the messages before it.
import { describe, expect, it } from "vitest";
import { LongRun } from "../../../test/fakes/long-run.ts";
import { CONSTRAINT, start, summaryOf, WINDOW, worksFor } from "../../../test/fakes/long-work.ts";
import { agentConfig } from "../../protocol/agents/agent.ts";
import type { ChatMessage } from "../../protocol/message.ts";
import type { ModelRequest } from "../model.ts";

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
