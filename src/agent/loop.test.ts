import { describe, expect, it } from "vitest";
import {
  askTool,
  callsTools,
  completed,
  completeTool,
  makePlan,
  makeTool,
  planTool,
  ScriptedRun,
  says,
} from "../../test/fakes/scripted-run.ts";
import { SandboxError } from "./sandbox.ts";

const work = makeTool("work");

describe("a run", () => {
  it("completes with the text of a reply without tool calls", async () => {
    const run = new ScriptedRun([says("Hello.")]);
    expect(await run.run()).toEqual(completed("Hello."));
    expect(run.facts).toEqual([
      expect.objectContaining({
        type: "assistant_message",
        message_id: "msg_1",
        message: { role: "assistant", content: "Hello." },
        partial: false,
      }),
    ]);
  });

  it("stores the message before a tool starts, and the result before the next model call", async () => {
    const run = new ScriptedRun([callsTools("work"), says("Done.")], [work]);
    await run.run();
    expect(run.facts.map((fact) => fact.type)).toEqual([
      "assistant_message",
      "tool_started",
      "tool_finished",
      "assistant_message",
    ]);
    expect(run.requests[1]?.messages.slice(-2)).toEqual([
      expect.objectContaining({ role: "assistant", content: null }),
      { role: "tool", tool_call_id: "call_1_0", content: "work done" },
    ]);
  });

  it("ends with the text of a tool that completes it, after the other calls of the message", async () => {
    const run = new ScriptedRun([callsTools("complete", "work")], [work, completeTool]);
    expect(await run.run()).toEqual(completed("All done."));
    expect([...run.results.values()].map((result) => result.content)).toEqual(["The run ends here.", "work done"]);
  });

  it("fails at its limit of steps, counting those of earlier lives", async () => {
    const run = new ScriptedRun([callsTools("work"), callsTools("work")], [work]);
    const outcome = await run.run({ max_steps: 5, steps: 3 });
    expect(outcome).toMatchObject({
      status: "failed",
      error: { code: "max_steps", message: expect.stringMatching(/its limit of 5 .* or raise max_steps\.$/) },
    });
    expect(run.requests).toHaveLength(2);
  });

  it("asks the person, and answers every other call of the message", async () => {
    const run = new ScriptedRun([callsTools("ask", "work", "client_tool")], [work, askTool]);
    const client_tools = [{ name: "client_tool", description: "", parameters: {} }];
    expect(await run.run({ client_tools })).toEqual({
      status: "interrupted",
      interrupts: [
        {
          id: "int_call_1_0",
          tool_call_id: "call_1_0",
          reason: "question",
          message: "Which?",
          response_schema: { type: "string" },
          expires_at: null,
        },
      ],
    });
    expect([...run.results.keys()]).toEqual(["call_1_1", "call_1_2"]);
    expect(run.results.get("call_1_2")?.content).toContain("question to the person is open");
  });

  it("leaves a client's tool to the client, after the server's own calls of the message", async () => {
    const run = new ScriptedRun([{ ...callsTools("client_tool", "work"), text: "One moment." }], [work]);
    const client_tools = [{ name: "client_tool", description: "", parameters: {} }];
    expect(await run.run({ client_tools })).toEqual(completed("One moment.", 0, ["call_1_0"]));
    expect([...run.results.keys()]).toEqual(["call_1_1"]);
  });

  it("offers the server's own tool if a client's has the same name", async () => {
    const run = new ScriptedRun([callsTools("work"), says("Done.")], [work]);
    await run.run({ client_tools: [{ name: "work", description: "the client's", parameters: {} }] });
    expect(run.requests[0]?.tools.map((tool) => tool.description)).toEqual(["does work"]);
    expect(run.results.get("call_1_0")?.content).toBe("work done");
  });

  it("fails if there is no sandbox, after every call has its result", async () => {
    const broken = makeTool("broken", {
      execute: async () => {
        throw new SandboxError("unavailable", "The quota of sandboxes is used up.");
      },
    });
    const run = new ScriptedRun([callsTools("broken", "work")], [broken, work]);
    const error = { code: "sandbox_error", message: "The quota of sandboxes is used up." };
    expect(await run.run()).toEqual({ status: "failed", error });
    expect(run.results.get("call_1_1")).toMatchObject({ is_error: true });
    expect(run.facts.filter((fact) => fact.type === "tool_started")).toHaveLength(1);
  });

  it("takes in a person's message at the next step, and before it would end", async () => {
    const run = new ScriptedRun([callsTools("work"), says("Done."), says("Blue, then.")], [work]);
    run.steered = [[], [{ role: "user", content: "hurry" }], [{ role: "user", content: "make it blue" }]];
    expect(await run.run()).toEqual(completed("Blue, then."));
    expect(run.requests[1]?.messages.at(-1)).toEqual({ role: "user", content: "hurry" });
    expect(run.requests[2]?.messages.at(-1)).toEqual({ role: "user", content: "make it blue" });
  });

  it("rejects only if emit does", async () => {
    const broken = new ScriptedRun([says("x")]);
    broken.onFact = () => {
      throw new Error("the store is gone");
    };
    await expect(broken.run()).rejects.toThrow("the store is gone");
    const buggy = new ScriptedRun([]);
    expect(await buggy.run()).toMatchObject({ status: "failed", error: { code: "internal" } });
    expect(buggy.bugs).toHaveLength(1);
  });
});

