// A run that brings the results of a client's tools is a part of the work of the run that called them: it continues
// with that run's count and caps. Else a client that answers by itself would spend without end under any cap.
import { describe, expect, it } from "vitest";
import { cappedThread, counted, runOf, says } from "../../../test/fakes/counted-thread.ts";
import { Gate } from "../../../test/fakes/gate.ts";
import { call, type Reply } from "../../../test/fakes/replies.ts";
import type { FakeThread } from "../../../test/fakes/thread.ts";
import type { AgentConfig } from "../../protocol/agents/agent.ts";
import type { RunInput } from "../../protocol/thread.ts";

const client_tools = [{ name: "pick", description: "Lets the person pick.", parameters: { type: "object" } }];
const used = counted({ input_tokens: 9_000, output_tokens: 1_000 });

const picks =
  (id: string): Reply =>
  async (...given) => {
    const outcome = await call({ id, name: "pick", input: {} })(...given);
    return outcome.kind === "reply" ? { ...outcome, reply: { ...outcome.reply, usage: used } } : outcome;
  };

const results = (place: number): Partial<RunInput> => ({
  ...{ invocation_id: `inv_${place}`, messages: [], client_tools },
  tool_results: [{ message_id: `res_${place}`, tool_call_id: `c${place}`, content: "red" }],
});

/** Answers each call by itself, up to `most` times. Returns the run that ended otherwise. */
async function answerAll(thread: FakeThread, input: Partial<RunInput>, most: number) {
  await thread.run("go", { invocation_id: "inv_0", client_tools, ...input });
  let place = 0;
  while (runOf(thread, `inv_${place}`).status === "completed" && place < most) {
    place += 1;
    await thread.run("", results(place));
  }
  return runOf(thread, `inv_${place}`);
}

const capped = (
  agent: Partial<AgentConfig>,
  replies = Array.from({ length: 30 }, (_, place) => picks(`c${place + 1}`)),
) => cappedThread(replies, { agent });

describe("a client that answers its tools by itself", () => {
  it.each([
    ["its request", {}, { caps: [{ scope: "run" as const, max_total_tokens: 60_000 }] }, "run"],
    ["its agent", { max_total_tokens: 60_000 }, {}, "agent"],
    ["its trigger", {}, { caps: [{ scope: "trigger" as const, max_total_tokens: 60_000 }] }, "trigger"],
  ])("ends at the cap of %s, counted over all its runs", async (_, agent, input, scope) => {
    const last = await answerAll(capped(agent), input, 20);
    const cap = { scope, name: "max_total_tokens", limit: 60_000 };
    expect(last).toMatchObject({ status: "failed", error: { code: "budget", cap } });
  });

  it("is asked to raise it where the agent says so, and continues with the count", async () => {
    const thread = capped({ max_total_tokens: 60_000, on_cap: "ask" });
    const asking = await answerAll(thread, {}, 20);
    expect(asking).toMatchObject({ status: "interrupted", interrupts: [{ reason: "budget" }] });
    const [{ id = "" } = {}] = asking.interrupts;
    const payload = { approved: true, max_total_tokens: 80_000 };
    await thread.run("", {
      ...{ invocation_id: "inv_more", messages: [], client_tools },
      resume: [{ interrupt_id: id, status: "resolved", payload }],
    });
    expect(runOf(thread, "inv_more")).toMatchObject({ status: "completed", caps: { max_total_tokens: 80_000 } });
  });

  it("may set the request's cap anew with a result, as with an answer", async () => {
    const thread = capped({}, [picks("c1"), says("done", used)]);
    await answerAll(thread, { caps: [{ scope: "run", max_total_tokens: 60_000 }] }, 0);
    await thread.run("", { ...results(1), caps: [{ scope: "run", max_total_tokens: 10_000 }] });
    expect(runOf(thread, "inv_1")).toMatchObject({
      status: "failed",
      error: { code: "budget", cap: { limit: 10_000 } },
    });
  });

  it("begins anew with a person's message", async () => {
    const thread = capped({ max_total_tokens: 60_000 });
    await answerAll(thread, {}, 20);
    await thread.run("and now?", { invocation_id: "inv_new", client_tools });
    expect(runOf(thread, "inv_new").status).toBe("completed");
  });
});

