// One assistant message while it arrives: the model's deltas become parts with ids, and the parts add up to the message
// that is stored, so what was streamed and what is stored can't differ.
//
// - The first text is the message itself and has its id. A reasoning's id is derived from it, and a call has the call's
//   id.
// - A reasoning ends when a text or a call starts, a text when a call starts. Calls stay open until the end of the
//   message, because providers interleave them. Text after a call, which is rare, is a part of its own.
// - White space alone is not a text: some models send line breaks before each call.
import { createFolder } from "../../lib/memory/text-bytes.ts";
import { isHighSurrogate } from "../../lib/truncate.ts";
import type { ToolCall } from "../../protocol/message.ts";
import type { LoopDelta, Part } from "../events.ts";
import type { ModelDelta, ModelReply } from "../model.ts";

export interface MessageParts {
  accept(delta: ModelDelta): void;
  /** Sends what the reply holds and no delta has brought, then ends every part. */
  finish(reply: ModelReply): void;
  readonly text: string;
  readonly reasoning: string;
  /** In the order of their index. */
  readonly tool_calls: ToolCall[];
  /** Whether anything was sent. */
  readonly seen: boolean;
}

interface OpenPart {
  part_id: string;
  sum: string;
  /** A high surrogate whose other half has not arrived yet. */
  held: string;
}

interface OpenCall extends OpenPart {
  name: string;
}

export function createMessageParts(
  message_id: string,
  usedCallIds: Set<string> | null,
  onDelta: (delta: LoopDelta) => void,
): MessageParts {
  const calls = new Map<number, OpenCall>();
  const sums = { text: "", reasoning: "" };
  const counts = { text: 0, reasoning: 0 };
  const open: { text: OpenPart | null; reasoning: OpenPart | null } = { text: null, reasoning: null };
  let blank = "";
  const fold = createFolder();

  function start(part: Part): OpenPart {
    onDelta({ type: "part_started", part });
    return { part_id: part.part_id, sum: "", held: "" };
  }

  function write(part: OpenPart, piece: string): void {
    let text = part.held + piece;
    part.held = "";
    if (isHighSurrogate(text.charCodeAt(text.length - 1))) {
      part.held = text.slice(-1);
      text = text.slice(0, -1);
    }
    if (text === "") return;
    const clean = text.toWellFormed();
    part.sum += clean;
    fold(part.sum);
    onDelta({ type: "part_delta", part_id: part.part_id, text: clean });
  }

  function end(part: OpenPart): void {
    if (part.held !== "") {
      const rest = part.held.toWellFormed();
      part.held = "";
      part.sum += rest;
      onDelta({ type: "part_delta", part_id: part.part_id, text: rest });
    }
    onDelta({ type: "part_ended", part_id: part.part_id });
  }

  function close(kind: "text" | "reasoning"): void {
    const part = open[kind];
    if (!part) return;
    end(part);
    sums[kind] += part.sum;
    open[kind] = null;
  }

  function append(kind: "text" | "reasoning", piece: string): void {
    if (kind === "text") close("reasoning");
    let part = open[kind];
    if (!part) {
      counts[kind]++;
      const stem = kind === "text" ? message_id : `${message_id}_reasoning`;
      part = start({ kind, part_id: counts[kind] === 1 ? stem : `${stem}_${counts[kind]}`, message_id });
      open[kind] = part;
    }
    write(part, piece);
  }

  function addText(piece: string): void {
    if (!open.text && piece.trim() === "") {
      blank += piece;
      return;
    }
    const whole = blank + piece;
    blank = "";
    append("text", whole);
  }

  function openCall(index: number, id: string, name: string): OpenCall {
    close("reasoning");
    close("text");
    const part_id = claimCallId(id, `${message_id}_call_${index}`, usedCallIds);
    const clean = cleanName(name);
    const call = { ...start({ kind: "tool_call", part_id, message_id, name: clean }), name: clean };
    calls.set(index, call);
    return call;
  }

  const parts: MessageParts = {
    accept(delta) {
      if (delta.type === "text") addText(delta.text);
      else if (delta.type === "reasoning") append("reasoning", delta.text);
      else if (delta.type === "tool_call") openCall(delta.index, delta.id, delta.name);
      else {
        const call = calls.get(delta.index);
        if (call) write(call, delta.text);
      }
    },
    finish(reply) {
      if (counts.reasoning === 0 && reply.reasoning !== "") append("reasoning", reply.reasoning);
      if (counts.text === 0 && blank === "") addText(reply.text);
      for (const [index, call] of reply.tool_calls.entries()) {
        if (calls.size > index) continue;
        write(openCall(index, call.id, call.function.name), call.function.arguments);
      }
      close("reasoning");
      close("text");
      for (const call of calls.values()) end(call);
    },
    get text() {
      return sums.text + (open.text?.sum ?? "");
    },
    get reasoning() {
      return sums.reasoning + (open.reasoning?.sum ?? "");
    },
    get tool_calls() {
      return [...calls.entries()]
        .sort(([a], [b]) => a - b)
        .map(([, call]) => ({
          id: call.part_id,
          type: "function" as const,
          function: { name: call.name, arguments: call.sum },
        }));
    },
    get seen() {
      return counts.text + counts.reasoning + calls.size > 0;
    },
  };
  return parts;
}

/**
 * Ids name results, commands in a sandbox and rows, so they must be new in the thread. Some servers count from `call_0`
 * in each message, or send none. Ours stay under the 40 characters that OpenAI allows, and are new because they contain
 * the id of their message. If not all ids of the thread are known (`used` is null), every call takes ours.
 */
function claimCallId(given: string, own: string, used: Set<string> | null): string {
  const fits = used !== null && /^[A-Za-z0-9_.:-]{1,64}$/.test(given) && !used.has(given);
  const id = fits ? given : own;
  used?.add(id);
  return id;
}

/** A name that every provider accepts in the history, even if no tool has it. */
function cleanName(name: string): string {
  const bare = name.replace(/^functions[.:]/, "").replace(/[^A-Za-z0-9_-]/g, "_");
  return bare.slice(0, 64) || "unnamed";
}
