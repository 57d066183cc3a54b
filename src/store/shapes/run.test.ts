// Rows as former versions wrote them, to the letter, and what they are today.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { damaged, run } from "../../../test/fakes/stored-values.ts";
import { agentConfig, defaultAgent } from "../../protocol/agents/agent.ts";
import { toAgentConfig } from "./agent-config.ts";
import { hopsOf } from "./delivery.ts";
import { toRun } from "./run.ts";

const beforeChains =
  '{"invocation_id":"inv_a","thread_id":"thread_1","project_id":"proj_1","user_id":"user_1","agent_id":"agent_default","agent_version":1,"model":"demo","instance_id":null,"status":"completed","attempt":1,"steps":2,"background":false,"resumes":null,"metadata":{"tag":"x"},"usage":{"input_tokens":10,"cached_input_tokens":0,"output_tokens":5,"cost_usd":null},"result":{"text":"done","unfinished_tasks":0},"error":null,"interrupts":[],"created_at":"2026-11-24T09:00:00.000Z","started_at":"2026-11-24T09:00:01.000Z","finished_at":"2026-11-24T09:00:02.000Z"}';

const cause = { trigger_id: "trig_1", thread_id: "thread_0", invocation_id: "inv_0" };

describe("a run", () => {
  it("is read as it was stored", () => {
    fc.assert(
      fc.property(run, (value) => {
        expect(toRun(JSON.parse(JSON.stringify(value)))).toEqual(value);
      }),
    );
  });

  it("of a version before chains has none", () => {
    expect(toRun(JSON.parse(beforeChains))).toEqual({ ...JSON.parse(beforeChains), hops: 0, caused_by: [] });
  });

  it("of a version before chains has that of its input; one with a chain keeps its own", () => {
    const chain = { hops: 1, caused_by: [cause] };
    expect(toRun(JSON.parse(beforeChains), chain)).toMatchObject(chain);
    expect(toRun({ ...JSON.parse(beforeChains), hops: 0, caused_by: [] }, chain)).toMatchObject({ hops: 0 });
  });

  it("keeps the sources of its version, has none of a version before them, and loses only those that can't be read", () => {
    const before = JSON.parse(beforeChains);
    const source = {
      n: 1,
      url: "https://a.example/",
      title: null,
      date: null,
      fetched_at: null,
      hash: null,
      read: false,
      cited: true,
    };
    expect(toRun(before)).not.toHaveProperty("sources");
    expect(toRun({ ...before, sources: [source] })).toMatchObject({ sources: [source] });
    for (const sources of [null, "x", [{ n: "1" }], [null]]) {
      const read = toRun({ ...before, sources });
      expect(read?.result?.text).toBe("done");
      expect(read).not.toHaveProperty("sources");
    }
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
  const first = '{"instructions":"Be kind.","model":null,"max_steps":20,"plan_order":"free","tool_format":"native"}';

  it("is read as it was stored", () => {
    const config = agentConfig.parse({ approvals: { execute_command: ["rm *"] }, tools: ["execute_command"] });
    expect(toAgentConfig(JSON.parse(JSON.stringify(config)))).toEqual(config);
    expect(Object.keys(toAgentConfig(config) ?? {})).toEqual(Object.keys(config));
  });

  it("of the first version has the defaults of what came since", () => {
    expect(toAgentConfig(JSON.parse(first))).toEqual({ ...defaultAgent.config, ...JSON.parse(first) });
    expect(toAgentConfig(JSON.parse(first))).toEqual(agentConfig.parse(JSON.parse(first)));
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
