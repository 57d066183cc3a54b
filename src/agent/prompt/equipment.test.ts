import { describe, expect, it } from "vitest";
import { newLoopInput } from "../../../test/fakes/loop-input.ts";
import { noSettings } from "../../../test/fakes/settings.ts";
import { agentConfig } from "../../protocol/agents/agent.ts";
import { createTools } from "../../tools/index.ts";
import { estimateText, estimateTools } from "../context/tokens.ts";
import { equip } from "./equipment.ts";

const agent = agentConfig.parse({});
const input = newLoopInput({ is_former_plan: true, agent });
/** As each life makes them. */
const makeTools = () => createTools({ ...noSettings, fetch: { ...noSettings.fetch, offered: true } });

describe("what all calls of a run have", () => {
  it("is the same object in each run of an agent, also in another life or thread", () => {
    const tools = makeTools();
    const first = equip(input, tools);
    expect(first.tools.has("fetch_url")).toBe(true);
    expect(equip({ ...input }, tools)).toBe(first);
    const other = equip({ ...input, agent: { ...agent } }, makeTools());
    expect(other.system).toBe(first.system);
    expect(other.descriptions).toBe(first.descriptions);
    expect(other.fixed_size).toBe(estimateText(first.system.content) + estimateTools(first.descriptions));
    expect(other.tools.get("fetch_url")).not.toBe(first.tools.get("fetch_url"));
  });

  it("follows the agent, the tools, and what the client brings", () => {
    const tools = makeTools();
    const first = equip(input, tools);
    const named = equip({ ...input, agent: { ...agent, instructions: "Be brief." } }, tools);
    expect(named.system.content).toContain("Be brief.");
    expect(named.descriptions).toEqual(first.descriptions);
    const fewer = equip({ ...input, agent: { ...agent, tools: [] } }, tools);
    expect(fewer.descriptions.length).toBeLessThan(first.descriptions.length);
    const client_tools = [{ name: "pick_color", description: "", parameters: {} }];
    const more = equip({ ...input, client_tools }, tools);
    expect(more.system).toBe(equip(input, tools).system);
    expect(more.descriptions.at(-1)).toEqual({
      name: "pick_color",
      description: "",
      parameters: { type: "object", properties: {} },
    });
    expect(more.clientTools).toEqual(new Set(["pick_color"]));
    expect(more.fixed_size).toBe(estimateText(more.system.content) + estimateTools(more.descriptions));
    const told = equip({ ...input, context: [{ description: "Page", value: "home" }] }, tools);
    expect(told.system.content).toContain("home");
    expect(equip(input, tools)).toBe(first);
  });
});
