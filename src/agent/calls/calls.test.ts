import { describe, expect, it } from "vitest";
import { askTool, callsTools, completeTool, makeTool, ScriptedRun, says } from "../../../test/fakes/scripted-run.ts";
import { SandboxError } from "../sandbox.ts";
import type { Tool } from "../tool.ts";

/** Tools that record when they start and end. Each ends only once `release` names it. */
function makeReads(names: string[], read_only = true) {
  const notes: string[] = [];
  const waiting = new Map<string, () => void>();
  const tools = names.map((name) =>
    makeTool(name, {
      read_only,
      execute: async () => {
        notes.push(`+${name}`);
        await new Promise<void>((resolve) => waiting.set(name, resolve));
        notes.push(`-${name}`);
        return { content: name, is_error: false };
      },
    }),
  );
  const release = async (name: string) => {
    while (!waiting.has(name)) await new Promise((resolve) => setImmediate(resolve));
    waiting.get(name)?.();
  };
  return { tools, notes, release };
}

describe("the calls of one message", () => {
  it("run in parallel if they are read-only, with results in source order", async () => {
    const { tools, notes, release } = makeReads(["a", "b", "c"]);
    const run = new ScriptedRun([callsTools("a", "b", "c"), says("x")], tools);
    const ended = run.run();
    for (const name of ["c", "a", "b"]) await release(name);
    await ended;
    expect(notes.slice(0, 3)).toEqual(["+a", "+b", "+c"]);
    expect([...run.results.values()].map((result) => result.content)).toEqual(["a", "b", "c"]);
  });

  it("run one after another if they may change something, also between reads", async () => {
    const { tools, notes, release } = makeReads(["a", "b", "c"]);
    const changing = tools.map((tool): Tool => (tool.name === "b" ? { ...tool, read_only: false } : tool));
    const run = new ScriptedRun([callsTools("a", "b", "c"), says("x")], changing);
    const ended = run.run();
    for (const name of ["a", "b", "c"]) await release(name);
    await ended;
    expect(notes).toEqual(["+a", "-a", "+b", "-b", "+c", "-c"]);
  });

  it("run no more than a few at once", async () => {
    const names = Array.from({ length: 9 }, (_, at) => `read_${at}`);
    let running = 0;
    let most = 0;
    const tools = names.map((name) =>
      makeTool(name, {
        read_only: true,
        execute: async () => {
          most = Math.max(most, ++running);
          await new Promise((resolve) => setImmediate(resolve));
          running--;
          return { content: name, is_error: false };
        },
      }),
    );
    const run = new ScriptedRun([callsTools(...names), says("x")], tools);
    await run.run();
    expect(most).toBe(4);
    expect(run.results.size).toBe(9);
  });

  it("are stored as started before they start", async () => {
    const order: string[] = [];
    const work = makeTool("work", {
      execute: async () => {
        order.push("executed");
        return { content: "", is_error: false };
      },
    });
    const run = new ScriptedRun([callsTools("work"), says("x")], [work]);
    run.onFact = (fact) => void order.push(fact.type);
    await run.run();
    expect(order.slice(0, 4)).toEqual(["assistant_message", "tool_started", "executed", "tool_finished"]);
  });

  it("name the tools that exist when one does not", async () => {
    const run = new ScriptedRun([callsTools("wrok"), says("x")], [makeTool("work"), makeTool("read")]);
    await run.run({ client_tools: [{ name: "pick", description: "", parameters: {} }] });
    expect(run.results.get("call_1_0")).toEqual({
      is_error: true,
      content: 'There is no tool "wrok". The tools are: work, read, pick.',
    });
    expect(run.facts.some((fact) => fact.type === "tool_started")).toBe(false);
  });

  it("are refused before they start if their arguments don't fit", async () => {
    const run = new ScriptedRun([callsTools({ name: "work", arguments: "[1" }), says("x")], [makeTool("work")]);
    await run.run();
    expect(run.results.get("call_1_0")?.content).toContain("not valid JSON");
    expect(run.facts.some((fact) => fact.type === "tool_started")).toBe(false);
  });

  it("pass on live output, details and links", async () => {
    const work = makeTool("work", {
      execute: async (_input, context) => {
        context.onOutput("stderr", "warning");
        return { content: "ok", is_error: false, details: { exit_code: 0 }, preview: { port: 80, url: "http://x" } };
      },
    });
    const run = new ScriptedRun([callsTools("work"), says("x")], [work]);
    await run.run();
    const output = { type: "tool_output", tool_call_id: "call_1_0", stream: "stderr", text: "warning" };
    expect(run.deltas).toContainEqual(output);
    expect(run.facts).toContainEqual(
      expect.objectContaining({
        type: "tool_finished",
        details: { exit_code: 0 },
        preview: { port: 80, url: "http://x" },
      }),
    );
  });

  it("give a question precedence over an end, and an end over a client's tool", async () => {
    const client_tools = [{ name: "pick", description: "", parameters: {} }];
    const asked = new ScriptedRun([callsTools("complete", "ask")], [completeTool, askTool]);
    expect(await asked.run()).toMatchObject({ status: "interrupted" });
    const unheard = new ScriptedRun([callsTools("ask", "complete")], [completeTool, askTool]);
    expect(await unheard.run()).toMatchObject({ status: "interrupted" });
    expect(unheard.results.get("call_1_1")?.content).toMatch(/^not executed: a question/);
    const ended = new ScriptedRun([callsTools("pick", "complete")], [completeTool]);
    expect(await ended.run({ client_tools })).toMatchObject({ status: "completed", pending_tool_call_ids: [] });
    expect(ended.results.get("call_1_0")?.is_error).toBe(true);
  });

  it("wait behind a question, since its answer may be against them; a second question is asked too", async () => {
    const plan = makeTool("plan", { kind: "plan" });
    const tools = [makeTool("work"), plan, askTool];
    const run = new ScriptedRun([callsTools("work", "ask", "work", "plan", "ask")], tools);
    const outcome = await run.run();
    expect(outcome.status === "interrupted" && outcome.interrupts.map(({ tool_call_id }) => tool_call_id)).toEqual([
      "call_1_1",
      "call_1_4",
    ]);
    expect(run.results.get("call_1_0")?.content).toBe("work done");
    for (const id of ["call_1_2", "call_1_3"]) {
      expect(run.results.get(id)).toMatchObject({
        is_error: true,
        content: expect.stringMatching(/^not executed: a q/),
      });
    }
  });

  it("report a new sandbox to a model that has worked before, and not at its first work", async () => {
    const plan = makeTool("plan", { kind: "plan" });
    const run = new ScriptedRun([callsTools("plan", "a"), callsTools("plan", "a"), says("x")], [plan, makeTool("a")]);
    // Without the check this would appear in each of the four results.
    Object.assign(run.sandbox, { takeNotice: () => "it is new" });
    await run.run();
    const contents = [...run.results.values()].map((result) => result.content);
    expect(contents).toEqual(["plan done", "a done", "plan done", "a done\n[it is new]"]);
  });

  it("report the sandbox's notice once for each thread, and again with a new sandbox", async () => {
    const replies = [callsTools("a"), callsTools("b", "a"), says("x")];
    const run = new ScriptedRun(replies, [makeTool("a"), makeTool("b")]);
    const notices = ["it is new", null, "it is new"];
    Object.assign(run.sandbox, {
      readRepositoryNotice: () => "the files are in shop",
      takeNotice: () => notices.shift() ?? null,
    });
    await run.run();
    expect([...run.results.values()].map((result) => result.content)).toEqual([
      "a done\n[the files are in shop]",
      "b done",
      "a done\n[it is new]\n[the files are in shop]",
    ]);
  });

  it("hide secrets in the sandbox's notice, and leave out one that can't be masked", async () => {
    const run = new ScriptedRun([callsTools("a"), callsTools("b"), says("x")], [makeTool("a"), makeTool("b")]);
    const masks = [
      async () => Promise.reject(new SandboxError("failed", "x")),
      async (text: string) => text.replace("canary-17", "***"),
    ];
    Object.assign(run.sandbox, {
      readRepositoryNotice: () => "git said canary-17",
      hideSecrets: async (text: string) => (text.startsWith("git") ? await masks.shift()?.(text) : text),
    });
    await run.run();
    expect([...run.results.values()].map((result) => result.content)).toEqual(["a done", "b done\n[git said ***]"]);
  });

  it("the model reads what people gave to the commands once, and again when it has changed", async () => {
    const replies = [callsTools("a"), callsTools("b"), callsTools("a"), says("x")];
    const run = new ScriptedRun(replies, [makeTool("a"), makeTool("b")]);
    const notices = ["KEY", "KEY", "KEY, TOKEN"];
    Object.assign(run.sandbox, { readSecretsNotice: () => notices.shift() ?? null });
    await run.run();
    const contents = [...run.results.values()].map((result) => result.content);
    expect(contents).toEqual(["a done\n[KEY]", "b done", "a done\n[KEY, TOKEN]"]);
  });
});
