// Replies that arrive complete and are unusual: calls that can't be made, calls that share an id, empty replies, far
// too long ones. The model receives an error, and the run continues.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ThreadEvent } from "../../src/protocol/event.ts";
import type { MessageRow } from "../../src/protocol/message.ts";
import type { Run } from "../../src/protocol/run.ts";
import { rowsOfType } from "../fakes/message-rows.ts";
import { startTaskloom, type Taskloom } from "./harness.ts";
import { openReader, readConversation } from "./stream-reader.ts";
import { checkReceived, follow, retries, runAgain, runToEnd } from "./watched-run.ts";

let taskloom: Taskloom;

beforeAll(async () => {
  taskloom = await startTaskloom();
});
afterAll(() => taskloom.close());

function callsOf(events: ThreadEvent[]): { made: string[]; answered: string[]; results: string[] } {
  const results = events.filter((event) => event.type === "TOOL_CALL_RESULT");
  return {
    made: events.flatMap((event) => (event.type === "TOOL_CALL_START" ? [event.toolCallId] : [])),
    answered: results.map(({ toolCallId }) => toolCallId),
    results: results.map(({ content }) => content),
  };
}

describe.concurrent("a tool call of the model", () => {
  it.each<[fault: string, hooks: string, result: RegExp]>([
    ["arguments that are not JSON", "[[raw create_tasks not json at all]]", /not valid JSON.*not json at all.*again/s],
    ["arguments that end too early", '[[raw view_tasks {"a": "b]]', /not valid JSON/],
    ["arguments that don't fit", "[[tool update_tasks {}]]", /don't fit.*task_ids/s],
    ["a tool that does not exist", "[[tool make_coffee {}]]", /no tool "make_coffee"\. The tools are: .*create_tasks/],
  ])("that can't be made gets an error as its result, and the model continues: %s", async (_fault, hooks, result) => {
    const { thread, run, events } = await runToEnd(taskloom, hooks);
    const { made, answered, results } = callsOf(events);
    expect(run).toMatchObject({ status: "completed", steps: 2, error: null });
    expect(answered).toEqual(made);
    expect(results).toMatchObject([expect.stringMatching(result)]);
    expect(retries(events)).toEqual([]);
    await runAgain(taskloom, thread);
  });

  it("has a unique id and one result, although the model gives one id to all calls of every run", async () => {
    const hooks = "[[tool view_tasks {}]] [[tool view_tasks {}]] [[tool make_coffee {}]] [[same id]]";
    const { thread, run, events } = await runToEnd(taskloom, hooks);
    expect(run.status).toBe("completed");
    const { made, answered } = callsOf(events);
    expect(made[0]).toBe("call_same_0");
    expect(new Set(made).size).toBe(3);
    expect(answered).toEqual(made);
    const again = await taskloom.json<Run>("POST", `/v1/threads/${thread}/runs?wait=1`, { message: hooks });
    expect(again.status).toBe("completed");
    const { data } = await taskloom.json<{ data: MessageRow[] }>("GET", `/v1/threads/${thread}/messages?type=tool`);
    const ids = rowsOfType(data, "tool").map(({ content }) => content.tool_call_id);
    expect(ids).toHaveLength(6);
    expect(new Set(ids).size).toBe(6);
  });
});

describe("a reply of the model", { timeout: 180_000 }, () => {
  it("that is empty is requested again without a fault", async () => {
    const { run, events } = await runToEnd(taskloom, "Empty once: [[empty]] [[times 1]] [[text Not empty.]]");
    expect(run).toMatchObject({ status: "completed", steps: 2, result: { text: "Not empty." } });
    expect(retries(events)).toEqual([]);
  });

  const size = 2_000_000;
  /** A number beyond all events: a client that resumes from it is sent everything again. */
  const beyond = 1_000_000_000;

  async function readText(thread: string): Promise<string> {
    const path = `/v1/threads/${thread}/messages?type=assistant`;
    const { data } = await taskloom.json<{ data: MessageRow[] }>("GET", path);
    const texts = rowsOfType(data, "assistant").map(({ content }) => content.content);
    expect(texts).toHaveLength(1);
    return texts.join("");
  }

  it("of 2 MB is complete when streamed, replayed, stored and as the run's result", async () => {
    const { thread, run, events } = await runToEnd(taskloom, `[[fill ${size}]]`);
    expect(run).toMatchObject({ status: "completed", error: null });
    expect(run.result?.text).toHaveLength(size);
    expect(await readText(thread)).toBe(run.result?.text);
    expect(events.at(-1)).toMatchObject({ type: "RUN_FINISHED", result: { text: run.result?.text } });
    const diagnostics = await taskloom.json<{ journal: { memory_chars: number } }>(
      "GET",
      `/v1/threads/${thread}/diagnostics`,
    );
    expect(diagnostics.journal.memory_chars).toBeLessThan(1024 * 1024);
    // The next model call has it in its history.
    await runAgain(taskloom, thread);
  });

  it("of 2 MB is sent again to a client that resumes, at its end and in the middle", async () => {
    const path = "/v1/threads/resynced";
    const body = { message: `[[fill ${size}]] [[pace 1500]]`, invocation_id: "inv-resynced" };
    const first = await openReader(taskloom, `${path}/runs`, { method: "POST", body });
    await first.untilText((text) => text.length > size / 2);
    first.leave();
    const runPath = `${path}/runs/inv-resynced`;
    const come = (after: number) => openReader(taskloom, `${runPath}/events`, { after });
    const amid = await Promise.all([
      follow(taskloom, runPath, await come(first.lastId), first.frames),
      follow(taskloom, runPath, await come(beyond)),
    ]);
    const late = await follow(taskloom, runPath, await come(beyond));
    const stored = await readConversation(taskloom, "resynced");
    for (const { events } of [...amid, late]) await checkReceived(events, stored);
    expect(late.events.map(({ type }) => type)).toContain("MESSAGES_SNAPSHOT");
    expect(await readText("resynced")).toHaveLength(size);
  });
});
