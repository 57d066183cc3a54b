import { describe, expect, it } from "vitest";
import {
  askTool,
  callsTools,
  completed,
  completeTool,
  fails,
  makePlan,
  makeTool,
  ScriptedRun,
  says,
  type Turn,
} from "../../test/fakes/scripted-run.ts";
import type { ChatMessage } from "../protocol/message.ts";
import type { LoopOutcome } from "./events.ts";

const work = makeTool("work");

describe("a cancelled run", () => {
  const cancelsAmid = (turn: Turn): { run: ScriptedRun; ended: Promise<LoopOutcome> } => {
    const before = () => queueMicrotask(() => run.cancel.abort());
    const run = new ScriptedRun([{ ...turn, before }], [work]);
    return { run, ended: run.run() };
  };

  it("keeps the text that had arrived, without half a tool call, and ends every part", async () => {
    const { run, ended } = cancelsAmid({ text: "So far", calls: [{ name: "work", arguments: "{" }], hangs: true });
    expect(await ended).toEqual({ status: "cancelled" });
    expect(run.facts).toEqual([
      expect.objectContaining({ partial: true, message: { role: "assistant", content: "So far" } }),
    ]);
    const count = (type: string) => run.deltas.filter((delta) => delta.type === type).length;
    expect(count("part_ended")).toBe(count("part_started"));
  });

  it("stores nothing if no text had arrived, and drops what was seen", async () => {
    const { run, ended } = cancelsAmid({ reasoning: "hm", hangs: true });
    expect(await ended).toEqual({ status: "cancelled" });
    expect(run.facts).toEqual([]);
    expect(run.deltas.at(-1)).toEqual({ type: "message_dropped", message_id: "msg_1" });
  });

  it("makes no further attempt at a failing model", async () => {
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
    const run = new ScriptedRun([callsTools("slow", "ask", "work", "client_tool")], [slow, work, askTool]);
    const client_tools = [{ name: "client_tool", description: "", parameters: {} }];
    expect(await run.run({ client_tools })).toEqual({ status: "cancelled" });
    expect(stopped).toBe(true);
    expect([...run.results.keys()].sort()).toEqual(["call_1_0", "call_1_1", "call_1_2", "call_1_3"]);
    expect([...run.results.values()].every((result) => result.content.startsWith("cancelled"))).toBe(true);
  });

  it("leaves no call open when the cancel arrives while results are stored", async () => {
    const run = new ScriptedRun([callsTools("ask", "client_tool")], [askTool]);
    run.onFact = (fact) => {
      if (fact.type === "tool_finished") run.cancel.abort();
    };
    const client_tools = [{ name: "client_tool", description: "", parameters: {} }];
    expect(await run.run({ client_tools })).toEqual({ status: "cancelled" });
    expect(run.results.size).toBe(2);
  });

  it("does nothing if it was cancelled before it started", async () => {
    const run = new ScriptedRun([]);
    run.cancel.abort();
    expect(await run.run()).toEqual({ status: "cancelled" });
    expect(run.log).toEqual([]);
  });
});

