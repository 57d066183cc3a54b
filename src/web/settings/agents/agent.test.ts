import { describe, expect, it } from "vitest";
import { defaultAgent } from "../../../protocol/agents/agent.ts";
import {
  type Agent,
  bodyOf,
  describeRest,
  draftOf,
  newAgentDraft,
  readApprovals,
  showValue,
  writeApprovals,
} from "./agent.ts";

const agent: Agent = {
  ...{ agent_id: "shop", name: "Shop builder", version: 3, pinned_version: null, created_at: "", updated_at: "" },
  ...{ instructions: "Build small shops.\n", model: null, fallback_models: ["a", "b"], temperature: 0.5 },
  ...{ max_steps: 50, plan_order: "free", tool_format: "xml", tools: ["execute_command"], plan_approval: true },
  model_options: { reasoning_effort: "high", max_output_tokens: 9000, extra_body: { top_k: 3 } },
  ...{ max_cost_usd: 2, max_total_tokens: null, max_minutes: null, on_cap: "ask", on_disconnect: "cancel" },
  ...{
    evidence: "challenge",
    checks: "locked",
    on_failed_task: "stop",
    approvals: { execute_command: ["rm *", "git push*"], delete_file: ["*"] },
  },
};

describe("bodyOf", () => {
  it("of an unchanged agent is the agent's own configuration", () => {
    const { agent_id, version, pinned_version, created_at, updated_at, ...config } = agent;
    expect(bodyOf(draftOf(agent))).toEqual(config);
  });

  it("of a new agent is what the server takes for its defaults", () => {
    expect(bodyOf({ ...newAgentDraft, name: " Ada " })).toEqual({ name: "Ada", ...defaultAgent.config });
  });

  it("has the options that are set, and no others", () => {
    const of = (part: Partial<typeof newAgentDraft>) => bodyOf({ ...newAgentDraft, name: "A", ...part })?.model_options;
    expect(of({ reasoning_effort: "low" })).toEqual({ reasoning_effort: "low" });
    expect(of({ max_output_tokens: " 500 " })).toEqual({ max_output_tokens: 500 });
    expect(of({ rest: '{"extra_body": {"a": 1}}' })).toEqual({ extra_body: { a: 1 } });
  });

  it("lets a field win over the JSON", () => {
    expect(bodyOf({ ...newAgentDraft, name: "A", rest: '{"name":"B","tools":[]}' })).toMatchObject({
      ...{ name: "A", tools: [] },
    });
  });

  it.each(["{", "[]", "null", "1"])("is null where the JSON is %s", (rest) => {
    expect(bodyOf({ ...newAgentDraft, rest })).toBeNull();
  });
});

describe("approvals", () => {
  it("are read line by line, with every call where no pattern is given", () => {
    expect(readApprovals("execute_command: rm *\n\n delete_file \nexecute_command: git: x\nwrite_file:")).toEqual({
      ...{ execute_command: ["rm *", "git: x"], delete_file: ["*"], write_file: ["*"] },
    });
  });

  it("are the same after they are written and read again", () => {
    expect(readApprovals(writeApprovals(agent.approvals))).toEqual(agent.approvals);
  });

  it("of a tool named like a property of every object belong to that tool", () => {
    expect(Object.keys(readApprovals("constructor: x"))).toEqual(["constructor"]);
  });
});

describe("describeRest", () => {
  it("lists what differs from the defaults, and is empty for an agent without differences", () => {
    const lines = ["temperature: 0.5", 'tool_format: "xml"', 'tools: ["execute_command"]', 'extra_body: {"top_k":3}'];
    lines.push("max_cost_usd: 2", 'on_cap: "ask"', 'on_disconnect: "cancel"', 'on_failed_task: "stop"');
    expect(describeRest(agent)).toBe(lines.join("\n"));
    expect(describeRest({ ...agent, ...defaultAgent.config })).toBe("");
  });
});

describe("showValue", () => {
  it("shows a text as it is and anything else as JSON", () => {
    expect(showValue("a\nb")).toBe("a\nb");
    expect(showValue(null)).toBe("null");
    expect(showValue(["a"])).toBe('[\n  "a"\n]');
  });
});
