import { describe, expect, it } from "vitest";
import { agentConfig, defaultAgent } from "../../protocol/agents/agent.ts";
import { toAgentConfig } from "./agent-config.ts";

const { config } = defaultAgent;

describe("a stored configuration of an agent", () => {
  it("is read as it is, and has the default of a field that it lacks", () => {
    expect(toAgentConfig(config)).toEqual(config);
    expect(toAgentConfig({ instructions: "Build small shops." })).toEqual({
      ...config,
      instructions: "Build small shops.",
    });
  });

  it.each(Object.keys(agentConfig.shape))("is refused when its field %s is of another kind", (field) => {
    expect(toAgentConfig({ ...config, [field]: Symbol("another kind") })).toBeUndefined();
  });

  it("keeps options of a model that a later version knows", () => {
    const later = { reasoning_effort: "utmost", max_output_tokens: 5, verbosity: "low" };
    expect(toAgentConfig({ ...config, model_options: later })?.model_options).toEqual(later);
    for (const wrong of [{ reasoning_effort: 1 }, { max_output_tokens: "5" }, { extra_body: [] }]) {
      expect(toAgentConfig({ ...config, model_options: wrong })).toBeUndefined();
    }
  });
});
