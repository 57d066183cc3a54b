import { describe, expect, it } from "vitest";
import { callsTools, completeTool, makeTool, planTool, ScriptedRun, says } from "../../test/fakes/scripted-run.ts";
import { agentConfig } from "../protocol/agents/agent.ts";

const tools = [planTool, makeTool("execute_command"), makeTool("read_file"), completeTool];

function offered(run: ScriptedRun): string[] | undefined {
  return run.requests[0]?.tools.map(({ name }) => name);
}

describe("an agent's tools", () => {
  it("are the work tools it allows, and always those for the plan and for people", async () => {
    for (const [names, expected] of [
      [null, ["update_tasks", "execute_command", "read_file", "complete"]],
      [["read_file"], ["update_tasks", "read_file", "complete"]],
      [
        ["gone", "complete"],
        ["update_tasks", "complete"],
      ],
      [[], ["update_tasks", "complete"]],
    ] as const) {
      const run = new ScriptedRun([says("Hello.")], tools);
      await run.run({ agent: agentConfig.parse({ tools: names }) });
      expect(offered(run)).toEqual(expected);
    }
  });

  it("are the only ones that a call reaches: any other is answered as unknown", async () => {
    let executed = 0;
    const execute = async () => ({ content: `executed ${++executed}`, is_error: false });
    const run = new ScriptedRun(
      [callsTools({ name: "execute_command", id: "c1" }, { name: "read_file", id: "c2" }), says("Hello.")],
      [makeTool("execute_command", { execute }), makeTool("read_file")],
    );
    await run.run({ agent: agentConfig.parse({ tools: ["read_file"] }) });
    expect(executed).toBe(0);
    const refused = { content: 'There is no tool "execute_command". The tools are: read_file.', is_error: true };
    expect(run.results.get("c1")).toEqual(refused);
    expect(run.results.get("c2")).toMatchObject({ is_error: false });
  });

  it("keep their names from a client's tools", async () => {
    const client_tools = ["execute_command", "pick_color"].map((name) => ({ name, description: "", parameters: {} }));
    const run = new ScriptedRun([says("Hello.")], tools);
    await run.run({ agent: agentConfig.parse({ tools: [] }), client_tools });
    expect(offered(run)).toEqual(["update_tasks", "complete", "pick_color"]);
  });
});
