// Reads calls and thoughts that a model writes as text, around a model with native ones. Some models have no native
// calls and are asked to write theirs as text (../xml); others should make native ones, but their server doesn't
// recognise what they write. The result is the deltas and the reply of a model with native calls.
import type { Model, ModelDelta, ModelFailure, ModelOutcome, ModelReply, ModelRequest } from "../../agent/model.ts";
import type { ToolCall } from "../../protocol/message.ts";
import { MAX_REPLY_CHARACTERS, MAX_TOOL_CALLS, ReplyTooLong, TOO_LONG } from "../exchange/reply.ts";
import { toToolName } from "./json.ts";
import { createMarkupParser, type MarkupOptions } from "./parser.ts";
import { createTwins, isSameCall } from "./twins.ts";

/** What is known of the models whose replies begin within a thought. */
export interface ThinkingStarts {
  /** Whether the reply will. */
  expects(request: ModelRequest): boolean;
  /** Called after each reply that shows it: whether it had a `</think>` that nothing in it had opened. */
  learn(request: ModelRequest, hasStrayThinkEnd: boolean): void;
}

const noStarts: ThinkingStarts = { expects: () => false, learn() {} };

export interface TextCallOptions {
  mode: MarkupOptions["mode"];
  starts?: ThinkingStarts;
  /** Whether calls in the text count; thoughts always do. */
  reads?: (request: ModelRequest) => boolean;
  toRequest?: (request: ModelRequest) => ModelRequest;
}

export function withTextCalls(native: Model, given: TextCallOptions): Model {
  const { mode, starts = noStarts, reads = () => true, toRequest = (request) => request } = given;
  return { stream };

  async function stream(
    request: ModelRequest,
    onDelta: (delta: ModelDelta) => void,
    signal: AbortSignal,
  ): Promise<ModelOutcome> {
    const options = { mode, tools: reads(request) ? request.tools : [], startsThinking: starts.expects(request) };
    const reading = readReply(options, onDelta);
    try {
      const outcome = await native.stream(toRequest(request), reading.accept, signal);
      if (reading.isOver) return { kind: "failure", failure: tooLong };
      if (outcome.kind === "failure") return outcome;
      const reply = reading.finish(outcome.reply, outcome.kind === "aborted");
      if (outcome.kind === "reply" && teaches(outcome.reply, reading.hasStrayThinkEnd)) {
        starts.learn(request, reading.hasStrayThinkEnd);
      }
      return { ...outcome, reply };
    } catch (error) {
      if (reading.isOver) return { kind: "failure", failure: tooLong };
      throw error;
    }
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

interface OpenedCall {
  call: ToolCall;
  /** Null while it is held. */
  index: number | null;
}

interface Reading {
  /** Both throw `ReplyTooLong`, which ends the request at once. */
  accept(delta: ModelDelta): void;
  finish(native: ModelReply, wasLeft: boolean): ModelReply;
  readonly hasStrayThinkEnd: boolean;
  /** Whether the reply is longer than what is accepted. */
  readonly isOver: boolean;
}

function readReply(options: MarkupOptions, onDelta: (delta: ModelDelta) => void): Reading {
  const { mode } = options;
  const calls: ToolCall[] = [];
  const twins = createTwins();
  const nativeCalls = new Map<number, OpenedCall>();
  /** Calls that another one of the reply may already stand for. */
  const held: { call: ToolCall; twin: ToolCall }[] = [];
  let parser: ReturnType<typeof createMarkupParser> | null = null;
  let raw = "";
  const text = createSum();
  const reasoning = createSum();
  let characters = 0;
  let isOver = false;
  /** The call that was read last. */
  let opened: OpenedCall | undefined;

  /** Escapes make arguments longer than their text, so the output is bounded like the input. */
  function count(size: number): void {
    characters += size;
    isOver ||= characters > MAX_REPLY_CHARACTERS || calls.length + held.length > MAX_TOOL_CALLS;
    if (isOver) throw new ReplyTooLong();
  }

  function send(delta: ModelDelta, size: number): void {
    count(size);
    onDelta(delta);
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

  function addCall(origin: "text" | "native", id: string, name: string): OpenedCall {
    const call: ToolCall = { id, type: "function", function: { name, arguments: "" } };
    const twin = twins.add(origin, toToolName(name), call);
    if (twin !== null) {
      count(id.length + name.length);
      held.push({ call, twin });
      return { call, index: null };
    }
    return announce(call);
  }

  function announce(call: ToolCall): OpenedCall {
    const index = calls.length;
    calls.push(call);
    const { name } = call.function;
    send({ type: "tool_call", index, id: call.id, name }, call.id.length + name.length);
    return { call, index };
  }

  function addArguments(opened: OpenedCall | undefined, piece: string): void {
    if (!opened) return;
    opened.call.function.arguments += piece;
    if (opened.index === null) count(piece.length);
    else send({ type: "tool_arguments", index: opened.index, text: piece }, piece.length);
  }

  /** A call that turns out to be no twin of another comes last. */
  function releaseHeld(): void {
    for (const { call, twin } of held) {
      if (isSameCall(call, twin)) continue;
      const { index } = announce(call);
      const { arguments: written } = call.function;
      if (index !== null && written !== "") send({ type: "tool_arguments", index, text: written }, 0);
    }
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

  function acceptDelta(delta: ModelDelta): void {
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
    } else addArguments(nativeCalls.get(delta.index), delta.text);
  }

  return {
    accept(delta) {
      if (isOver) throw new ReplyTooLong();
      acceptDelta(delta);
    },
    finish(native, wasLeft) {
      parser?.end(wasLeft ? "left" : native.finish === "length" ? "cut" : "whole");
      releaseHeld();
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
    get isOver() {
      return isOver;
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
