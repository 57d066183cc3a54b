import { describe, expect, it } from "vitest";
import { agentConfig, defaultAgent } from "../../protocol/agents/agent.ts";
import { toAgentConfig } from "./agent-config.ts";

const { config } = defaultAgent;

describe("a stored configuration of an agent", () => {
  it("is read as it is, and has the defaults of fields that came later", () => {
    expect(toAgentConfig(config)).toEqual(config);
    expect(toAgentConfig({ instructions: "Build small shops." })).toEqual({
      ...config,
      instructions: "Build small shops.",
    });
  });

  it.each(Object.keys(agentConfig.shape))("is refused when its field %s is of another kind", (field) => {
    expect(toAgentConfig({ ...config, [field]: Symbol("another kind") })).toBeUndefined();
  });
});