describe("the plan in a run", () => {
  it("is in the reminder of each call, never stored, after a prefix that stays byte-equal", async () => {
    const run = new ScriptedRun(
      [callsTools("work"), callsTools("update_tasks"), callsTools("update_tasks"), says("Done.")],
      [work, planTool],
    );
    await run.run({ plan: makePlan("pending", "pending") });
    for (const [at, { messages, reminder }] of run.requests.entries()) {
      expect(reminder).toMatch(/^<plan_reminder>/);
      const before = run.requests[at - 1];
      if (!before) continue;
      const prefix = before.messages;
      expect(JSON.stringify(messages.slice(0, prefix.length))).toBe(JSON.stringify(prefix));
      expect(JSON.stringify(run.requests[at]?.tools)).toBe(JSON.stringify(before.tools));
    }
    expect(JSON.stringify(run.facts)).not.toContain("<plan_reminder>");
  });

  it("starts the due task with the first work tool, and gives each plan tool the current plan", async () => {
    const reads = makeTool("read", { kind: "plan", read_only: true });
    const run = new ScriptedRun(
      [
        callsTools("read", "work", { name: "work", arguments: '{"a":1}' }, "update_tasks", "work"),
        says("x", "stop"),
        says("x"),
        says("x"),
        says("x"),
      ],
      [work, planTool, reads],
    );
    await run.run({ plan: makePlan("pending", "pending") });
    const plans = run.facts.flatMap((fact) =>
      "plan" in fact && fact.plan
        ? [[fact.type, fact.plan.version, ...fact.plan.tasks.map((task) => task.status)]]
        : [],
    );
    expect(plans).toEqual([
      ["tool_started", 2, "in_progress", "pending"],
      ["tool_finished", 3, "completed", "pending"],
      ["tool_started", 4, "completed", "in_progress"],
    ]);
  });

  it("is brought up three times when replies end with open tasks, then the run reports what is unfinished", async () => {
    const run = new ScriptedRun([says("a"), says("b"), says("c"), says("d")]);
    expect(await run.run({ plan: makePlan("pending", "pending") })).toEqual(completed("d", 2));
    for (const at of [1, 2, 3])
      expect(run.lastWords(at)).toMatch(/<plan_reminder>[\s\S]*2 tasks are still open.*task_1/);
    expect(run.lastWords(0)).not.toContain("still open");
  });

  it("is brought up again after progress, but not after work that failed", async () => {
    const failing = makeTool("failing", { execute: async () => ({ content: "no", is_error: true }) });
    const turns = [
      says("1"),
      says("2"),
      callsTools("work"),
      says("3"),
      says("4"),
      callsTools("failing"),
      says("5"),
      says("6"),
    ];
    const run = new ScriptedRun(turns, [work, failing]);
    expect(await run.run({ plan: makePlan("pending") })).toEqual(completed("6", 1));
  });

  it("asks the model to finish once all tasks have ended", async () => {
    const run = new ScriptedRun([callsTools("update_tasks"), says("Done.")], [planTool]);
    expect(await run.run({ plan: makePlan("in_progress") })).toEqual(completed("Done.", 0));
    expect(run.lastWords(1)).toContain("All tasks have ended");
  });
});

describe("an unusable reply", () => {
  it("is requested once more if it is empty, and the run fails if it is empty again", async () => {
    const better = new ScriptedRun([says(""), says("Here.")]);
    expect(await better.run()).toEqual(completed("Here."));
    expect(better.lastWords(1)).toContain("empty");
    const never = new ScriptedRun([says(""), says("  ")]);
    expect(await never.run()).toMatchObject({ status: "failed", error: { code: "model_error" } });
    expect(never.requests[1]?.messages.some((message) => message.role === "assistant")).toBe(false);
  });

  it("ends the run with the earlier text if it is empty twice after work", async () => {
    const run = new ScriptedRun([{ ...callsTools("work"), text: "I made it." }, says(""), says("")], [work]);
    expect(await run.run()).toEqual(completed("I made it."));
  });

  it("is continued where it was cut, and the result is the whole text", async () => {
    const run = new ScriptedRun([says("One, ", "length"), says("two, ", "length"), says("three.")]);
    expect(await run.run()).toEqual(completed("One, two, three."));
    expect(run.lastWords(1)).toContain("output limit");
  });

  it("is not continued for ever", async () => {
    const run = new ScriptedRun(Array.from({ length: 10 }, () => says("x", "length")));
    expect(await run.run()).toEqual(completed("xxxx"));
    expect(run.requests).toHaveLength(4);
  });

  it("gets an error for a call that was cut within its arguments, and its complete calls run", async () => {
    const turn = { ...callsTools("work", { name: "work", arguments: '{"content":"abc' }), finish: "length" as const };
    const run = new ScriptedRun([turn, says("Done.")], [work]);
    await run.run();
    expect(run.results.get("call_1_0")?.is_error).toBe(false);
    expect(run.results.get("call_1_1")).toMatchObject({
      is_error: true,
      content: expect.stringContaining("output limit"),
    });
    const shown = run.requests[1]?.messages.find((message) => message.role === "assistant");
    expect(shown).toMatchObject({ tool_calls: [{}, { function: { arguments: "{}" } }] });
  });

  it("fails the run with a clear message if the provider filtered it, and leaves no call open", async () => {
    const text = new ScriptedRun([says("I", "content_filter")]);
    expect(await text.run()).toMatchObject({ status: "failed", error: { message: expect.stringContaining("filter") } });
    const call = new ScriptedRun([{ ...callsTools("work"), finish: "content_filter" }], [work]);
    expect(await call.run()).toMatchObject({ status: "failed", error: { code: "model_error" } });
    expect(call.results.get("call_1_0")?.is_error).toBe(true);
  });
});
