// Reads calls and thoughts that a model writes as text, around a model of chat completions. Some models have no native
// calls and are asked to write theirs as text (../xml); others should make native ones, but their server doesn't
// recognise what they write. The result is the deltas and the reply of a model with native calls.
import type { Model, ModelDelta, ModelFailure, ModelOutcome, ModelReply, ModelRequest } from "../../agent/model.ts";
import type { ToolCall } from "../../protocol/message.ts";
import { MAX_TOOL_CALLS } from "../chat/reply/call-builder.ts";
import { MAX_REPLY_CHARACTERS, TOO_LONG } from "../chat/reply/reply-limits.ts";
import { toToolName } from "./json.ts";
import { createMarkupParser, type MarkupOptions } from "./parser.ts";

/** What is known of the models whose replies begin within a thought. */
export interface ThinkingStarts {
  /** Whether the reply will. */
  expects(request: ModelRequest): boolean;
  /** Called after each reply that shows it: whether it had a `</think>` that nothing in it had opened. */
  learn(request: ModelRequest, hasStrayThinkEnd: boolean): void;
}

const noStarts: ThinkingStarts = { expects: () => false, learn() {} };

export function withTextCalls(
  native: Model,
  mode: MarkupOptions["mode"],
  starts: ThinkingStarts = noStarts,
  toRequest: (request: ModelRequest) => ModelRequest = (request) => request,
): Model {
  return { stream };

  async function stream(
    request: ModelRequest,
    onDelta: (delta: ModelDelta) => void,
    signal: AbortSignal,
  ): Promise<ModelOutcome> {
    const overflow = new AbortController();
    const options = { mode, tools: request.tools, startsThinking: starts.expects(request) };
    const reading = readReply(options, onDelta, () => overflow.abort());
    const asked = toRequest(request);
    const outcome = await native.stream(asked, reading.accept, AbortSignal.any([signal, overflow.signal]));
    if (overflow.signal.aborted) return { kind: "failure", failure: tooLong };
    if (outcome.kind === "failure") return outcome;
    const reply = reading.finish(outcome.reply, outcome.kind === "aborted");
    if (overflow.signal.aborted) return { kind: "failure", failure: tooLong };
    if (outcome.kind === "reply" && teaches(outcome.reply, reading.hasStrayThinkEnd)) {
      starts.learn(request, reading.hasStrayThinkEnd);
    }
    return { ...outcome, reply };
  }
}

/** A reply without text says nothing about thoughts, and one at its output limit may have had more to come. */
function teaches({ text, finish }: ModelReply, hasStrayThinkEnd: boolean): boolean {
  return hasStrayThinkEnd || (text.trim() !== "" && finish !== "length");
}

const tooLong: ModelFailure = {
  code: "model_error",
  message: TOO_LONG,
  retryable: false,
  retry_after_ms: null,
  reason: "reply_too_long",
};

interface Reading {
  accept(delta: ModelDelta): void;
  finish(native: ModelReply, wasLeft: boolean): ModelReply;
  readonly hasStrayThinkEnd: boolean;
}

function readReply(options: MarkupOptions, onDelta: (delta: ModelDelta) => void, onOverflow: () => void): Reading {
  const { mode } = options;
  const calls: ToolCall[] = [];
  const twins = createTwins();
  /** The index of a native call → ours; -1 for a call that came as text too. */
  const nativeCalls = new Map<number, number>();
  let parser: ReturnType<typeof createMarkupParser> | null = null;
  let raw = "";
  const text = createSum();
  const reasoning = createSum();
  let characters = 0;
  let isOver = false;
  /** Our index of the call that was read last. */
  let opened = -1;

  /** Escapes make arguments longer than their text, so the output is bounded like the input. */
  function send(delta: ModelDelta, size: number): void {
    characters += size;
    isOver ||= characters > MAX_REPLY_CHARACTERS || calls.length > MAX_TOOL_CALLS;
    if (isOver) onOverflow();
    else onDelta(delta);
  }

  function addText(piece: string): void {
    if (parser?.hasMarkup) text.add(piece);
    else text.pass(piece);
    send({ type: "text", text: piece }, piece.length);
  }

  function addReasoning(piece: string): void {
    reasoning.add(piece);
    send({ type: "reasoning", text: piece }, piece.length);
  }

  function addCall(origin: "text" | "native", id: string, name: string): number {
    if (twins.isSecond(origin, toToolName(name))) return -1;
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

  const sink = {
    addText,
    addReasoning,
    openCall(name: string) {
      // The ids are made where the message gets its own id.
      opened = addCall("text", "", name);
    },
    addArguments: (piece: string) => addArguments(opened, piece),
  };

  /** A server that recognises thoughts sends no text within one. */
  function open(): ReturnType<typeof createMarkupParser> {
    const startsThinking = options.startsThinking && reasoning.isEmpty && calls.length === 0;
    return createMarkupParser({ ...options, startsThinking }, sink);
  }

  return {
    accept(delta) {
      if (isOver) return;
      if (delta.type === "text") {
        if (mode === "xml") raw += delta.text;
        parser ??= open();
        if (parser.passes(delta.text)) {
          if (parser.hasMarkup) text.add(delta.text);
          else text.pass(delta.text);
          send(delta, delta.text.length);
        } else parser.push(delta.text);
      } else if (delta.type === "reasoning") {
        reasoning.pass(delta.text);
        send(delta, delta.text.length);
      } else if (delta.type === "tool_call") {
        nativeCalls.set(delta.index, addCall("native", delta.id, delta.name));
      } else addArguments(nativeCalls.get(delta.index) ?? -1, delta.text);
    },
    finish(native, wasLeft) {
      parser?.end(wasLeft ? "left" : native.finish === "length" ? "cut" : "whole");
      const finish = native.finish === "stop" && calls.length > 0 ? "tool_calls" : native.finish;
      const read = {
        ...native,
        text: text.of(mode === "xml" ? raw : native.text),
        reasoning: reasoning.of(native.reasoning),
        tool_calls: calls,
        finish,
      };
      // In `native`, the raw text would only repeat the thoughts.
      return mode === "native" || raw === read.text ? read : { ...read, xml: raw.toWellFormed() };
    },
    get hasStrayThinkEnd() {
      return parser?.hasStrayThinkEnd ?? false;
    },
  };
}

/**
 * Some servers make native calls of what they recognise and leave the markup in the text. The nth call of a tool as
 * text and its nth native one are the same; the one that comes first counts.
 */
function createTwins(): { isSecond(origin: "text" | "native", name: string): boolean } {
  const seen = { text: new Map<string, number>(), native: new Map<string, number>() };
  return {
    isSecond(origin, name) {
      const count = (seen[origin].get(name) ?? 0) + 1;
      seen[origin].set(name, count);
      return count <= (seen[origin === "text" ? "native" : "text"].get(name) ?? 0);
    },
  };
}

interface Sum {
  /** Adds what the native model adds to its own sum. */
  pass(piece: string): void;
  /** Adds what it does not. */
  add(piece: string): void;
  /** The whole, given the native model's. */
  of(native: string): string;
  readonly isEmpty: boolean;
}

/** Nearly every reply is passed on unchanged, so what both have in common is not added up again for each token. */
function createSum(): Sum {
  let common = 0;
  let rest: string | null = null;
  return {
    pass(piece) {
      if (rest === null) common += piece.length;
      else rest += piece;
    },
    add(piece) {
      rest = (rest ?? "") + piece;
    },
    of: (native) => native.slice(0, common) + (rest ?? ""),
    get isEmpty() {
      return common === 0 && rest === null;
    },
  };
}