describe("a client that sends each of several results by itself, before the model has replied to the first", () => {
  const MAX_STEPS = 12;

  /** Calls twice, once `sent` says that both results are there. The calls are named after the place of the reply. */
  const picksTwice =
    (place: number, sent: () => Promise<void>): Reply =>
    async (...given) => {
      await sent();
      const calls = ["a", "b"].map((part) => ({ id: `c${place}${part}`, name: "pick", input: {} }));
      const outcome = await call(...calls)(...given);
      return outcome.kind === "reply" ? { ...outcome, reply: { ...outcome.reply, usage: used } } : outcome;
    };

  async function answerEach(agent: Partial<AgentConfig>) {
    let sent = new Gate();
    const replies = Array.from({ length: 40 }, (_, place) => picksTwice(place + 1, () => sent.opened));
    const thread = capped(agent, replies);
    sent.open();
    await thread.run("go", { invocation_id: "inv_0", client_tools });
    const runs = [runOf(thread, "inv_0")];
    for (let step = 1; step <= MAX_STEPS && runs.at(-1)?.status === "completed"; step++) {
      sent = new Gate();
      const replied = thread.requests.length;
      const ids = ["a", "b"].map((part) => `inv_${step}${part}`);
      for (const id of ids) {
        const result = { message_id: `of_${id}`, tool_call_id: `c${replied}${id.at(-1)}`, content: "red" };
        await thread.accept("", {
          ...{ invocation_id: id, messages: [], client_tools, tool_results: [result], from_history: true },
        });
      }
      sent.open();
      for (const id of ids) await thread.read({ invocation_id: id }).untilClosed();
      runs.push(...ids.map((id) => runOf(thread, id)));
    }
    return runs;
  }

  it("ends at the cap of its agent, counted over all its runs", async () => {
    const runs = await answerEach({ max_total_tokens: 60_000 });
    const tokens = runs.reduce((sum, { usage }) => sum + usage.input_tokens + usage.output_tokens, 0);
    expect(runs.at(-1)).toMatchObject({ status: "failed", error: { code: "budget" } });
    expect(tokens).toBeLessThanOrEqual(60_000);
  });

  it("continues with the count and the caps of a run that a cap has ended before it replied", async () => {
    const thread = capped({}, [picksTwice(1, async () => {}), says("done", used)]);
    await thread.run("go", { invocation_id: "inv_0", client_tools });
    const part = (name: string): Partial<RunInput> => ({
      ...{ invocation_id: `inv_${name}`, messages: [], client_tools, from_history: true },
      tool_results: [{ message_id: `res_${name}`, tool_call_id: `c1${name}`, content: "red" }],
    });
    await thread.run("", { ...part("a"), caps: [{ scope: "run", max_total_tokens: 10_000 }] });
    await thread.run("", part("b"));
    const ended = { status: "failed", error: { code: "budget", cap: { scope: "run", limit: 10_000 } } };
    expect([runOf(thread, "inv_a"), runOf(thread, "inv_b")]).toMatchObject([ended, ended]);
  });
});

describe("an answer to a run that asked for more, with another agent", () => {
  async function askingThread(): Promise<FakeThread> {
    const thread = cappedThread([picks("c1"), says("done", used)], {
      agent: { max_total_tokens: 100, on_cap: "ask" },
      agents: ["other"],
    });
    await thread.run("go", { invocation_id: "inv_0", caps: [{ scope: "run", max_total_tokens: 50 }] });
    expect(runOf(thread, "inv_0").interrupts).toMatchObject([{ reason: "budget" }]);
    return thread;
  }
  const answer = (payload: unknown): Partial<RunInput> => ({
    ...{ invocation_id: "inv_1", messages: [], agent_id: "other" },
    resume: [{ interrupt_id: "int_budget_inv_0", status: "resolved", payload }],
  });

  it("ends the run if it is no", async () => {
    const thread = await askingThread();
    await thread.run("", answer(false));
    expect(runOf(thread, "inv_1")).toMatchObject({ status: "failed", error: { code: "budget" } });
    expect(thread.requests).toEqual([]);
  });

  it("raises the caps of the request and continues with the count if it is yes", async () => {
    const thread = await askingThread();
    await thread.run("", answer({ approved: true, max_total_tokens: 90_000 }));
    expect(runOf(thread, "inv_1")).toMatchObject({ status: "completed", caps: { max_total_tokens: 90_000 } });
  });
});
