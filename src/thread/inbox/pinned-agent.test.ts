// Which agent works for a run.
import { describe, expect, it } from "vitest";
import { expectOk } from "../../../test/fakes/accepted.ts";
import { say } from "../../../test/fakes/replies.ts";
import { FakeThread } from "../../../test/fakes/thread.ts";
import { defaultAgent } from "../../protocol/agents/agent.ts";
import { findRun } from "../life.ts";
import { acceptRun } from "./accept.ts";

const run = { invocation_id: "inv_a" };

describe("the agent of a run", () => {
  const version = (number: number, config: object) => ({
    ...defaultAgent,
    version: number,
    config: { ...defaultAgent.config, ...config },
  });

  it("is pinned with its version, model and options when the run is accepted; the run may name another model", async () => {
    const thread = new FakeThread({ defaultReply: say("hello") });
    const model_options = { reasoning_effort: "high", extra_body: { top_k: 3 } };
    let agent = version(4, { model: "of-agent", model_options });
    thread.life.ports.readAgent = async () => agent;
    const first = expectOk(await acceptRun(thread.life, thread.input("a"), false));
    agent = version(7, {});
    const second = expectOk(await acceptRun(thread.life, thread.input("b"), false));
    const third = expectOk(await acceptRun(thread.life, thread.input("c", { model: "of-run" }), false));
    const pinned = [first, second, third].map(({ run: { agent_version, model } }) => [agent_version, model]);
    expect(pinned).toEqual([
      [4, "of-agent"],
      [7, "test-model"],
      [7, "of-run"],
    ]);
    await thread.run("d");
    expect(thread.requests.map(({ model }) => model).slice(0, 3)).toEqual(["of-agent", "test-model", "of-run"]);
    expect(thread.requests.map(({ options }) => options).slice(0, 2)).toEqual([model_options, {}]);
  });

  it("is the version that the thread last knew while D1 fails, or the unchanged default if it knew none", async () => {
    const thread = new FakeThread({ defaultReply: say("hello") });
    const fail = async () => Promise.reject(new Error("D1 is down"));
    thread.life.ports.readAgent = fail;
    expect(expectOk(await thread.accept("a", run)).run.agent_version).toBe(1);
    await thread.read(run).untilClosed();
    thread.life.ports.readAgent = async () => version(3, { approvals: { execute_command: ["*"] } });
    await thread.run("b");
    thread.life.ports.readAgent = fail;
    const third = expectOk(await thread.accept("c", { invocation_id: "inv_c" }));
    expect(third.run.agent_version).toBe(3);
    expect(findRun(thread.life, "inv_c")?.agent.config.approvals).toEqual({ execute_command: ["*"] });
  });

  it("is the version that the thread last knew while D1 fails, even if another agent worked since", async () => {
    const thread = new FakeThread({ defaultReply: say("hello") });
    thread.life.ports.readAgent = async (_user, agent_id) => ({
      ...version(3, { approvals: { ask: ["*"] } }),
      agent_id,
    });
    await thread.run("a");
    await thread.run("b", { agent_id: "agent_other" });
    thread.crash();
    thread.life.ports.readAgent = async () => Promise.reject(new Error("D1 is down"));
    await thread.accept("c", { invocation_id: "inv_c" });
    expect(findRun(thread.life, "inv_c")?.agent.config.approvals).toEqual({ ask: ["*"] });
  });
});
