// The events of streams as a schema, so that a generated client knows their fields. A line is short because the Worker
// carries it: `name` is a required text, `name?` may be absent, `name:object` is of another type.
import type { ThreadEvent } from "../../protocol/event.ts";

const fields: Record<ThreadEvent["type"], string> = {
  RUN_STARTED: "threadId runId protocolVersion? parentRunId? input:object? metadata:object?",
  RUN_FINISHED: "threadId runId outcome:outcome result:object? usage:array?",
  RUN_ERROR: "message code metadata:object?",
  STEP_STARTED: "stepName",
  STEP_FINISHED: "stepName",
  TEXT_MESSAGE_START: "messageId role",
  TEXT_MESSAGE_CONTENT: "messageId delta",
  TEXT_MESSAGE_END: "messageId",
  REASONING_START: "messageId",
  REASONING_MESSAGE_START: "messageId role",
  REASONING_MESSAGE_CONTENT: "messageId delta",
  REASONING_MESSAGE_END: "messageId",
  REASONING_END: "messageId",
  TOOL_CALL_START: "toolCallId toolCallName parentMessageId?",
  TOOL_CALL_ARGS: "toolCallId delta",
  TOOL_CALL_END: "toolCallId",
  TOOL_CALL_RESULT: "messageId toolCallId content role",
  STATE_SNAPSHOT: "snapshot:object",
  STATE_DELTA: "delta:array",
  MESSAGES_SNAPSHOT: "messages:array",
  CUSTOM: "name value:object",
};

type Schema = Record<string, unknown>;

const objects: Schema = { type: "object", additionalProperties: true };
const types: Record<string, Schema> = {
  object: objects,
  array: { type: "array", items: objects },
  outcome: {
    type: "object",
    properties: {
      type: { type: "string", enum: ["success", "interrupt", "cancelled"] },
      pendingToolCallIds: { type: "array", items: { type: "string" } },
      interrupts: {
        type: "array",
        items: {
          type: "object",
          properties: Object.fromEntries(
            ["id", "reason", "message", "toolCallId", "expiresAt"].map((name) => [name, { type: "string" }]),
          ),
          required: ["id", "reason"],
          additionalProperties: true,
        },
      },
    },
    required: ["type"],
  },
};

function describeEvent([type, line]: [string, string]): Schema {
  const read = Array.from(line.matchAll(/(\w+)(?::(\w+))?(\?)?/g), ([, name = "", of = "", absent]) => ({
    name,
    schema: types[of] ?? { type: "string" },
    isRequired: absent === undefined,
  }));
  const named = [{ name: "type", schema: { type: "string", enum: [type] }, isRequired: true }, ...read];
  return {
    type: "object",
    properties: Object.fromEntries(named.map(({ name, schema }) => [name, schema])),
    required: named.flatMap(({ name, isRequired }) => (isRequired ? [name] : [])),
    additionalProperties: true,
  };
}

/** Of one event: the `data` of one frame of a stream. */
export function describeEvents(): Schema {
  return {
    description:
      "The data of one frame: an event of AG-UI 1.0. Later versions may send events of other types: ignore those.",
    oneOf: Object.entries(fields).map(describeEvent),
    example: { type: "TEXT_MESSAGE_CONTENT", messageId: "msg-002", delta: "Hello" },
  };
}
