import { describe, expect, it } from "vitest";
import {
  type Agent,
  bodyOf,
  draftOf,
  newAgentDraft,
  readApprovals,
  showValue,
  tellRest,
  writeApprovals,
} from "./agent.ts";

const agent: Agent = {
  ...{ agent_id: "shop", name: "Shop builder", version: 3, pinned_version: null, created_at: "", updated_at: "" },
  ...{ instructions: "Build small shops.\n", model: null, fallback_models: ["a", "b"], temperature: 0.5 },
  ...{ max_steps: 50, plan_order: "free", tool_format: "xml", tools: ["execute_command"], plan_approval: true },
  ...{ evidence: "challenge", approvals: { execute_command: ["rm *", "git push*"], delete_file: ["*"] } },
};

describe("bodyOf", () => {
  it("of an agent that is saved untouched is the agent's own configuration", () => {
    const { agent_id, version, pinned_version, created_at, updated_at, ...config } = agent;
    expect(bodyOf(draftOf(agent))).toEqual(config);
  });

  it("is of a new agent what the server takes for its defaults", () => {
    expect(bodyOf({ ...newAgentDraft, name: " Ada " })).toEqual({
      ...{ name: "Ada", instructions: "", model: null, fallback_models: [], temperature: null, max_steps: 100 },
      ...{ plan_order: "strict", tool_format: "native", tools: null, approvals: {}, plan_approval: false },
      evidence: "note",
    });
  });

  it("lets a field win over what the JSON says of it", () => {
    expect(bodyOf({ ...newAgentDraft, name: "A", rest: '{"name":"B","tools":[]}' })).toMatchObject({
      ...{ name: "A", tools: [] },
    });
  });

  it.each(["{", "[]", "null", "1"])("is nothing where the JSON is %s", (rest) => {
    expect(bodyOf({ ...newAgentDraft, rest })).toBeNull();
  });
});

describe("approvals", () => {
  it("are read line by line, with every call where no pattern is given", () => {
    expect(readApprovals("execute_command: rm *\n\n delete_file \nexecute_command: git: x\nwrite_file:")).toEqual({
      ...{ execute_command: ["rm *", "git: x"], delete_file: ["*"], write_file: ["*"] },
    });
  });

  it("are the same again after they were written", () => {
    expect(readApprovals(writeApprovals(agent.approvals))).toEqual(agent.approvals);
  });

  it("of a tool that is called like something of every object are a tool's", () => {
    expect(Object.keys(readApprovals("constructor: x"))).toEqual(["constructor"]);
  });
});

describe("tellRest", () => {
  it("tells what is not usual, and nothing of an agent where all is", () => {
    expect(tellRest(agent)).toBe('temperature: 0.5\ntool_format: "xml"\ntools: ["execute_command"]');
    expect(tellRest({ ...agent, temperature: null, tool_format: "native", tools: null })).toBe("");
  });
});

describe("showValue", () => {
  it("shows a text as it is and anything else as JSON", () => {
    expect(showValue("a\nb")).toBe("a\nb");
    expect(showValue(null)).toBe("null");
    expect(showValue(["a"])).toBe('[\n  "a"\n]');
  });
});
