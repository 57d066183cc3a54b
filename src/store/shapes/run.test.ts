import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { damaged, run } from "../../../test/fakes/stored-values.ts";
import { agentConfig, defaultAgent } from "../../protocol/agents/agent.ts";
import type { Run } from "../../protocol/run.ts";
import { toAgentConfig } from "./agent-config.ts";
import { hopsOf } from "./delivery.ts";
import { toRun } from "./run.ts";

describe("a run", () => {
  it("is read as it was stored", () => {
    fc.assert(
      fc.property(run, (value) => {
        expect(toRun(JSON.parse(JSON.stringify(value)))).toEqual(value);
      }),
    );
  });

  it("loses only the sources that can't be read", () => {
    const [stored] = fc.sample(run, 1) as [Run];
    const source = { n: 1, url: "https://a.example/", title: null };
    expect(toRun({ ...stored, sources: [source] })).toEqual({ ...stored, sources: [source] });
    for (const sources of [null, "x", [{ n: "1" }], [null]]) expect(toRun({ ...stored, sources })).toEqual(stored);
  });

  it("of any JSON is a run or none", () => {
    fc.assert(
      fc.property(damaged(run), (value) => {
        const read = toRun(value);
        if (read === undefined) return;
        expect(read.usage.input_tokens + read.usage.output_tokens).toBeTypeOf("number");
        for (const { tool_call_id } of read.interrupts) expect(tool_call_id).toBeTypeOf("string");
        expect(read.hops).toBeGreaterThanOrEqual(Math.min(read.hops, read.caused_by.length));
      }),
      { numRuns: 500 },
    );
  });
});

describe("the configuration of an agent", () => {
  it("is read as it was stored", () => {
    const config = agentConfig.parse({ approvals: { execute_command: ["rm *"] }, tools: ["execute_command"] });
    expect(toAgentConfig(JSON.parse(JSON.stringify(config)))).toEqual(config);
    expect(Object.keys(toAgentConfig(config) ?? {})).toEqual(Object.keys(config));
  });

  it("of any JSON is whole or none, and never without approvals that can't be read", () => {
    const config = fc.constant({ ...defaultAgent.config, approvals: { execute_command: ["rm *"] } });
    fc.assert(
      fc.property(damaged(config), (value) => {
        const read = toAgentConfig(value);
        for (const patterns of Object.values(read?.approvals ?? {})) expect(patterns.join("")).toBeTypeOf("string");
      }),
      { numRuns: 500 },
    );
    expect(toAgentConfig({ ...defaultAgent.config, approvals: null })).toBeUndefined();
    expect(toAgentConfig("{}")).toBeUndefined();
  });
});

describe("the hops of a delivery", () => {
  it.each([
    ['{"type":"run.completed","timestamp":"","data":{"thread_id":"t","taskloom_hops":3}}', 3],
    ['{"type":"run.completed","timestamp":"","data":{"thread_id":"t","status":"completed"}}', 1],
    ['{"data":null}', 1],
    ["null", 1],
    ["{", 1],
  ])("of %s are %i", (payload, hops) => {
    expect(hopsOf(payload)).toBe(hops);
  });
});
