import { describe, expect, it } from "vitest";
import type { Item } from "../client/conversation.ts";
import { endsOfTurns } from "./turns.ts";

const user = (id: string): Item => ({ kind: "user", id, text: id });
const text = (id: string): Item => ({ kind: "text", id, text: id, open: false });
const end = (id: string): Item => ({ kind: "end", id, state: "cancelled", error: null, unfinished: 0 });
const tool = (id: string): Item => ({
  ...{ kind: "tool", id, name: "x", arguments: "", output: "", result: null, open: false },
});

describe("the turns of a conversation", () => {
  it("end with their last text or the end of a run, and are named by their message", () => {
    const items = [
      text("a0"),
      user("u1"),
      text("a1"),
      tool("t1"),
      text("a2"),
      user("u2"),
      end("e2"),
      user("u3"),
      tool("t3"),
    ];
    const ends = [...endsOfTurns(items)].map(([item, turn]) => [item.id, turn]);
    expect(ends).toEqual([
      ["a2", "u1"],
      ["e2", "u2"],
    ]);
  });
});
