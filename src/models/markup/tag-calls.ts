// Reads calls in tags: `<invoke>` with `<parameter>` (the dialect, DeepSeek, MiniMax), `<function=f>` with
// `<parameter=x>` (Qwen3-Coder), a name with `<arg_key>` and `<arg_value>` (GLM), and JSON (Hermes, Qwen), in a block or
// without one.
import { type OpenCall, quote } from "./call.ts";
import { type Calls, fillCall, type JsonEnd } from "./calls.ts";
import { createJsonScanner, type JsonScanner } from "./json.ts";
import { type Cursor, findTag, isBlock, isInvoke, isResults, startOf, type Tag, take } from "./tags.ts";
import type { ValueReader } from "./value.ts";

/** Part of the junk is quoted to the model; no more than this is kept. */
const MAX_JUNK_CHARACTERS = 1000;

/** What models write around JSON, such as a fence, a comma or one bracket too many. */
const noise = /^[\s`,;}\]]*(?:json[\s`]*)?$/;

/**
 * `on`: there may be more to consume. `wait`: the next characters decide. `done`: text follows. `results`: the model
 * invents results, so all that follows is dropped.
 */
export type Step = "on" | "wait" | "done" | "results";

/** Reads the calls after an opening tag, until the text of the reply continues. */
export interface TagReader {
  /** Begins with a tag that opens a block or a call. */
  start(tag: Tag): Step;
  step(cursor: Cursor): Step;
  /** Closes what is open. `cut`: the reply reached the output limit. */
  end(cut: boolean): void;
  /** Closes the open call as it is: the reader of the reply left. */
  leave(): void;
}

