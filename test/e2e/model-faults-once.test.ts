// Temporary faults of the model: the run is late and nothing else. Text of a void reply that clients saw is closed,
// removed by a snapshot and sent again under another id; work that was done is not done again.
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { ThreadEvent } from "../../src/protocol/event.ts";
import { startTaskloom, type Taskloom } from "./harness.ts";
import { readConversation } from "./stream-reader.ts";
import { retries, runAgain, runToEnd } from "./watched-run.ts";

let taskloom: Taskloom;

// These tests mostly wait.
vi.setConfig({ maxConcurrency: 20 });

beforeAll(async () => {
  taskloom = await startTaskloom({ MODEL_FIRST_BYTE_SECONDS: "2", MODEL_IDLE_SECONDS: "2" });
});
afterAll(() => taskloom.close());

const assistantStarts = (events: ThreadEvent[]) =>
  events.flatMap((event) =>
    event.type === "TEXT_MESSAGE_START" && event.role === "assistant" ? [event.messageId] : [],
  );
/** What clients saw of `first` is closed, then removed, and only then sent again as `second`. */
function expectTakenBack(events: ThreadEvent[], end: ThreadEvent["type"], first: string, second: string): void {
  const about = (id: string, type: string) => (event: ThreadEvent) =>
    event.type === type && Object.values(event).includes(id);
  const places = [
    events.findIndex(about(first, end.replace("END", "START"))),
    events.findIndex(about(first, end)),
    events.findIndex(({ type }) => type === "MESSAGES_SNAPSHOT"),
    events.findIndex((event) => event.type === "CUSTOM" && event.name === "model_retry"),
    events.findIndex(about(second, end.replace("END", "START"))),
  ];
  expect(places).not.toContain(-1);
  expect(places).toEqual(places.toSorted((a, b) => a - b));
  const snapshots = events.filter(({ type }) => type === "MESSAGES_SNAPSHOT");
  expect(snapshots).toHaveLength(1);
  expect(JSON.stringify(snapshots)).not.toContain(first);
  expect(second).not.toBe(first);
}

