import { describe, expect, it } from "vitest";
import type { MessageRow } from "../../protocol/message.ts";
import type { Run } from "../../protocol/run.ts";
import { restore } from "./restore.ts";

const plan = { version: 0, sections: [], total_sections: 0, total_tasks: 0, completed_tasks: 0, next_task: null };

function row(message_id: string, type: string, content: object, metadata: object = {}): MessageRow {
  return { message_id, type, content, metadata, invocation_id: "r1", is_llm_message: true } as unknown as MessageRow;
}

describe("a stored conversation", () => {
  it("has a run's reasoning and last word as its stream had them", () => {
    const call = { id: "c", type: "function", function: { name: "complete", arguments: '{"summary":"Made."}' } };
    const rows = [
      row("u", "user", { role: "user", content: "make" }),
      row("a", "assistant", { role: "assistant", content: "Now.", tool_calls: [call] }, { reasoning: "Hm." }),
      row("t", "tool", { role: "tool", tool_call_id: "c", content: "The run ends here." }),
    ];
    const { items } = restore(
      rows,
      plan,
      [{ invocation_id: "r2", status: "running", interrupts: [] } as unknown as Run],
      ["r2"],
    );
    expect(items.map(({ kind, id }) => [kind, id])).toEqual([
      ["user", "u"],
      ["reasoning", "a_reasoning"],
      ["text", "a"],
      ["tool", "c"],
      ["text", "result r1"],
    ]);
    expect(items.at(-1)).toMatchObject({ text: "Made." });
  });

  it("knows the sources of its citations by its rows, also of the call that ended a run, and rows that say nothing", () => {
    const source = (n: number, read: boolean) => ({ n, url: `https://e.example/${n}`, title: null, read });
    const rows = [
      row(
        "a",
        "assistant",
        { role: "assistant", content: "Old [1] [2]." },
        { cites: [source(1, false), source(2, true)] },
      ),
      row("b", "assistant", { role: "assistant", content: "Older." }, { cites: "damaged" }),
      row("t", "tool", { role: "tool", tool_call_id: "c" }, { cites: [source(1, true), source(3, true)] }),
      row("t2", "tool", { role: "tool", tool_call_id: "d" }, { cites: null }),
    ];
    const { sources } = restore(rows, plan, [], []);
    expect(Object.values(sources)).toMatchObject([
      { n: 1, read: true },
      { n: 2, read: true },
      { n: 3, read: true },
    ]);
  });
});
