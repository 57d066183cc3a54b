import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { noSettings } from "../../../test/fakes/settings.ts";
import { readOperatorLimits } from "../../config/limits.ts";
import { agentConfig } from "../../protocol/agents/agent.ts";
import type { Plan } from "../../protocol/plan/task.ts";
import { createTools } from "../../tools/index.ts";
import { withAlwaysApproved } from "./always-approved.ts";
import type { Approvals } from "./approvals.ts";
import { askFirst } from "./consent.ts";

const tools = createTools(noSettings);
const plan: Plan = { version: 0, sections: [], tasks: [] };

function asks(agent: Partial<ReturnType<typeof agentConfig.parse>>, always: string, name: string, input: unknown) {
  const { always_approve } = readOperatorLimits({ ALWAYS_APPROVE: always });
  const tool = tools.find((each) => each.name === name);
  if (tool === undefined) throw new Error(`no tool ${name}`);
  const both = withAlwaysApproved(agentConfig.parse(agent), always_approve, tools);
  return askFirst(tool, input, both, plan)?.reason ?? null;
}

describe("what the operator always has approved", () => {
  it("asks whatever the agent says, and leaves the agent's other approvals", () => {
    const agent = { approvals: { git_push: ["never"], delete_file: ["*"] } };
    expect(asks(agent, "", "git_push", {})).toBe("approval");
    expect(asks(agent, "", "expose_port", { port: 3000 })).toBe("approval");
    expect(asks(agent, "", "delete_file", { path: "a" })).toBe("approval");
    expect(asks(agent, "none", "expose_port", { port: 3000 })).toBeNull();
    expect(asks(agent, "", "git_commit", { message: "x" })).toBeNull();
  });

  it("holds for input to a command, and for files that run commands, as approvals of commands do", () => {
    const input = { command_id: "c", input: "rm -r x" };
    expect(asks({}, "execute_command: rm *", "send_command_input", input)).toBe("approval");
    // The agent's own patterns for input would else stand in place of those for commands.
    const own = { approvals: { send_command_input: ["never"] } };
    expect(asks(own, "execute_command: rm *", "send_command_input", input)).toBe("approval");
    expect(asks({ tools: ["send_command_input"] }, "execute_command: rm *", "send_command_input", input)).toBe(
      "approval",
    );
    expect(asks({}, "execute_command: rm *", "create_file", { path: ".bashrc", content: "rm -r x" })).toBe("approval");
    expect(asks({}, "execute_command: rm *", "create_file", { path: ".bashrc", content: "ls" })).toBeNull();
  });

  it("names no tool that the agent lacks, and changes no agent that has none of them", () => {
    const agent = agentConfig.parse({ tools: ["read_file", "git_push"] });
    const { always_approve } = readOperatorLimits({});
    expect(withAlwaysApproved(agent, always_approve, tools).approvals).toEqual({ git_push: ["*"] });
    const reader = agentConfig.parse({ tools: ["read_file"] });
    expect(withAlwaysApproved(reader, always_approve, tools)).toBe(reader);
  });

  it("never takes an approval from the agent", () => {
    const names = fc.constantFrom("execute_command", "send_command_input", "git_push", "delete_file");
    const approvals = fc.dictionary(names, fc.uniqueArray(fc.constantFrom("*", "rm *", "x"), { minLength: 1 }));
    fc.assert(
      fc.property(approvals, approvals, (own: Approvals, always: Approvals) => {
        const { approvals: both } = withAlwaysApproved(agentConfig.parse({ approvals: own }), always, tools);
        for (const [tool, patterns] of [...Object.entries(own), ...Object.entries(always)]) {
          expect(both[tool]).toEqual(expect.arrayContaining(patterns));
        }
      }),
    );
  });
});
