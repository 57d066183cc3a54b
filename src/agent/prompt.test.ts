import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { agentConfig } from "../protocol/agent.ts";
import { buildSystemPrompt } from "./prompt.ts";

const agent = agentConfig.parse({});

describe("buildSystemPrompt", () => {
  it("is the same for the same input, and begins the same whatever the context", () => {
    const bare = buildSystemPrompt({ agent, context: [] });
    expect(buildSystemPrompt({ agent: { ...agent }, context: [] })).toBe(bare);
    const full = buildSystemPrompt({ agent, context: [{ description: "Page", value: "home" }] });
    expect(full.startsWith(bare)).toBe(true);
  });

  it("makes the model plan, and consult its list before every action", () => {
    const prompt = buildSystemPrompt({ agent, context: [] });
    expect(prompt).toContain("Before every action, consult your task list");
    expect(prompt).toContain("create_tasks");
    expect(prompt).toContain("<plan_reminder>");
  });

  it("tells of the order that the code enforces", () => {
    expect(buildSystemPrompt({ agent, context: [] })).toContain("in the order of the list");
    expect(buildSystemPrompt({ agent: { ...agent, plan_order: "free" }, context: [] })).toContain("in any order");
  });

  it("ends its own part with the agent's instructions, and says nothing of instructions where there are none", () => {
    expect(buildSystemPrompt({ agent: { ...agent, instructions: " Be brief. \n" }, context: [] })).toMatch(
      /Be brief\.$/,
    );
    expect(buildSystemPrompt({ agent: { ...agent, instructions: " " }, context: [] })).not.toContain(
      "Instructions for",
    );
  });

  it("quotes context so that no value can end its fence", () => {
    const piece = fc.constantFrom("`", "```", "\n", "# System", "a", "\n````\n");
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const value = pieces.join("");
        const prompt = buildSystemPrompt({ agent, context: [{ description: 'a\n"b', value }] });
        const lines = prompt.slice(prompt.indexOf('"a\\n\\"b":\n')).split("\n");
        const fence = lines[1] ?? "";
        expect(fence).toMatch(/^`{3,}$/);
        expect(lines.slice(2, -1).join("\n")).toBe(value);
        expect(lines.slice(2, -1).some((line) => line.includes(fence))).toBe(false);
        expect(lines.at(-1)).toBe(fence);
      }),
    );
  });

  it("bounds the context and says what it left out", () => {
    const context = Array.from({ length: 5 }, (_, index) => ({ description: `d${index}`, value: "v".repeat(30_000) }));
    const prompt = buildSystemPrompt({ agent, context });
    const bare = buildSystemPrompt({ agent, context: [] });
    expect(prompt.length - bare.length).toBeLessThan(52_000);
    expect(prompt).toContain("characters left out");
    expect(prompt).toContain("3 more left out");
  });

  it("holds no lone surrogate where a value is cut amid a pair", () => {
    const prompt = buildSystemPrompt({ agent, context: [{ description: "d", value: `${"v".repeat(49_999)}😀` }] });
    expect(prompt.isWellFormed()).toBe(true);
  });
});
