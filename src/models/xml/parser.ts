// Parses a reply in the XML dialect into text and calls, as it arrives. The output depends only on the characters and
// not on how they were split, and the time is linear in their number.
//
// - Outside of code, tags of the dialect are never text: an unreadable call becomes a malformed call, which is reported
//   to the model. Only a possible beginning of a tag is held back. In code a tag is an example.
// - Models continue after `</function_calls>` and invent the results. These are not shown to a person, and what follows
//   builds on them, so all of it is dropped. The model then gets the real results.
// - Text between thinking tags is reasoning, and so is a call inside it.
import type { ToolDescription } from "../../agent/model.ts";
import { type CallSink, type OpenCall, openCall, quote } from "./call.ts";
import { createCodeTracker } from "./code.ts";
import { createSpanFinder } from "./span.ts";
import { beginsCall, type Cursor, isBlock, isMarkup, isOpener, readTag, startOf, type Tag } from "./tags.ts";
import type { ValueReader } from "./value.ts";

export interface ReplySink extends CallSink {
  addText(piece: string): void;
  addReasoning(piece: string): void;
}

/** How a reply ended: complete, at the output limit, or because its reader aborted. */
export type ReplyEnd = "whole" | "cut" | "left";

export interface XmlParser {
  push(text: string): void;
  /** Sends what was held back and closes what is open. */
  end(how: ReplyEnd): void;
}

type Mode = "text" | "thinking" | "block" | "call" | "value" | "ignored";

/** Part of the junk is quoted to the model; no more than this is kept. */
const MAX_JUNK_CHARACTERS = 1000;

