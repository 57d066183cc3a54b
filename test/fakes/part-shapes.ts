// The events of a part of each kind.
import type { PartShape } from "../../src/thread/stream/journal/journal.ts";
import type { Kind } from "./any-script.ts";

export function shapeOf(kind: Kind, id: string, message_id: string): PartShape {
  if (kind === "text") {
    return {
      part_id: id,
      message_id,
      startEvents: [{ type: "TEXT_MESSAGE_START", messageId: id, role: "assistant" }],
      content: (delta) => ({ type: "TEXT_MESSAGE_CONTENT", messageId: id, delta }),
      endEvents: [{ type: "TEXT_MESSAGE_END", messageId: id }],
    };
  }
  if (kind === "tool_call") {
    return {
      part_id: id,
      message_id,
      startEvents: [{ type: "TOOL_CALL_START", toolCallId: id, toolCallName: "tool", parentMessageId: message_id }],
      content: (delta) => ({ type: "TOOL_CALL_ARGS", toolCallId: id, delta }),
      endEvents: [{ type: "TOOL_CALL_END", toolCallId: id }],
    };
  }
  return {
    part_id: id,
    message_id,
    startEvents: [
      { type: "REASONING_START", messageId: id },
      { type: "REASONING_MESSAGE_START", messageId: id, role: "reasoning" },
    ],
    content: (delta) => ({ type: "REASONING_MESSAGE_CONTENT", messageId: id, delta }),
    endEvents: [
      { type: "REASONING_MESSAGE_END", messageId: id },
      { type: "REASONING_END", messageId: id },
    ],
  };
}
