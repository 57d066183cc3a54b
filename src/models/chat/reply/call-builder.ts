// Adds up the pieces of a reply's calls. Providers send calls without an index, whole at once, several under one index,
// with the name after the arguments, with the name in pieces, under an id that changes from piece to piece, or with
// arguments as an object.
import type { ModelDelta } from "../../../agent/model.ts";
import { isRecord } from "../../../lib/is-record.ts";
import { createFolder } from "../../../lib/memory/text-bytes.ts";
import type { ToolCall } from "../../../protocol/message.ts";
import { asArguments, asText, MAX_TOOL_CALLS, ReplyTooLong } from "../../exchange/reply.ts";
import { mergeExtra } from "./extras.ts";
import { createJsonEnd, type JsonEnd } from "./json-end.ts";

interface OpenCall {
  /** Our own index: the call's position in the message. */
  index: number;
  id: string;
  name: string;
  arguments: string;
  end: JsonEnd;
  extra: unknown;
  /** Whether `tool_call` was sent; until then the arguments wait for the whole name. */
  announced: boolean;
}

export interface CallBuilder {
  accept(entry: Record<string, unknown>): void;
  /** Sends what was held back. */
  close(): void;
  readonly count: number;
  calls(): ToolCall[];
  extras(): { name: string; extra: unknown }[];
}

/** `count` throws when the reply grows past its limit. `names` are those of the tools that were offered. */
export function createCallBuilder(
  names: readonly string[],
  onDelta: (delta: ModelDelta) => void,
  count: (characters: number) => void,
): CallBuilder {
  const calls: OpenCall[] = [];
  /** The provider's index → the call that it currently means. */
  const byIndex = new Map<number, OpenCall>();
  const fold = createFolder();

  function openCall(id: string): OpenCall {
    if (calls.length >= MAX_TOOL_CALLS) throw new ReplyTooLong();
    // The arguments of this call may follow, so the name of the one before is whole.
    const last = calls.at(-1);
    if (last && last.name !== "" && !last.announced) announce(last);
    count(id.length);
    const call = {
      index: calls.length,
      id,
      name: "",
      arguments: "",
      end: createJsonEnd(),
      extra: undefined,
      announced: false,
    };
    calls.push(call);
    return call;
  }

  function announce(call: OpenCall): void {
    call.announced = true;
    onDelta({ type: "tool_call", index: call.index, id: call.id, name: call.name });
    if (call.arguments !== "") onDelta({ type: "tool_arguments", index: call.index, text: call.arguments });
  }

  function find(index: number | null, id: string, name: string): OpenCall | undefined {
    if (index !== null) return byIndex.get(index);
    const known = id === "" ? undefined : calls.find((call) => call.id === id);
    // A piece that names no tool, or the same one again within its arguments, continues with the newest call.
    const last = calls.at(-1);
    const goesOn = name === "" || (name === last?.name && last.arguments !== "" && !last.end.isWhole);
    return known ?? (goesOn ? last : undefined);
  }

  /** Some servers send a name in pieces, and some repeat the whole name with every piece of the arguments. */
  function addName(call: OpenCall, piece: string): void {
    const isPiece = call.name === "" || (!call.announced && call.arguments === "" && piece !== call.name);
    if (piece === "" || !isPiece) return;
    count(piece.length);
    call.name += piece;
  }

  return {
    accept(entry) {
      const details = isRecord(entry.function) ? entry.function : {};
      const id = asText(entry.id);
      const name = asText(details.name);
      const piece = asArguments(details.arguments);
      const index = typeof entry.index === "number" ? entry.index : null;
      const known = find(index, id, name);
      const call = known && !startsAnother(known, id, name, piece) ? known : openCall(id);
      if (index !== null) byIndex.set(index, call);
      if (call.id === "" && id !== "") {
        count(id.length);
        call.id = id;
      }
      addName(call, name);
      if (entry.extra_content !== undefined) {
        count(JSON.stringify(entry.extra_content).length);
        call.extra = mergeExtra(call.extra, entry.extra_content);
      }
      count(piece.length);
      call.arguments += piece;
      fold(call.arguments);
      call.end.push(piece);
      if (call.announced) {
        if (piece !== "") onDelta({ type: "tool_arguments", index: call.index, text: piece });
      } else if (call.name !== "" && (call.arguments !== "" || isWhole(call.name, names))) announce(call);
    },
    close() {
      for (const call of calls) if (!call.announced) announce(call);
    },
    get count() {
      return calls.length;
    },
    calls: () =>
      calls.map((call) => ({
        id: call.id,
        type: "function",
        function: { name: call.name, arguments: call.arguments },
      })),
    extras: () => calls.map(({ name, extra }) => ({ name, extra })),
  };
}

/** Whether a name that was read so far can't be the beginning of another tool's. */
function isWhole(name: string, names: readonly string[]): boolean {
  return names.includes(name) && !names.some((other) => other !== name && other.startsWith(name));
}

/**
 * Whether a piece under a known index starts another call. Another id and another name do, and so does another name
 * behind whole arguments. An id alone says nothing, since some servers make one for each piece: with the same name, or
 * without ids, the arguments so far must be whole.
 */
function startsAnother(known: OpenCall, id: string, name: string, piece: string): boolean {
  if (name === "" || known.name === "") return false;
  if (id !== "" && id === known.id) return name !== known.name && known.end.isWhole;
  const hasOtherId = id !== "" && known.id !== "";
  if (hasOtherId && name !== known.name) return true;
  return known.end.isWhole && (hasOtherId || isWholeObject(piece));
}

function isWholeObject(text: string): boolean {
  const end = createJsonEnd();
  end.push(text);
  return end.isWhole;
}