describe("a run that the next life continues", () => {
  const left = (...names: string[]): ChatMessage[] => [
    { role: "user", content: "do it" },
    {
      role: "assistant",
      content: null,
      tool_calls: names.map((name, at) => ({ id: `old_${at}`, type: "function", function: { name, arguments: "{}" } })),
    },
  ];

  it("runs the calls that had not started, and repeats, re-attaches or reports those that had", async () => {
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

  it("starts no task for a call that an earlier life has started for another", async () => {
    const run = new ScriptedRun([callsTools("complete")], [makeTool("a", { recovery: "repeat" }), completeTool]);
    const plan = makePlan("cancelled", "pending");
    await run.run({ steps: 1, history: left("a"), started_calls: ["old_0"], seen_task_ids: ["task_1"], plan });
    expect(run.plan.tasks[1]?.status).toBe("pending");
  });

  it("reports that a started call of a tool that is gone may have happened, and calls no other tool in its place", async () => {
    const run = new ScriptedRun([says("Done.")], [work]);
    const client_tools = [{ name: "moved", description: "", parameters: {} }];
    const input = {
      steps: 1,
      history: left("gone", "moved", "later"),
      started_calls: ["old_0", "old_1"],
      client_tools,
    };
    expect(await run.run(input)).toEqual(completed("Done."));
    const interrupted = (name: string) =>
      `interrupted: the server was restarted while ${name} ran. It may have happened: check before you do it again.`;
    expect(run.results.get("old_0")).toEqual({ content: interrupted("gone"), is_error: true });
    expect(run.results.get("old_1")).toEqual({ content: interrupted("moved"), is_error: true });
    expect(run.results.get("old_2")?.content).toBe('There is no tool "later". The tools are: work, moved.');
  });

  it("ends what an earlier life left running if the run was cancelled meanwhile, and starts nothing", async () => {
    const abandoned: string[] = [];
    const command = makeTool("command", {
      recovery: "reattach",
      execute: () => Promise.reject(new Error("nothing may begin")),
      abandon: async ({ tool_call_id }) => {
        abandoned.push(tool_call_id);
      },
    });
    const run = new ScriptedRun([], [command]);
    run.cancel.abort();
    const input = { steps: 1, history: left("command", "command"), started_calls: ["old_0"] };
    expect(await run.run(input)).toEqual({ status: "cancelled" });
    expect(abandoned).toEqual(["old_0"]);
    expect([...run.results.values()].map(({ content }) => content.slice(0, 9))).toEqual(["cancelled", "cancelled"]);
  });

  it("waits no longer than the grace period for what it abandons", async () => {
    const hangs = makeTool("hangs", { recovery: "reattach", abandon: () => new Promise(() => {}) });
    const run = new ScriptedRun([], [hangs]);
    run.impatient = true;
    run.cancel.abort();
    expect(await run.run({ steps: 1, history: left("hangs"), started_calls: ["old_0"] })).toEqual({
      status: "cancelled",
    });
  });

  it("runs only what has no result yet", async () => {
    const run = new ScriptedRun([says("Done.")], [work]);
    await run.run({
      steps: 1,
      history: [...left("work", "work"), { role: "tool", tool_call_id: "old_0", content: "ok" }],
    });
    expect([...run.results.keys()]).toEqual(["old_1"]);
  });

  it("repeats the question it had asked, and waits again for the client", async () => {
    const asks = new ScriptedRun([], [askTool]);
    expect(await asks.run({ steps: 1, history: left("ask") })).toMatchObject({ interrupts: [{ id: "int_old_0" }] });
    const client_tools = [{ name: "client_tool", description: "", parameters: {} }];
    const waits = new ScriptedRun([], [work]);
    expect(await waits.run({ steps: 1, history: left("work", "client_tool"), client_tools })).toEqual(
      completed("", 0, ["old_1"]),
    );
  });

  it("ends with the last stored reply, without another model call", async () => {
    const run = new ScriptedRun([]);
    const history: ChatMessage[] = [
      { role: "user", content: "hi" },
      { role: "assistant", content: "Hello." },
    ];
    expect(await run.run({ steps: 1, history })).toEqual(completed("Hello."));
  });

  it("continues with a new run's input if a client never answered its call", async () => {
    const run = new ScriptedRun([says("Never mind.")]);
    const history: ChatMessage[] = [...left("client_tool"), { role: "user", content: "so?" }];
    expect(await run.run({ history })).toEqual(completed("Never mind."));
    expect(run.facts.filter((fact) => fact.type === "tool_finished")).toEqual([]);
    expect(run.requests[0]?.messages.filter((message) => message.role === "tool")).toHaveLength(1);
  });

  it("keeps the count of equal calls", async () => {
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
