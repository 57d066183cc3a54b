// Both versions of AG-UI's client, over TCP: every way in which a run ends, and answers under the id of the run that
// asked, as CopilotKit's `useInterrupt` sends them.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ThreadEvent } from "../../src/protocol/event.ts";
import type { Run } from "../../src/protocol/run.ts";
import { endOf, makeClient, startOf, versions } from "./ag-ui-clients.ts";
import { startTaskloom, type Taskloom } from "./harness.ts";

let taskloom: Taskloom;

beforeAll(async () => {
  taskloom = await startTaskloom();
  await taskloom.json("POST", "/v1/agents", { agent_id: "ends", name: "Ends", max_total_tokens: 10 });
  await taskloom.json("POST", "/v1/agents", {
    agent_id: "careful",
    name: "Careful",
    approvals: { execute_command: ["rm *"] },
  });
});
afterAll(() => taskloom.close());

const readRuns = async (thread: string) =>
  (await taskloom.json<{ data: Run[] }>("GET", `/v1/threads/${thread}/runs`)).data;

const question = '[[tool ask {"question":"Which colour?","choices":["red","blue"]}]]';
const tools = [{ name: "pick", description: "Picks.", parameters: { type: "object", properties: {} } }];

describe.each(versions)("AG-UI's client %s", (version) => {
  const nameOf = (what: string) => `${what}-${version.replaceAll(".", "_")}`;
  const isNew = version === "1.0.0";

  it("runs a turn with a plan, and attaches to it again", async () => {
    const thread = nameOf("plan");
    const client = makeClient(version, taskloom, thread);
    client.say("m1", '[[tool create_tasks {"sections":[{"title":"A","tasks":["one"]}]}]] [[then]] [[text done]]');
    const events = await client.run("run-1");
    expect(startOf(events)).toMatchObject({
      threadId: thread,
      runId: "run-1",
      input: { threadId: thread, runId: "run-1", messages: [{ id: "m1" }], tools: [], context: [] },
    });
    expect(startOf(events).metadata).toBeUndefined();
    expect(endOf(events).outcome).toEqual({ type: "success" });
    const again = makeClient(version, taskloom, thread);
    await again.run("run-1");
    expect(again.messages).toEqual(client.messages);
    expect(again.state).toEqual(client.state);
  });

  it("leaves calls of its own tool pending, and answers them", async () => {
    const client = makeClient(version, taskloom, nameOf("tools"));
    client.say("m1", "[[tool pick {}]]");
    const end = endOf(await client.run("run-1", { tools }));
    const call = client.messages.flatMap(({ toolCalls = [] }) => toolCalls)[0];
    expect(end.outcome).toEqual(isNew ? { type: "success", pendingToolCallIds: [call?.id] } : undefined);
    client.answer("m2", call?.id ?? "", "terracotta");
    expect(endOf(await client.run("run-2", { tools })).outcome).toEqual({ type: "success" });
    expect(JSON.stringify(client.messages.at(-1))).toContain("terracotta");
    expect(client.messages.map(({ role }) => role)).toEqual(["user", "assistant", "tool", "assistant"]);
    // As a resync, the end is the same.
    const again = makeClient(version, taskloom, nameOf("tools"));
    expect("outcome" in endOf(await again.run("run-1", { tools }))).toBe(isNew);
  });

  it("ends with a run that is cancelled, at work or before it begins", async () => {
    const thread = nameOf("cancelled");
    let begin = (): void => {};
    const isBegun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const onEvent = ({ type }: ThreadEvent): void => {
      if (type === "TEXT_MESSAGE_CONTENT") begin();
    };
    const first = makeClient(version, taskloom, thread, { onEvent });
    first.say("m1", "[[pace 20]] [[say 400]]");
    const working = first.run("run-1");
    await isBegun;
    const second = makeClient(version, taskloom, thread);
    second.say("m2", "hi");
    const waiting = second.run("run-2");
    await expect.poll(async () => (await readRuns(thread)).length).toBe(2);
    await taskloom.json("POST", `/v1/threads/${thread}/runs/run-2/cancel`);
    await taskloom.json("POST", `/v1/threads/${thread}/runs/run-1/cancel`);
    const outcome = isNew ? { type: "cancelled" } : undefined;
    for (const events of [await working, await waiting]) expect(endOf(events).outcome).toEqual(outcome);
    for (const run of ["run-1", "run-2"]) {
      const again = makeClient(version, taskloom, thread);
      expect([run, endOf(await again.run(run)).outcome]).toEqual([run, outcome]);
    }
  });

  it("hears of a run that fails", async () => {
    const errors: unknown[] = [];
    const onEvent = (event: ThreadEvent): void => {
      if (event.type === "RUN_ERROR") errors.push(event.code);
    };
    const client = makeClient(version, taskloom, nameOf("fails"), { path: "/ag-ui/ends", onEvent });
    client.say("m1", "hi");
    await client.run("run-1").catch(() => {});
    expect(errors).toEqual(["budget"]);
  });

  it("answers under the id of the run that asked, and is shown the run that answers", async () => {
    const thread = nameOf("answers");
    const client = makeClient(version, taskloom, thread);
    client.say("m1", question);
    await client.run("run-1");
    const [interrupt] = client.pendingInterrupts;
    expect(interrupt).toMatchObject({ reason: "question", message: "Which colour?" });
    const resume = [{ interruptId: interrupt?.id ?? "", status: "resolved" as const, payload: "blue" }];
    const events = await client.run("run-1", { resume });
    const [answering, asking] = await readRuns(thread);
    expect([asking?.invocation_id, asking?.status]).toEqual(["run-1", "interrupted"]);
    expect(answering).toMatchObject({ status: "completed", resumes: "run-1" });
    expect(answering?.invocation_id).toMatch(/^inv_[0-9a-z]{26}$/);
    expect(startOf(events)).toMatchObject({ runId: "run-1", metadata: { invocation_id: answering?.invocation_id } });
    expect(startOf(events).parentRunId).toBeUndefined();
    expect(endOf(events)).toMatchObject({ runId: "run-1", outcome: { type: "success" } });
    expect(client.pendingInterrupts).toEqual([]);
    expect(client.messages.filter(({ role }) => role === "tool").map(({ content }) => content)).toEqual(["blue"]);

    const again = makeClient(version, taskloom, thread);
    expect(startOf(await again.run("run-1", { resume })).metadata).toEqual({
      resync: true,
      invocation_id: answering?.invocation_id,
    });
    expect(again.messages).toEqual(client.messages);
    // Without an answer the request names the run that asked.
    const asked = makeClient(version, taskloom, thread);
    await asked.run("run-1");
    expect(asked.pendingInterrupts).toEqual(client.pendingInterrupts.concat(interrupt ?? []));
    expect(await readRuns(thread)).toHaveLength(2);
  });

  it("continues under its first id through one question after the other", async () => {
    const thread = nameOf("chain");
    const client = makeClient(version, taskloom, thread, { path: "/ag-ui/careful" });
    const command = (name: string) => `[[tool execute_command {"command":"cd . && rm -f ${name}; echo gone-${name}"}]]`;
    client.say(
      "m1",
      `${command("one")} [[then]] ${command("two")} [[then]] ${command("three")} [[then]] [[text done]]`,
    );
    await client.run("run-1");
    for (const name of ["one", "two", "three"]) {
      const [interrupt, ...others] = client.pendingInterrupts;
      expect([interrupt?.message, others]).toEqual([expect.stringContaining(`rm -f ${name}`), []]);
      const answer = { interruptId: interrupt?.id ?? "", status: "resolved" as const, payload: { approved: true } };
      await client.run("run-1", { resume: [answer] });
      expect(client.messages.findLast(({ role }) => role === "tool")?.content).toContain(`gone-${name}`);
    }
    expect(client.pendingInterrupts).toEqual([]);
    const runs = (await readRuns(thread)).toReversed();
    expect(runs.map(({ status }) => status)).toEqual(["interrupted", "interrupted", "interrupted", "completed"]);
    const ids = runs.map(({ invocation_id }) => invocation_id);
    expect(new Set(ids).size).toBe(4);
    expect(runs.map(({ resumes }) => resumes)).toEqual([null, ...ids.slice(0, 3)]);
    // A fresh id continues from the last one, which the client knows by its first id.
    client.say("m2", "[[text fine]]");
    expect(startOf(await client.run("run-2")).runId).toBe("run-2");
  });
});

