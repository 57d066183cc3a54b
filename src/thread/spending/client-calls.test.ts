// A run that brings the results of a client's tools is a part of the work of the run that called them: it goes on with
// that run's count and caps. Else a client that answers by itself would spend without end under any cap.
import { describe, expect, it } from "vitest";
import { cappedThread, counted, runOf, says } from "../../../test/fakes/counted-thread.ts";
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

  it("is asked to raise it where the agent says so, and goes on with the count", async () => {
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
