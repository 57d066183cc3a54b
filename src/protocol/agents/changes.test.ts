import { describe, expect, it } from "vitest";
import { agentConfig } from "./agent.ts";
import { findChanges } from "./changes.ts";

const content = { name: "A", config: agentConfig.parse({ approvals: { a: ["x"], b: ["y"] } }) };

describe("findChanges", () => {
  it("names the fields that differ with both values, the name first", () => {
    const to = { name: "B", config: { ...content.config, max_steps: 5, tools: ["a"] } };
    expect(findChanges(content, to)).toEqual([
      { field: "name", from: "A", to: "B" },
      { field: "max_steps", from: 100, to: 5 },
      { field: "tools", from: null, to: ["a"] },
    ]);
  });

  it("ignores the order of keys and respects the order of a list", () => {
    const turned = { ...content.config, approvals: { b: ["y"], a: ["x"] } };
    expect(findChanges(content, { name: "A", config: turned })).toEqual([]);
    const [first, second] = [
      ["m", "n"],
      ["n", "m"],
    ].map((fallback_models) => ({
      name: "A",
      config: agentConfig.parse({ fallback_models }),
    }));
    if (first && second) expect(findChanges(first, second)).toHaveLength(1);
  });
});
