import { describe, expect, it } from "vitest";
import { buildSystemPrompt } from "../../src/agent/prompt/prompt.ts";
import { agentConfig } from "../../src/protocol/agents/agent.ts";
import { isPlanned, kinds, requests } from "./requests.ts";

describe("the evaluation's requests", () => {
  it("are five of each of six kinds, half of them Chinese, each with its own id and text", () => {
    expect(kinds.map((kind) => requests.filter((request) => request.kind === kind).length)).toEqual([5, 5, 5, 5, 5, 5]);
    expect(requests.filter(({ language }) => language === "zh")).toHaveLength(15);
    expect(new Set(requests.map(({ id }) => id)).size).toBe(30);
    expect(new Set(requests.map(({ text }) => text)).size).toBe(30);
    for (const { language, text } of requests) expect(/\p{Script=Han}/u.test(text)).toBe(language === "zh");
  });

  it("never accept a plan for what is no work, nor work before the plan", () => {
    for (const { kind, accepted } of requests) {
      expect(accepted).not.toContain("work");
      expect(accepted.includes("plan")).toBe(isPlanned(kind));
    }
  });

  it("differ from the prompt's examples, except for the one that the product is known by", () => {
    const prompt = buildSystemPrompt({ agent: agentConfig.parse({}), context: [] });
    expect(requests.filter(({ text }) => prompt.includes(text)).map(({ text }) => text)).toEqual([
      "帮我做一个电商网站",
    ]);
  });
});
