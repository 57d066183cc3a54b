import { describe, expect, it } from "vitest";
import type { ThreadEvent } from "../../protocol/event.ts";
import type { TimedEvent } from "../state/thread-view.ts";
import { readActivity } from "./activity-rows.ts";

function happen(events: ThreadEvent[], at = 1_000): TimedEvent[] {
  return events.map((event, place) => ({ at: at + place * 10, id: `${at + place}`, event }));
}

const begin = (runId: string): ThreadEvent => ({ type: "RUN_STARTED", threadId: "t", runId });
const say = (text: string): ThreadEvent => ({
  type: "CUSTOM",
  name: "tool_output",
  value: { tool_call_id: "c", stream: "stdout", text },
});
const result = (content: string): ThreadEvent => ({
  type: "TOOL_CALL_RESULT",
  messageId: "m",
  toolCallId: "c",
  content,
  role: "tool",
});

describe("the events of a run", () => {
  it("become rows for what a person would report, and none for mere ends", () => {
    const [run] = readActivity(
      happen([
        begin("r1"),
        { type: "TOOL_CALL_START", toolCallId: "c", toolCallName: "execute_command" },
        { type: "TOOL_CALL_END", toolCallId: "c" },
        result("exit_code: 2\nno"),
        { type: "TEXT_MESSAGE_END", messageId: "m" },
        { type: "RUN_FINISHED", threadId: "t", runId: "r1", outcome: { type: "success" } },
      ]),
      new Map(),
    );
    expect(run?.rows.map(({ kind, subject, isBad }) => `${kind} ${subject}${isBad ? " !" : ""}`)).toEqual([
      "begun ",
      "call execute_command",
      "result exit_code: 2 !",
      "finished success",
    ]);
  });

  it("show of a result from the web its words, not the server's own tags", () => {
    const fenced = '<web_content source="[1] tea.example">\nThe history of tea\n</web_content>';
    const [run] = readActivity(happen([begin("r1"), result(fenced)]), new Map());
    expect(run?.rows[1]).toMatchObject({ kind: "result", subject: "The history of tea" });
  });

  it("become one row where they are pieces of one output", () => {
    const [run] = readActivity(
      happen([begin("r1"), say("\u001b[31mone\u001b[0m\n"), say("two\n"), say("\n")]),
      new Map(),
    );
    expect(run?.rows[1]).toMatchObject({ kind: "output", subject: "two", count: 3 });
  });

  it("are grouped by run, and a continued run stays one group", () => {
    const runs = readActivity(happen([begin("r1"), begin("r2"), say("a"), begin("r2"), say("b")]), new Map());
    expect(runs.map(({ run, rows }) => [run, rows.length])).toEqual([
      ["r1", 1],
      ["r2", 4],
    ]);
  });

  it("have no time where the page received them as history", () => {
    const live = { at: 50_000, id: "9", event: say("now") };
    const [run] = readActivity([...happen([begin("r1"), result("old")], 20_000), live], new Map([["r1", 5_000]]));
    expect(run?.rows.map(({ at }) => at)).toEqual([null, null, 50_000]);
    const [other] = readActivity(happen([begin("r1")], 20_000), new Map([["r1", 19_900]]));
    expect(other?.rows[0]?.at).toBe(20_000);
  });

  it("appear once where their stream is read twice", () => {
    const events = happen([begin("r1"), result("one"), result("two")]);
    expect(readActivity([...events, ...events], new Map())[0]?.rows).toHaveLength(3);
  });

  it("are bounded", () => {
    const many = Array.from({ length: 400 }, (_, place) => result(`${place}`));
    const [run] = readActivity(happen([begin("r1"), ...many]), new Map());
    expect([run?.rows.length, run?.omitted]).toEqual([300, 101]);
  });
});
