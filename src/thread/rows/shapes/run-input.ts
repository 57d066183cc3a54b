// The input of a run, stored until the run takes it.
import { isRecord } from "../../../lib/is-record.ts";
import type { ClientTool, InterruptAnswer, RunInput, Superseding } from "../../../protocol/thread.ts";
import { isUserContent } from "../../../store/shapes/message.ts";
import { isChain } from "../../../store/shapes/run.ts";
import { isList, isText, isTextOrNull } from "../../../store/shapes/stored.ts";
import { isScopedCaps } from "../../usage/state.ts";

/** The value is null once the run is over, or a step has taken the message. */
export function toRunInput(value: unknown): RunInput | null | undefined {
  return value === null || isInput(value) ? value : undefined;
}

function isInput(value: unknown): value is RunInput {
  return (
    isRecord(value) &&
    isText(value.invocation_id) &&
    isText(value.user_id) &&
    isText(value.thread_id) &&
    isText(value.on_busy) &&
    isList(value.messages, isMessage) &&
    isList(value.tool_results, isToolResult) &&
    (value.resume === null || isList(value.resume, isAnswer)) &&
    isTextOrNull(value.agent_id) &&
    isTextOrNull(value.model) &&
    isRecord(value.metadata) &&
    isList(value.client_tools, isClientTool) &&
    isList(value.context, isContext) &&
    (value.time_zone === undefined || isText(value.time_zone)) &&
    (value.on_disconnect === undefined || isText(value.on_disconnect)) &&
    (value.traceparent === undefined || isText(value.traceparent)) &&
    (value.key_id === undefined || isText(value.key_id)) &&
    (value.caps === undefined || isList(value.caps, isScopedCaps)) &&
    (value.supersede === undefined || isSuperseding(value.supersede)) &&
    (value.chain === undefined || isChain(value.chain))
  );
}

function isSuperseding(value: unknown): value is Superseding {
  return isRecord(value) && isText(value.message_id) && typeof value.replaces === "boolean";
}

function isMessage(value: unknown): value is RunInput["messages"][number] {
  return isRecord(value) && isText(value.message_id) && isUserContent(value.content);
}

function isToolResult(value: unknown): value is RunInput["tool_results"][number] {
  return isRecord(value) && isText(value.message_id) && isText(value.tool_call_id) && isText(value.content);
}

function isAnswer(value: unknown): value is InterruptAnswer {
  return isRecord(value) && isText(value.interrupt_id) && isText(value.status);
}

function isClientTool(value: unknown): value is ClientTool {
  return isRecord(value) && isText(value.name) && isText(value.description) && isRecord(value.parameters);
}

function isContext(value: unknown): value is RunInput["context"][number] {
  return isRecord(value) && isText(value.description) && isText(value.value);
}
