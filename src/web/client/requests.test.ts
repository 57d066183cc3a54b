import { describe, expect, it } from "vitest";
import type { ThreadEvent } from "../../protocol/event.ts";
import { advance, emptyConversation } from "./conversation.ts";
import { requestOf } from "./requests.ts";

const start = (run: string, id: string, content: string): ThreadEvent => {
  const at = { threadId: "t", runId: run };
  return {
    type: "RUN_STARTED",
    ...at,
    input: { ...at, messages: [{ id, role: "user", content }], tools: [], context: [] },
  };
};
const remark = (messageId: string, delta: string): ThreadEvent[] => [
  { type: "TEXT_MESSAGE_START", messageId, role: "user" },
  { type: "TEXT_MESSAGE_CONTENT", messageId, delta },
  { type: "TEXT_MESSAGE_END", messageId },
];

describe("the request of a run", () => {
  it("has what the run read while it worked, and nothing of other runs, after a resync too", () => {
    const events = [start("r1", "a", "Hello"), start("r2", "b", "Build a shop"), ...remark("c", "In blue")];
    const view = events.reduce(advance, emptyConversation);
    expect(requestOf(view.items, "r2")).toBe("Build a shop\n\nIn blue");
    expect(requestOf(view.items, "r1")).toBe("Hello");
    const messages = ["b", "c"].map((id) => ({ id, role: "user" as const, content: id }));
    const resynced = advance(view, { type: "MESSAGES_SNAPSHOT", messages });
    expect(requestOf(resynced.items, "r2")).toBe("b\n\nc");
  });

  it("is the last message where nobody knows what began the run", () => {
    const items = ["a", "b"].map((id) => ({ kind: "user", id, text: id }));
    expect(requestOf(items, "r")).toBe("b");
    expect(requestOf([], "r")).toBeNull();
  });
});
