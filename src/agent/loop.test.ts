import { describe, expect, it } from "vitest";
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
  type Turn,
} from "../../test/fakes/scripted-run.ts";
import type { ChatMessage } from "../protocol/message.ts";
import type { LoopOutcome } from "./events.ts";
import { SandboxError } from "./sandbox.ts";

const work = makeTool("work");
const completed = (text: string, unfinished_tasks = 0, pending_tool_call_ids: string[] = []) => ({
  status: "completed",
  text,
  unfinished_tasks,
  pending_tool_call_ids,
});

describe("a run", () => {
  it("completes with the text of a reply that calls nothing", async () => {
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

  it("ends with the words of a tool that completes it, after the other calls of the message", async () => {
    const run = new ScriptedRun([callsTools("complete", "work")], [work, completeTool]);
    expect(await run.run()).toEqual(completed("All done."));
    expect([...run.results.values()].map((result) => result.content)).toEqual(["The run ends here.", "work done"]);
  });

  it("fails at its limit of steps, counting those of earlier lives", async () => {
    const run = new ScriptedRun([callsTools("work"), callsTools("work")], [work]);
    const outcome = await run.run({ max_steps: 5, steps: 3 });
    expect(outcome).toMatchObject({
      status: "failed",
      error: { code: "max_steps", message: expect.stringContaining("5") },
    });
    expect(run.requests).toHaveLength(2);
  });

  it("asks the person and answers everything else of the message", async () => {
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

  it("leaves a client's tool to the client, after its own calls of the message", async () => {
    const run = new ScriptedRun([{ ...callsTools("client_tool", "work"), text: "One moment." }], [work]);
    const client_tools = [{ name: "client_tool", description: "", parameters: {} }];
    expect(await run.run({ client_tools })).toEqual(completed("One moment.", 0, ["call_1_0"]));
    expect([...run.results.keys()]).toEqual(["call_1_1"]);
  });

  it("offers its own tool where a client's has the same name", async () => {
    const run = new ScriptedRun([callsTools("work"), says("Done.")], [work]);
    await run.run({ client_tools: [{ name: "work", description: "the client's", parameters: {} }] });
    expect(run.requests[0]?.tools.map((tool) => tool.description)).toEqual(["does work"]);
    expect(run.results.get("call_1_0")?.content).toBe("work done");
  });

  it("fails when there is no sandbox to be had, after every call has its result", async () => {
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

  it("takes in what a person adds at the next step, and before it would end", async () => {
    const run = new ScriptedRun([callsTools("work"), says("Done."), says("Blue, then.")], [work]);
    run.steered = [[], [{ role: "user", content: "hurry" }], [{ role: "user", content: "make it blue" }]];
    expect(await run.run()).toEqual(completed("Blue, then."));
    expect(run.requests[1]?.messages.at(-1)).toEqual({ role: "user", content: "hurry" });
    expect(run.requests[2]?.messages.at(-1)).toEqual({ role: "user", content: "make it blue" });
  });

  it("rejects only with what emit rejects with", async () => {
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
  it("is reminded of in the last message of each call, never stored, over a prefix that stays byte-equal", async () => {
    const run = new ScriptedRun(
      [callsTools("work"), callsTools("update_tasks"), callsTools("update_tasks"), says("Done.")],
      [work, planTool],
    );
    await run.run({ plan: makePlan("pending", "pending") });
    for (const [at, { messages }] of run.requests.entries()) {
      expect(messages.at(-1)).toMatchObject({ role: "user", content: expect.stringMatching(/^<plan_reminder>/) });
      const before = run.requests[at - 1];
      if (!before) continue;
      const prefix = before.messages.slice(0, -1);
      expect(JSON.stringify(messages.slice(0, prefix.length))).toBe(JSON.stringify(prefix));
      expect(JSON.stringify(run.requests[at]?.tools)).toBe(JSON.stringify(before.tools));
    }
    expect(JSON.stringify(run.facts)).not.toContain("<plan_reminder>");
  });

  it("starts the due task with the first tool that works, and hands each plan tool the plan as it stands", async () => {
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

  it("is pointed at when a reply ends with open tasks, three times, then the run says what is unfinished", async () => {
    const run = new ScriptedRun([says("a"), says("b"), says("c"), says("d")]);
    expect(await run.run({ plan: makePlan("pending", "pending") })).toEqual(completed("d", 2));
    for (const at of [1, 2, 3])
      expect(run.lastWords(at)).toMatch(/^<plan_reminder>[\s\S]*2 tasks are still open.*task_1/);
    expect(run.lastWords(0)).not.toContain("still open");
  });

  it("is pointed at anew after progress, but not after work that failed", async () => {
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

  it("tells the model to finish once all tasks have ended", async () => {
    const run = new ScriptedRun([callsTools("update_tasks"), says("Done.")], [planTool]);
    expect(await run.run({ plan: makePlan("in_progress") })).toEqual(completed("Done.", 0));
    expect(run.lastWords(1)).toContain("All tasks have ended");
  });
});

describe("a reply that is not a good one", () => {
  it("is asked for once more when it is empty, and the run fails when it is empty again", async () => {
    const better = new ScriptedRun([says(""), says("Here.")]);
    expect(await better.run()).toEqual(completed("Here."));
    expect(better.lastWords(1)).toContain("empty");
    const never = new ScriptedRun([says(""), says("  ")]);
    expect(await never.run()).toMatchObject({ status: "failed", error: { code: "model_error" } });
    expect(never.requests[1]?.messages.some((message) => message.role === "assistant")).toBe(false);
  });

  it("ends the run with what was said before, when it is empty twice after work", async () => {
    const run = new ScriptedRun([{ ...callsTools("work"), text: "I made it." }, says(""), says("")], [work]);
    expect(await run.run()).toEqual(completed("I made it."));
  });

  it("is continued where it was cut, and the result is the whole", async () => {
    const run = new ScriptedRun([says("One, ", "length"), says("two, ", "length"), says("three.")]);
    expect(await run.run()).toEqual(completed("One, two, three."));
    expect(run.lastWords(1)).toContain("output limit");
  });

  it("is not continued for ever", async () => {
    const run = new ScriptedRun(Array.from({ length: 10 }, () => says("x", "length")));
    expect(await run.run()).toEqual(completed("xxxx"));
    expect(run.requests).toHaveLength(4);
  });

  it("gets an error for a call that was cut amid its arguments, and its whole calls are run", async () => {
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

  it("fails the run in clear words when the provider filtered it, and leaves no call open", async () => {
    const text = new ScriptedRun([says("I", "content_filter")]);
    expect(await text.run()).toMatchObject({ status: "failed", error: { message: expect.stringContaining("filter") } });
    const call = new ScriptedRun([{ ...callsTools("work"), finish: "content_filter" }], [work]);
    expect(await call.run()).toMatchObject({ status: "failed", error: { code: "model_error" } });
    expect(call.results.get("call_1_0")?.is_error).toBe(true);
  });
});

describe("a cancelled run", () => {
  const cancelsAmid = (turn: Turn): { run: ScriptedRun; ended: Promise<LoopOutcome> } => {
    const before = () => queueMicrotask(() => run.cancel.abort());
    const run = new ScriptedRun([{ ...turn, before }], [work]);
    return { run, ended: run.run() };
  };

  it("keeps the text that had come, without half a tool call, and ends every part", async () => {
    const { run, ended } = cancelsAmid({ text: "So far", calls: [{ name: "work", arguments: "{" }], hangs: true });
    expect(await ended).toEqual({ status: "cancelled" });
    expect(run.facts).toEqual([
      expect.objectContaining({ partial: true, message: { role: "assistant", content: "So far" } }),
    ]);
    const count = (type: string) => run.deltas.filter((delta) => delta.type === type).length;
    expect(count("part_ended")).toBe(count("part_started"));
  });

  it("stores nothing where no text had come, and drops what was seen", async () => {
    const { run, ended } = cancelsAmid({ reasoning: "hm", hangs: true });
    expect(await ended).toEqual({ status: "cancelled" });
    expect(run.facts).toEqual([]);
    expect(run.deltas.at(-1)).toEqual({ type: "message_dropped", message_id: "msg_1" });
  });

  it("makes no other attempt at a failing model", async () => {
    const { run, ended } = cancelsAmid(fails());
    expect(await ended).toEqual({ status: "cancelled" });
    expect(run.requests).toHaveLength(1);
  });

  it("ends the running tool and answers every call of the message", async () => {
    let stopped = false;
    const slow = makeTool("slow", {
      execute: (_input, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => {
            stopped = true;
            reject(signal.reason);
          });
          queueMicrotask(() => run.cancel.abort());
        }),
    });
    const run = new ScriptedRun([callsTools("ask", "slow", "work", "client_tool")], [slow, work, askTool]);
    const client_tools = [{ name: "client_tool", description: "", parameters: {} }];
    expect(await run.run({ client_tools })).toEqual({ status: "cancelled" });
    expect(stopped).toBe(true);
    expect([...run.results.keys()].sort()).toEqual(["call_1_0", "call_1_1", "call_1_2", "call_1_3"]);
    expect([...run.results.values()].every((result) => result.content.startsWith("cancelled"))).toBe(true);
  });

  it("leaves no call open when the cancel comes while results are stored", async () => {
    const run = new ScriptedRun([callsTools("ask", "client_tool")], [askTool]);
    run.onFact = (fact) => {
      if (fact.type === "tool_finished") run.cancel.abort();
    };
    const client_tools = [{ name: "client_tool", description: "", parameters: {} }];
    expect(await run.run({ client_tools })).toEqual({ status: "cancelled" });
    expect(run.results.size).toBe(2);
  });

  it("does nothing at all when it was cancelled before it began", async () => {
    const run = new ScriptedRun([]);
    run.cancel.abort();
    expect(await run.run()).toEqual({ status: "cancelled" });
    expect(run.log).toEqual([]);
  });
});

describe("a run that a next life takes up", () => {
  const left = (...names: string[]): ChatMessage[] => [
    { role: "user", content: "do it" },
    {
      role: "assistant",
      content: null,
      tool_calls: names.map((name, at) => ({ id: `old_${at}`, type: "function", function: { name, arguments: "{}" } })),
    },
  ];

  it("runs the calls that had not begun, and repeats, re-attaches or reports those that had", async () => {
    const seen: string[] = [];
    const tool = (name: string, recovery: "repeat" | "reattach" | "report") =>
      makeTool(name, {
        recovery,
        execute: async (_input, context) => {
          seen.push(`${name} ${context.tool_call_id}`);
          return { content: name, is_error: false };
        },
      });
    const tools = [tool("a", "repeat"), tool("b", "reattach"), tool("c", "report"), tool("d", "report")];
    const run = new ScriptedRun([says("Done.")], tools);
    await run.run({ steps: 1, history: left("a", "b", "c", "d"), started_calls: ["old_0", "old_1", "old_2"] });
    expect(seen).toEqual(["a old_0", "b old_1", "d old_3"]);
    expect(run.results.get("old_2")).toMatchObject({
      is_error: true,
      content: expect.stringContaining("It may have happened"),
    });
    expect(run.requests[0]?.messages.filter((message) => message.role === "tool")).toHaveLength(4);
    expect(run.facts.filter((fact) => fact.type === "tool_started").map((fact) => fact.tool_call_id)).toEqual([
      "old_0",
      "old_1",
      "old_3",
    ]);
  });

  it("runs only what has no result yet", async () => {
    const run = new ScriptedRun([says("Done.")], [work]);
    await run.run({
      steps: 1,
      history: [...left("work", "work"), { role: "tool", tool_call_id: "old_0", content: "ok" }],
    });
    expect([...run.results.keys()]).toEqual(["old_1"]);
  });

  it("asks again what it had asked, and waits again for the client", async () => {
    const asks = new ScriptedRun([], [askTool]);
    expect(await asks.run({ steps: 1, history: left("ask") })).toMatchObject({ interrupts: [{ id: "int_old_0" }] });
    const client_tools = [{ name: "client_tool", description: "", parameters: {} }];
    const waits = new ScriptedRun([], [work]);
    expect(await waits.run({ steps: 1, history: left("work", "client_tool"), client_tools })).toEqual(
      completed("", 0, ["old_1"]),
    );
  });

  it("ends with the reply that was stored last, without asking the model again", async () => {
    const run = new ScriptedRun([]);
    const history: ChatMessage[] = [
      { role: "user", content: "hi" },
      { role: "assistant", content: "Hello." },
    ];
    expect(await run.run({ steps: 1, history })).toEqual(completed("Hello."));
  });

  it("goes on from a new run's input where a client never answered its call", async () => {
    const run = new ScriptedRun([says("Never mind.")]);
    const history: ChatMessage[] = [...left("client_tool"), { role: "user", content: "so?" }];
    expect(await run.run({ history })).toEqual(completed("Never mind."));
    expect(run.facts.filter((fact) => fact.type === "tool_finished")).toEqual([]);
    expect(run.requests[0]?.messages.filter((message) => message.role === "tool")).toHaveLength(1);
  });

  it("remembers how often the same call was made", async () => {
    const history: ChatMessage[] = left("work");
    for (const id of ["old_1", "old_2"]) {
      history.push({ role: "tool", tool_call_id: id === "old_1" ? "old_0" : "old_1", content: "ok" });
      history.push({
        role: "assistant",
        content: null,
        tool_calls: [{ id, type: "function", function: { name: "work", arguments: "{ }" } }],
      });
    }
    history.push({ role: "tool", tool_call_id: "old_2", content: "ok" });
    const run = new ScriptedRun([callsTools("work"), says("I see.")], [work]);
    await run.run({ steps: 3, history });
    expect(run.results.get("call_1_0")?.content).toContain("4 times in a row");
  });
});