describe.concurrent("a temporary fault of the model", () => {
  it.each<[fault: string, hooks: string, times: number]>([
    ["429", "[[status 429]]", 2],
    ["429 with Retry-After", "[[status 429 retry-after 1]]", 1],
    ["500", "[[status 500]]", 3],
    ["no head", "[[silent]]", 1],
    ["no first byte", "[[stall]]", 1],
    ["invalid JSON", "[[bad json]]", 2],
  ])("before anything was sent to clients costs only waits: %s", async (fault, hooks, times) => {
    const { run, events } = await runToEnd(taskloom, `${fault} once: ${hooks} [[times ${times}]] [[text Well done.]]`);
    expect(run).toMatchObject({ status: "completed", steps: 1, error: null, result: { text: "Well done." } });
    const waits = retries(events);
    expect(waits).toHaveLength(times);
    if (hooks.includes("retry-after")) expect(waits[0]).toBeGreaterThanOrEqual(1000);
    expect(assistantStarts(events)).toHaveLength(1);
    expect(events.map(({ type }) => type)).not.toContain("MESSAGES_SNAPSHOT");
  });

  it.each<[fault: string, hooks: string]>([
    ["a cut", "[[cut after 4]]"],
    ["silence", "[[stall after 4]]"],
    ["an error in the stream", "[[error]]"],
    ["an end that nothing announced", "[[no end]]"],
  ])("in the middle of the text removes the text and sends it again under another id: %s", async (fault, hooks) => {
    const text = "One two three four five six.";
    const { thread, run, events } = await runToEnd(taskloom, `${fault} once: ${hooks} [[times 1]] [[text ${text}]]`);
    expect(run).toMatchObject({ status: "completed", steps: 1, error: null, result: { text } });
    expect(retries(events)).toHaveLength(1);
    const [first = "", second = "", ...others] = assistantStarts(events);
    expect(others).toEqual([]);
    expectTakenBack(events, "TEXT_MESSAGE_END", first, second);
    const stored = JSON.stringify(await readConversation(taskloom, thread));
    expect(stored.split('"content":"One two three')).toHaveLength(2);
    expect(stored).toContain(second);
    await runAgain(taskloom, thread);
  });

  it("in the middle of the reasoning removes the reasoning", async () => {
    const hooks = "reasoning: [[think 9]] [[cut after 5]] [[times 1]] [[text Thought out.]]";
    const { thread, run, events } = await runToEnd(taskloom, hooks);
    expect(run).toMatchObject({ status: "completed", result: { text: "Thought out." } });
    const ids = events.flatMap((event) => (event.type === "REASONING_START" ? [event.messageId] : []));
    const [first = "", second = "", ...others] = ids;
    expect(others).toEqual([]);
    expectTakenBack(events, "REASONING_END", first, second);
    const stored = await readConversation(taskloom, thread);
    expect(stored.filter((message) => (message as { role: string }).role === "reasoning")).toHaveLength(1);
  });

  const plan = '[[tool create_tasks {"section_title":"Shop","task_contents":["Draw a shop window","Open the shop"]}]]';
  // Clears the plan, so that no task is open and the run ends with its text.
  const clear = '[[then]] [[tool clear_all {"confirm":true}]]';

  it.each([
    ["within its arguments", `${plan} [[cut after 5]] [[times 1]] ${clear} [[then]] [[text Planned.]]`],
    ["after its arguments", `${plan} [[no end]] [[times 1]] ${clear} [[then]] [[text Planned.]]`],
  ])("in the middle of a tool call removes the call and makes it once: %s", async (place, hooks) => {
    const { run, events } = await runToEnd(taskloom, `A call cut ${place}: ${hooks}`);
    expect(run).toMatchObject({ status: "completed", steps: 3, result: { text: "Planned." } });
    expect(retries(events)).toHaveLength(1);
    const starts = events.flatMap((event) =>
      event.type === "TOOL_CALL_START" && event.toolCallName === "create_tasks" ? [event.toolCallId] : [],
    );
    const [first = "", second = "", ...others] = starts;
    expect(others).toEqual([]);
    expectTakenBack(events, "TOOL_CALL_END", first, second);
    const results = events.flatMap((event) => (event.type === "TOOL_CALL_RESULT" ? [event.toolCallId] : []));
    expect(results).toHaveLength(2);
    expect(results).toContain(second);
    expect(results).not.toContain(first);
  });

  it("after tools have run keeps their results and does not call them again", async () => {
    const hooks = `After the tools: ${plan} ${clear} [[then]] [[cut after 4]] [[times 1]] [[text All is done and said.]]`;
    const { run, events } = await runToEnd(taskloom, hooks);
    expect(run).toMatchObject({ status: "completed", steps: 3, result: { text: "All is done and said." } });
    expect(retries(events)).toHaveLength(1);
    expect(events.filter(({ type }) => type === "TOOL_CALL_START")).toHaveLength(2);
    expect(events.filter(({ type }) => type === "TOOL_CALL_RESULT")).toHaveLength(2);
    const [first = "", second = ""] = assistantStarts(events);
    expectTakenBack(events, "TEXT_MESSAGE_END", first, second);
    const snapshot = JSON.stringify(events.filter(({ type }) => type === "MESSAGES_SNAPSHOT"));
    expect(snapshot).toContain("Draw a shop window");
  });
});

describe("a busy model server", () => {
  it("is waited for as long as it sends comments", async () => {
    const { run, events } = await runToEnd(taskloom, "[[comments 8]] [[text Here it comes.]]");
    expect(run).toMatchObject({ status: "completed", result: { text: "Here it comes." } });
    expect(retries(events)).toEqual([]);
    const took = Date.parse(run.finished_at ?? "") - Date.parse(run.started_at ?? "");
    expect(took).toBeGreaterThan(2000);
  });
});
