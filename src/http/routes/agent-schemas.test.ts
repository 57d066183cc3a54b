import { describe, expect, it } from "vitest";
import { agentConfig, defaultAgent } from "../../protocol/agents/agent.ts";
import * as examples from "../examples.ts";
import { agent, anyBodies } from "./agent-schemas.ts";

const fields = Object.keys(agentConfig.shape);

describe("the schemas of the agents' routes", () => {
  it.each(fields)("know the field %s in a new agent, in a patch, in the answer and in its example", (field) => {
    expect(Object.keys(anyBodies().create.shape)).toContain(field);
    expect(Object.keys(anyBodies().patch.shape)).toContain(field);
    expect(Object.keys(agent().shape)).toContain(field);
    expect(Object.keys(examples.agent)).toContain(field);
  });

  it("give a new agent the defaults of its configuration", () => {
    const { name, ...config } = anyBodies().create.parse({ name: "Shop builder" });
    expect(config).toEqual(defaultAgent.config);
  });

  it("leave out of a patch what it doesn't name", () => {
    expect(anyBodies().patch.parse({})).toEqual({});
  });
});