export function createXmlParser(tools: ToolDescription[], sink: ReplySink): XmlParser {
  const byName = new Map(tools.map((tool) => [tool.name, tool]));
  const cursor: Cursor = { rest: "", at: 0, isEnd: false };
  const code = createCodeTracker();
  const spans = createSpanFinder(cursor);
  let mode: Mode = "text";
  /** Set inside `<function_calls>`. `junk` is what is neither a call nor white space there. */
  let block: { calls: number; junk: string } | null = null;
  let call: OpenCall | null = null;
  /** What is neither a parameter nor white space inside the call. */
  let junk = "";
  let value: ValueReader | null = null;
  let calls = 0;
  let hasStrayEnd = false;
  let hasText = false;
  let hasThoughts = false;

  function skipTo(end: number): string {
    const text = cursor.rest.slice(cursor.at, end);
    cursor.at = end;
    return text;
  }

  function emitText(end: number): void {
    // White space separates reasoning from the answer, which begins with its first word.
    const piece = hasThoughts && !hasText ? skipTo(end).trimStart() : skipTo(end);
    if (piece === "") return;
    hasText = true;
    sink.addText(piece);
  }

  function reportMalformed(reason: string, cut = false): void {
    const malformed = openCall("", undefined, sink);
    calls++;
    malformed.fail(reason);
    malformed.close(cut);
  }

  // Each step consumes what it can of the cursor and returns true if more may be consumed.

  function stepText(): boolean {
    const { rest } = cursor;
    for (let at = cursor.at; at < rest.length; at++) {
      const character = rest.charCodeAt(at);
      const tag = character === 0x3c ? readTag({ ...cursor, at }) : "none";
      if (tag === "partial") {
        emitText(at);
        return false;
      }
      const context = tag === "none" ? "text" : code.context;
      if (tag === "none" || !isMarkup(tag) || (context === "span" && !isOpener(tag))) {
        code.accept(character);
      } else if (context === "fence") {
        if (isOpener(tag)) code.noteCall();
        code.accept(character);
      } else {
        emitText(at);
        if (context === "span") return leaveSpan();
        cursor.at = tag.end;
        takeTextTag(tag);
        return true;
      }
    }
    emitText(rest.length);
    return false;
  }

  function leaveSpan(): boolean {
    const span = spans.find(code.marks);
    if (span === "undecided") return false;
    if (span !== "none") emitText(span.end);
    code.leaveSpan();
    return true;
  }

  function takeTextTag(tag: Tag): void {
    if (tag.closes) {
      // The text before this tag was probably the rest of a value that ended too early.
      hasStrayEnd ||= tag.name === "parameter" && calls > 0;
    } else if (tag.name === "think") mode = "thinking";
    else if (tag.name === "function_results") {
      if (calls === 0) reportMalformed("Results are given by the tools; <function_results> is never written by you.");
      mode = "ignored";
    } else if (isBlock(tag) && !tag.isBroken) {
      block = { calls: 0, junk: "" };
      mode = "block";
      if (tag.isEmpty) leaveBlock();
    } else startCall(tag);
  }

  function startCall(tag: Tag): void {
    const name = tag.name === "invoke" ? (tag.attributes.get("name") ?? "") : "";
    call = openCall(name, byName.get(name), sink);
    calls++;
    if (block) block.calls++;
    mode = "call";
    if (tag.isBroken) call.fail(`A <${tag.name} …> tag has no end.`);
    else if (tag.name === "parameter") {
      call.fail("A <parameter> stands outside of an <invoke>.");
      startValue(tag);
    } else if (name === "") call.fail("An <invoke> has no name.");
    if (tag.isEmpty && tag.name === "invoke") endCall();
  }

  function endCall(cut?: boolean): void {
    if (junk !== "") call?.fail(`Only <parameter> may stand in an <invoke>, not ${quote(junk)}.`);
    call?.close(cut);
    call = null;
    junk = "";
    mode = block ? "block" : "text";
  }

  function startValue(tag: Tag): void {
    value = call?.openParameter(tag) ?? null;
    if (value) mode = "value";
  }

  function leaveBlock(cut?: boolean): void {
    if (block && block.junk !== "") {
      reportMalformed(
        `Between <function_calls> and </function_calls> stands ${quote(block.junk)}, which is no call.`,
        cut,
      );
    } else if (block?.calls === 0) reportMalformed("There is no call in <function_calls>.", cut);
    block = null;
    mode = "text";
  }

  /** Moves to the next tag of the dialect and gives the text before it to `onOther`. */
  function findTag(onOther: (text: string) => void): Tag | null {
    const { rest } = cursor;
    for (let at = rest.indexOf("<", cursor.at); at >= 0; at = rest.indexOf("<", at + 1)) {
      const tag = readTag({ ...cursor, at });
      if (tag === "none") continue;
      if (at > cursor.at) onOther(skipTo(at));
      if (tag === "partial") return null;
      cursor.at = tag.end;
      return tag;
    }
    if (cursor.at < rest.length) onOther(skipTo(rest.length));
    return null;
  }

  function stepThinking(): boolean {
    const tag = findTag(sink.addReasoning);
    if (!tag) return false;
    if (tag.name === "think" && tag.closes) {
      mode = block ? "block" : "text";
      hasThoughts = true;
    } else sink.addReasoning(cursor.rest.slice(startOf(cursor, tag), tag.end));
    return true;
  }

  function addBlockJunk(text: string): void {
    if (block) block.junk = gather(block.junk, text);
  }

  function addCallJunk(text: string): void {
    junk = gather(junk, text);
  }

  function stepBlock(): boolean {
    const tag = findTag(addBlockJunk);
    if (!tag) return false;
    if (tag.name === "invoke" && !tag.closes) startCall(tag);
    else if (isBlock(tag)) {
      if (tag.closes) leaveBlock();
    } else if (tag.name === "think") {
      if (!tag.closes) mode = "thinking";
    } else if (tag.name === "function_results") {
      leaveBlock();
      mode = "ignored";
    } else addBlockJunk(cursor.rest.slice(startOf(cursor, tag), tag.end));
    return true;
  }

  function stepCall(): boolean {
    const tag = findTag(addCallJunk);
    if (!tag) return false;
    if (tag.name === "parameter" && !tag.closes) startValue(tag);
    else if (tag.name === "invoke" || isBlock(tag)) {
      endCall();
      if (isBlock(tag) || !tag.closes) cursor.at = startOf(cursor, tag);
    } else if (tag.name === "function_results") {
      call?.fail("It has no </invoke>.");
      endCall();
      block = null;
      mode = "ignored";
    } else addCallJunk(cursor.rest.slice(startOf(cursor, tag), tag.end));
    return true;
  }

  function stepValue(): boolean {
    if (!value?.read(cursor)) return false;
    value = null;
    call?.closeParameter();
    mode = "call";
    return true;
  }

  function step(): boolean {
    switch (mode) {
      case "text":
        return stepText();
      case "thinking":
        return stepThinking();
      case "block":
        return stepBlock();
      case "call":
        return stepCall();
      case "value":
        return stepValue();
      case "ignored":
        cursor.at = cursor.rest.length;
        return false;
    }
  }

  function run(): void {
    for (let goesOn = true; goesOn; ) goesOn = step();
  }

  function closeOpen(cut: boolean): void {
    if (mode === "value") call?.fail("It has no </parameter> and no </invoke>: it was not written to its end.");
    if (call) {
      call.fail("It has no </invoke>: it was not written to its end.");
      endCall(cut);
    }
    if (block) leaveBlock(cut);
    if (code.holdsCall && !cut) {
      reportMalformed("It stands in a code fence that is not closed. In code, calls are examples and are not run.");
    }
    if (hasStrayEnd) {
      reportMalformed(
        "A </parameter> stands outside of a call, so the value before it may have ended too early: check what it did. A value that holds such tags is written as <![CDATA[…]]>.",
      );
    }
  }

  return {
    push(text) {
      cursor.rest = cursor.rest.slice(cursor.at) + text;
      cursor.at = 0;
      run();
    },
    end(how) {
      const isCutTag = how === "cut" && mode === "text" && code.context === "text" && beginsCall(cursor);
      if (isCutTag) {
        cursor.at = cursor.rest.length;
        reportMalformed("It was not written to its end.", true);
      }
      cursor.isEnd = true;
      run();
      if (how !== "left") closeOpen(how === "cut");
      else call?.close();
    },
  };
}

function gather(junk: string, more: string): string {
  return junk.length >= MAX_JUNK_CHARACTERS ? junk : (junk + more).trimStart().slice(0, MAX_JUNK_CHARACTERS);
}
