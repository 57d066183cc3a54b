// The calls of a reply while it streams. A name comes whole, mostly before the arguments; until then they wait.
import type { ModelDelta } from "../../../agent/model.ts";
import type { ToolCall } from "../../../protocol/message.ts";
import { asArguments, MAX_TOOL_CALLS, ReplyTooLong } from "../../exchange/reply.ts";

export interface OpenCall {
  /** The call's position in the message. */
  index: number;
  id: string;
  name: string;
  arguments: string;
  /** Whether `tool_call` was sent. */
  announced: boolean;
}

interface WithCall {
  call: OpenCall | null;
}

export interface Calls {
  open(): OpenCall;
  /** The first name and id count. */
  name(call: OpenCall, id: string, name: unknown): void;
  add(item: WithCall, piece: unknown): void;
  /** Adds what of the whole arguments did not stream. */
  finish(item: WithCall, whole: unknown, name: unknown): void;
  close(): void;
  calls(): ToolCall[];
  readonly count: number;
}

/** `count` throws when the reply grows past its limit. */
export function createCalls(onDelta: (delta: ModelDelta) => void, count: (characters: number) => void): Calls {
  const calls: OpenCall[] = [];

  function announce(call: OpenCall): void {
    call.announced = true;
    onDelta({ type: "tool_call", index: call.index, id: call.id, name: call.name });
    if (call.arguments !== "") onDelta({ type: "tool_arguments", index: call.index, text: call.arguments });
  }

  function name(call: OpenCall, id: string, given: unknown): void {
    if (call.announced) return;
    if (call.id === "" && id !== "") {
      count(id.length);
      call.id = id;
    }
    if (typeof given !== "string" || given === "") return;
    count(given.length);
    call.name = given;
    announce(call);
  }

  function add({ call }: WithCall, piece: unknown): void {
    const text = asArguments(piece);
    if (call === null || text === "") return;
    count(text.length);
    call.arguments += text;
    if (call.announced) onDelta({ type: "tool_arguments", index: call.index, text });
  }

  return {
    open() {
      if (calls.length >= MAX_TOOL_CALLS) throw new ReplyTooLong();
      const call: OpenCall = { index: calls.length, id: "", name: "", arguments: "", announced: false };
      calls.push(call);
      return call;
    },
    name,
    add,
    finish(item, whole, given) {
      const { call } = item;
      if (call === null) return;
      const text = asArguments(whole);
      // The length is compared first, since each comparison of texts takes time in proportion to them.
      if (text.length > call.arguments.length && text.startsWith(call.arguments))
        add(item, text.slice(call.arguments.length));
      name(call, "", given);
    },
    close() {
      for (const call of calls) if (!call.announced) announce(call);
    },
    calls: () =>
      calls.map(({ id, name: called, arguments: written }) => ({
        id,
        type: "function",
        function: { name: called, arguments: written },
      })),
    get count() {
      return calls.length;
    },
  };
}