export function createTagReader(calls: Calls, addReasoning: (piece: string) => void): TagReader {
  let mode: "block" | "call" | "value" | "json" | "thinking" = "block";
  /** Set inside a block. `junk` is what is neither a call nor white space there. */
  let block: { calls: number; junk: string } | null = null;
  /** What follows JSON that broke off belongs to it, and it is reported already. */
  let isSpoilt = false;
  /** Whether a bracket came that begins no JSON, since it followed junk. */
  let hasOtherBracket = false;
  let call: OpenCall | null = null;
  /** What is neither a parameter nor white space inside the call. */
  let junk = "";
  /** Whether the call has had no parameter. */
  let isNew = true;
  /** The text of an `<arg_key>`; null outside of one. */
  let key: { text: string; isOpen: boolean } | null = null;
  let value: ValueReader | null = null;
  let json: { scanner: JsonScanner; text: string } | null = null;

  function startBlock(tag: Tag): Step {
    block = { calls: 0, junk: "" };
    isSpoilt = false;
    hasOtherBracket = false;
    mode = "block";
    return tag.isEmpty ? leaveBlock() : "on";
  }

  function leaveBlock(cut?: boolean): Step {
    const left = block;
    block = null;
    if (!left) return "done";
    if (left.calls === 0 && !cut && calls.isOffered(left.junk)) calls.open(left.junk).close();
    else if (!noise.test(left.junk)) {
      calls.report(`Between <function_calls> and </function_calls> stands ${quote(left.junk)}, which is no call.`, cut);
    } else if (left.calls === 0) calls.report("There is no call in <function_calls>.", cut);
    return "done";
  }

  function openCall(name: string, isRaw?: boolean): OpenCall {
    call = calls.open(name, isRaw);
    if (block) block.calls++;
    mode = "call";
    isNew = true;
    isSpoilt = false;
    hasOtherBracket = false;
    return call;
  }

  function startCall(tag: Tag): Step {
    const name = isInvoke(tag) ? (tag.attributes.get("name") ?? "") : "";
    const opened = openCall(name, tag.name === "function" || undefined);
    if (tag.isBroken) opened.fail(`A <${tag.name} …> tag has no end.`);
    else if (tag.name === "parameter") {
      opened.fail("A <parameter> stands outside of an <invoke>.");
      startValue(tag);
    } else if (name === "") opened.fail("An <invoke> has no name.");
    return tag.isEmpty && isInvoke(tag) ? endCall() : "on";
  }

  function endCall(cut?: boolean): Step {
    if (!noise.test(junk)) call?.fail(`Only <parameter> may stand in an <invoke>, not ${quote(junk)}.`);
    call?.close(cut);
    call = null;
    junk = "";
    key = null;
    hasOtherBracket = false;
    mode = "block";
    return block ? "on" : "done";
  }

  function startKey(): void {
    isNew = false;
    key = { text: "", isOpen: true };
  }

  function startValue(tag: Tag): void {
    isNew = false;
    value = call?.openParameter(tag) ?? null;
    if (value) mode = "value";
  }

  function startJson(): Step {
    json = { scanner: createJsonScanner(), text: "" };
    // What stood before was noise, or the name of the call.
    if (block && !call) {
      if (calls.isOffered(block.junk)) openCall(block.junk, true);
      block.junk = "";
    }
    isNew = false;
    junk = "";
    mode = "json";
    return "on";
  }

  function endJson(how: JsonEnd): void {
    if (!json) return;
    const { text, scanner } = json;
    json = null;
    mode = call ? "call" : "block";
    if (call) fillCall(call, text, how);
    else {
      calls.addJson(text, scanner.names, how);
      if (block) block.calls++;
    }
    isSpoilt = how !== "whole";
    hasOtherBracket ||= isSpoilt;
  }

  function addBlockJunk(text: string): void {
    if (block && !isSpoilt) block.junk = gather(block.junk, text);
  }

  function addCallJunk(text: string): void {
    if (key?.isOpen) key.text = gather(key.text, text);
    else if (!isSpoilt) junk = gather(junk, text);
  }

  /** The next tag, or JSON if it may begin there; null if all that is known was consumed. */
  function findNext(
    cursor: Cursor,
    bracket: RegExp,
    mayBegin: () => boolean,
    onOther: (text: string) => void,
  ): Tag | "json" | null {
    if (hasOtherBracket) return findTag(cursor, onOther);
    const { rest } = cursor;
    bracket.lastIndex = cursor.at;
    const found = bracket.exec(rest);
    if (!found || found[0] === "<") return findTag(cursor, onOther);
    if (found.index > cursor.at) onOther(take(cursor, found.index));
    if (mayBegin()) return "json";
    hasOtherBracket = true;
    return findTag(cursor, onOther);
  }

  function stepBlock(cursor: Cursor): Step {
    const mayBegin = () => block !== null && (noise.test(block.junk) || calls.isOffered(block.junk));
    const tag = findNext(cursor, /[<{[]/g, mayBegin, addBlockJunk);
    if (!tag) return "wait";
    if (tag === "json") return startJson();
    if (isInvoke(tag) && !tag.closes) return startCall(tag);
    if (isBlock(tag)) return tag.closes ? leaveBlock() : "on";
    if (tag.name === "think") {
      if (!tag.closes) mode = "thinking";
    } else if (isResults(tag)) {
      leaveBlock();
      return "results";
    } else if (tag.name === "arg_key" && !tag.closes) {
      openCall(block?.junk ?? "", true);
      if (block) block.junk = "";
      startKey();
    } else addBlockJunk(cursor.rest.slice(startOf(cursor, tag), tag.end));
    return "on";
  }

  function stepThinking(cursor: Cursor): Step {
    const tag = findTag(cursor, addReasoning);
    if (!tag) return "wait";
    if (tag.name === "think" && tag.closes) mode = "block";
    else addReasoning(cursor.rest.slice(startOf(cursor, tag), tag.end));
    return "on";
  }

  function stepCall(cursor: Cursor): Step {
    const tag = findNext(cursor, /[<{]/g, () => isNew && noise.test(junk), addCallJunk);
    if (!tag) return "wait";
    if (tag === "json") return startJson();
    if (tag.name === "parameter" && !tag.closes) startValue(tag);
    else if (tag.name === "arg_key") {
      if (!tag.closes) startKey();
      else if (key) key.isOpen = false;
    } else if (tag.name === "arg_value" && !tag.closes) {
      tag.attributes.set("name", key?.text.trim() ?? "");
      key = null;
      startValue(tag);
    } else if (isInvoke(tag) || isBlock(tag)) {
      if (isBlock(tag) || !tag.closes) cursor.at = startOf(cursor, tag);
      return endCall();
    } else if (isResults(tag)) {
      call?.fail("It has no </invoke>.");
      endCall();
      block = null;
      return "results";
    } else addCallJunk(cursor.rest.slice(startOf(cursor, tag), tag.end));
    return "on";
  }

  function stepValue(cursor: Cursor): Step {
    if (!value?.read(cursor)) return "wait";
    value = null;
    call?.closeParameter();
    mode = "call";
    return "on";
  }

  function stepJson(cursor: Cursor): Step {
    if (!json) return "on";
    json.text += take(cursor, json.scanner.read(cursor.rest, cursor.at));
    const { state } = json.scanner;
    if (state === "open") return "wait";
    endJson(state);
    return "on";
  }

  const steps = { block: stepBlock, call: stepCall, value: stepValue, json: stepJson, thinking: stepThinking };

  return {
    start: (tag) => (isBlock(tag) && !tag.isBroken ? startBlock(tag) : startCall(tag)),
    step: (cursor) => steps[mode](cursor),
    end(cut) {
      if (mode === "value") call?.fail("It has no </parameter> and no </invoke>: it was not written to its end.");
      endJson(cut ? "cut" : "unfinished");
      if (call) {
        call.fail("It has no </invoke>: it was not written to its end.");
        endCall(cut);
      }
      if (block) leaveBlock(cut);
    },
    leave: () => call?.close(),
  };
}

function gather(junk: string, more: string): string {
  return junk.length >= MAX_JUNK_CHARACTERS ? junk : (junk + more).trimStart().slice(0, MAX_JUNK_CHARACTERS);
}