describe("answers under the id of the run that asked", () => {
  interface Answered {
    status: number;
    code?: string;
    text: string;
  }

  async function ask(thread: string, message = question): Promise<string[]> {
    const client = makeClient("0.0.59", taskloom, thread);
    client.say("m1", message);
    await client.run("run-1");
    return client.pendingInterrupts.map(({ id }) => id);
  }

  async function post(threadId: string, runId: string, resume: object[]): Promise<Answered> {
    const response = await taskloom.request("POST", "/ag-ui", { threadId, runId, messages: [], resume });
    const text = await response.text();
    return { status: response.status, text, ...(response.status === 200 ? {} : { code: JSON.parse(text).code }) };
  }

  it("are one run if they are the same, also at the same moment", async () => {
    const [interruptId] = await ask("same");
    const answer = { interruptId, status: "resolved", payload: "red" };
    const answers = await Promise.all(Array.from({ length: 4 }, () => post("same", "run-1", [answer])));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    const [answering, ...others] = await readRuns("same");
    expect(others.map(({ invocation_id }) => invocation_id)).toEqual(["run-1"]);
    for (const { text } of answers) expect(text).toContain(`"invocation_id":"${answering?.invocation_id}"`);
  });

  it("are taken once if they differ, and the later one reads so", async () => {
    const [interruptId] = await ask("two");
    const send = (payload: string) => post("two", "run-1", [{ interruptId, status: "resolved", payload }]);
    const answers = await Promise.all([send("red"), send("blue")]);
    expect(answers.map(({ status, code }) => code ?? status).sort()).toEqual([200, "interrupt_answered"]);
    expect((await send("green")).code).toBe("interrupt_answered");
    expect(await readRuns("two")).toHaveLength(2);
  });

  it("are refused once the thread has gone on without them", async () => {
    const [interruptId] = await ask("gone");
    await taskloom.json("POST", "/v1/threads/gone/runs?wait=1", { message: "[[text on]]", invocation_id: "other" });
    const answer = { interruptId, status: "resolved", payload: "red" };
    expect((await post("gone", "run-1", [answer])).code).toBe("interrupt_answered");
    expect(await readRuns("gone")).toHaveLength(2);
  });

  it("are taken under the id of an earlier run, too", async () => {
    await taskloom.json("POST", "/v1/threads/earlier/runs?wait=1", { message: "[[text hi]]", invocation_id: "run-0" });
    const [interruptId] = await ask("earlier");
    const answer = { interruptId, status: "resolved", payload: "red" };
    expect((await post("earlier", "run-0", [answer])).status).toBe(200);
    const [answering] = await readRuns("earlier");
    expect(answering).toMatchObject({ status: "completed", resumes: "run-1" });
  });

  it("are refused if they leave an interrupt open, and it stays open", async () => {
    const other = question.replace("Which colour?", "Which size?");
    const interrupts = await ask("partial", `${question} ${other}`);
    expect(interrupts).toHaveLength(2);
    const answers = interrupts.map((interruptId) => ({ interruptId, status: "resolved", payload: "red" }));
    expect((await post("partial", "run-1", answers.slice(1))).code).toBe("interrupts_uncovered");
    expect(await readRuns("partial")).toHaveLength(1);
    expect((await post("partial", "run-1", answers)).status).toBe(200);
    // In another order it is the same answer.
    expect((await post("partial", "run-1", answers.toReversed())).status).toBe(200);
    expect(await readRuns("partial")).toHaveLength(2);
  });

  it("under a fresh id are that run, and a repeat watches it", async () => {
    const [interruptId] = await ask("fresh");
    const answer = { interruptId, status: "resolved", payload: "red" };
    const first = await post("fresh", "run-2", [answer]);
    expect(first.text).toContain('"parentRunId":"run-1"');
    expect((await post("fresh", "run-2", [answer])).text).toContain('"resync":true');
    expect((await readRuns("fresh")).map(({ invocation_id }) => invocation_id)).toEqual(["run-2", "run-1"]);
  });
});
