// A `Model` for models without native tool calls. It wraps the native one, with its wire format, failures and limits,
// and parses its text. The tools are not sent but described in the system prompt, and history is written as the model
// would write it. The result is the deltas and the reply of a native model, with the raw text beside them.
import type { Model, ModelDelta, ModelFailure, ModelOutcome, ModelReply, ModelRequest } from "../../agent/model.ts";
import type { ToolCall } from "../../protocol/message.ts";
import { MAX_TOOL_CALLS } from "../chat/reply/call-builder.ts";
import { MAX_REPLY_CHARACTERS } from "../chat/reply/reply-limits.ts";
import { writeHistory } from "./history.ts";
import { createXmlParser } from "./parser.ts";
import { withTools } from "./prompt.ts";

export function createXmlModel(native: Model): Model {
  return { stream: (request, onDelta, signal) => streamReply(native, request, onDelta, signal) };
}

async function streamReply(
  native: Model,
  request: ModelRequest,
  onDelta: (delta: ModelDelta) => void,
  signal: AbortSignal,
): Promise<ModelOutcome> {
  const overflow = new AbortController();
  const reading = readReply(request, onDelta, () => overflow.abort());
  const asked = { ...request, messages: withTools(writeHistory(request.messages), request.tools), tools: [] };
  const outcome = await native.stream(asked, reading.accept, AbortSignal.any([signal, overflow.signal]));
  if (overflow.signal.aborted) return { kind: "failure", failure: tooLong };
  if (outcome.kind === "failure") return outcome;
  const reply = reading.finish(outcome.reply, outcome.kind === "aborted");
  if (overflow.signal.aborted) return { kind: "failure", failure: tooLong };
  return { ...outcome, reply };
}

const tooLong: ModelFailure = {
  code: "model_error",
  message: "The model's reply grew past what is accepted (2 MiB of text or 256 tool calls).",
  retryable: false,
  retry_after_ms: null,
  reason: "reply_too_long",
};

interface Reading {
  accept(delta: ModelDelta): void;
  finish(native: ModelReply, wasLeft: boolean): ModelReply;
}

function readReply(request: ModelRequest, onDelta: (delta: ModelDelta) => void, onOverflow: () => void): Reading {
  const calls: ToolCall[] = [];
  /**
   * Some servers parse the dialect themselves and send native calls although none were offered. Maps their index to
   * ours.
   */
  const nativeCalls = new Map<number, number>();
  let raw = "";
  let text = "";
  let reasoning = "";
  let characters = 0;
  let isOver = false;

  /** Escapes make arguments longer than their text, so the output is bounded like the input. */
  function send(delta: ModelDelta, size: number): void {
    characters += size;
    isOver ||= characters > MAX_REPLY_CHARACTERS || calls.length > MAX_TOOL_CALLS;
    if (isOver) onOverflow();
    else onDelta(delta);
  }

  function addCall(id: string, name: string): number {
    const index = calls.length;
    calls.push({ id, type: "function", function: { name, arguments: "" } });
    send({ type: "tool_call", index, id, name }, id.length + name.length);
    return index;
  }

  function addArguments(index: number, piece: string): void {
    const call = calls[index];
    if (!call || isOver) return;
    call.function.arguments += piece;
    send({ type: "tool_arguments", index, text: piece }, piece.length);
  }

  function addReasoning(piece: string): void {
    reasoning += piece;
    send({ type: "reasoning", text: piece }, piece.length);
  }

  let opened = 0;
  const parser = createXmlParser(request.tools, {
    addText(piece) {
      text += piece;
      send({ type: "text", text: piece }, piece.length);
    },
    addReasoning,
    openCall(name) {
      // The ids are made where the message gets its own id.
      opened = addCall("", name);
    },
    addArguments: (piece) => addArguments(opened, piece),
  });

  return {
    accept(delta) {
      if (isOver) return;
      if (delta.type === "text") {
        raw += delta.text;
        parser.push(delta.text);
      } else if (delta.type === "reasoning") addReasoning(delta.text);
      else if (delta.type === "tool_call") nativeCalls.set(delta.index, addCall(delta.id, delta.name));
      else addArguments(nativeCalls.get(delta.index) ?? -1, delta.text);
    },
    finish(native, wasLeft) {
      parser.end(wasLeft ? "left" : native.finish === "length" ? "cut" : "whole");
      const finish = native.finish === "stop" && calls.length > 0 ? "tool_calls" : native.finish;
      return {
        ...native,
        text,
        reasoning,
        tool_calls: calls,
        finish,
        ...(raw === text ? {} : { xml: raw.toWellFormed() }),
      };
    },
  };
}
