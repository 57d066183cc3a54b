// Parses a reply whose calls and thoughts are written as text, as it arrives. The output depends only on the characters
// and not on how they were split, and the time is linear in their number.
//
// - In the XML dialect, tags outside of code are never text: an unreadable call becomes a malformed call, which is
//   reported to the model. With native calls, markup is a call only if it names an offered tool, and else text.
// - Only a possible beginning of a call is held back. In code a call is an example.
// - Models continue after their calls and invent the results. These are not shown to a person, and what follows builds
//   on them, so all of it is dropped. The model then gets the real results.
// - Text between thinking tags is reasoning, and so is a call inside it.
import type { ToolDescription } from "../../agent/model.ts";
import type { CallSink } from "./call.ts";
import { createCalls } from "./calls.ts";
import { createCodeTracker } from "./code.ts";
import { createOfferFinder, type Offer } from "./offer.ts";
import { createSpanFinder } from "./span.ts";
import { createTagReader, type Step } from "./tag-calls.ts";
import {
  beginsCall,
  type Cursor,
  classify,
  isBlock,
  isInvoke,
  isOpener,
  isResults,
  isSpecial,
  readMarkup,
  type Tag,
  take,
} from "./tags.ts";
import { createThinkTags, createThoughtReader } from "./thoughts.ts";

export interface ReplySink extends CallSink {
  addText(piece: string): void;
  addReasoning(piece: string): void;
}

/** How a reply ended: complete, at the output limit, or because its reader aborted. */
export type ReplyEnd = "whole" | "cut" | "left";

export interface MarkupOptions {
  tools: readonly ToolDescription[];
  /** `xml`: the model was asked to write its calls as text. */
  mode: "native" | "xml";
  /** The reply begins within a thought, because the chat template wrote `<think>` into the prompt. */
  startsThinking?: boolean;
}

export interface MarkupParser {
  /** Whether the piece is plain text that continues as it is. It is consumed then, without a call of the sink. */
  passes(text: string): boolean;
  push(text: string): void;
  /** Sends what was held back and closes what is open. */
  end(how: ReplyEnd): void;
  /** Whether something was no text, so that the text that was sent is no longer what was pushed. */
  readonly hasMarkup: boolean;
  /** Whether a `</think>` came that no `<think>` of the reply had opened. */
  readonly hasStrayThinkEnd: boolean;
}

export function createMarkupParser(options: MarkupOptions, sink: ReplySink): MarkupParser {
  const isNative = options.mode === "native";
  // Without tools nothing was asked for, so nothing can be a call.
  const isStrict = isNative || options.tools.length === 0;
  const calls = createCalls(options.tools, sink, isNative);
  const cursor: Cursor = { rest: "", at: 0, isEnd: false };
  const code = createCodeTracker();
  const spans = createSpanFinder(cursor);
  const thinkTags = createThinkTags();
  const offers = createOfferFinder(cursor, calls);
  const tagReader = createTagReader(calls, sink.addReasoning);
  const thoughts = createThoughtReader(sink.addReasoning, options.startsThinking === true);
  let mode: "text" | "thinking" | "calls" | "ignored" = options.startsThinking ? "thinking" : "text";
  /** Whether only `startsThinking` says that this is a thought. */
  let isGuess = options.startsThinking === true;
  let hasStrayEnd = false;
  let hasMarkup = isGuess;
  let hasText = false;
  let hasThoughts = false;
  /** The text that was sent last; empty before the first. */
  let last = "";
  /** Whether only white space has followed a call or a thought. */
  let isAfterMarkup = false;
  /** Whether the next plain text is sent as it is. */
  let flows = false;

  function addText(written: string): void {
    // White space separates reasoning from the answer, which begins with its first word.
    const piece = hasThoughts && !hasText ? written.trimStart() : written;
    if (piece === "") return;
    hasText ||= piece.trim() !== "";
    last = piece;
    if (isAfterMarkup) isAfterMarkup = piece.trim() === "";
    sink.addText(piece);
  }

  // Each step consumes what it can of the cursor and returns true if more may be consumed.

  function stepText(): boolean {
    const { rest } = cursor;
    let from = cursor.at;
    for (let at = from; at < rest.length; at++) {
      const character = rest.charCodeAt(at);
      if (!isSpecial(character)) continue;
      if (at > from) code.skip(rest, from, at);
      from = at + 1;
      const tag = readMarkup(cursor, at);
      if (tag === "partial") return waitAt(at);
      const context = tag === "none" ? "text" : code.context;
      if (tag === "none" || (context === "span" && !isOpener(tag))) code.accept(character);
      else if (context === "fence") {
        if (isOpener(tag) && !isStrict) code.noteCall();
        code.accept(character);
      } else {
        addText(take(cursor, at));
        if (context === "span") return leaveSpan();
        const admitted = admits(tag);
        if (admitted === "undecided") return false;
        if (admitted === "offered") {
          cursor.at = tag.end;
          takeTag(tag);
          return true;
        }
        code.accept(character);
      }
    }
    if (from < rest.length) code.skip(rest, from, rest.length);
    addText(take(cursor, rest.length));
    return false;
  }

  function waitAt(at: number): boolean {
    addText(take(cursor, at));
    return false;
  }

  function leaveSpan(): boolean {
    const span = spans.find(code.marks);
    if (span === "undecided") return false;
    if (span !== "none") addText(take(cursor, span.end));
    code.leaveSpan();
    return true;
  }

  /** Whether the tag at the cursor is markup; `none` makes it text. */
  function admits(tag: Tag): Offer {
    const unless = (isText: boolean): Offer => (isText ? "none" : "offered");
    if (tag.name === "tool_response") return unless(calls.count === 0);
    if (!isStrict) return "offered";
    if (tag.name === "think") {
      return tag.closes ? thinkTags.admitEnd(tag, cursor, beginsLine(), last) : thinkTags.admitStart(beginsLine());
    }
    if (tag.closes || isResults(tag)) return unless(calls.count === 0);
    return isBlock(tag) || isInvoke(tag) ? offers.find() : "none";
  }

  function beginsLine(): boolean {
    return code.beginsLine || isAfterMarkup;
  }

  function takeTag(tag: Tag): void {
    hasMarkup = true;
    if (tag.closes) {
      if (tag.name === "think") thinkTags.noteEnd();
      // The text before this tag was probably the rest of a value that ended too early.
      else hasStrayEnd ||= tag.name === "parameter" && calls.count > 0;
    } else if (tag.name === "think") think();
    else if (isResults(tag)) {
      if (calls.count === 0)
        calls.report("Results are given by the tools; <function_results> is never written by you.");
      mode = "ignored";
    } else read(tagReader.start(tag));
  }

  function think(): void {
    mode = "thinking";
    thoughts.start();
    thinkTags.noteStart();
  }

  function read(step: Step): boolean {
    isAfterMarkup = true;
    mode = step === "done" ? "text" : step === "results" ? "ignored" : "calls";
    return step !== "wait";
  }

  function stepThinking(): boolean {
    const step = thoughts.step(cursor);
    if (step === "done") {
      mode = "text";
      hasThoughts = true;
      isAfterMarkup = true;
      if (thoughts.guessed !== null) thinkTags.noteEnd();
      isGuess = false;
    }
    return step !== "wait";
  }

  function step(): boolean {
    if (mode === "text") return stepText();
    if (mode === "thinking") return stepThinking();
    if (mode === "calls") return read(tagReader.step(cursor));
    cursor.at = cursor.rest.length;
    return false;
  }

  function run(): void {
    for (let goesOn = true; goesOn; ) goesOn = step();
    flows = mode === "text" && cursor.at === cursor.rest.length && !isAfterMarkup && hasText;
  }

  function closeOpen(cut: boolean): void {
    if (mode === "calls") tagReader.end(cut);
    if (code.holdsCall && !cut) {
      calls.report("It stands in a code fence that is not closed. In code, calls are examples and are not run.");
    }
    if (hasStrayEnd) {
      calls.report(
        "A </parameter> stands outside of a call, so the value before it may have ended too early: check what it did. A value that holds such tags is written as <![CDATA[…]]>.",
      );
    }
  }

  return {
    passes(text) {
      if (!flows || text === "") return false;
      const content = classify(text);
      if (content === "markup") return false;
      if (content === "plain") code.skip(text, 0, text.length);
      else for (let at = 0; at < text.length; at++) code.accept(text.charCodeAt(at));
      last = text;
      return true;
    },
    push(text) {
      cursor.rest = cursor.rest.slice(cursor.at) + text;
      cursor.at = 0;
      run();
    },
    end(how) {
      const isCutTag = how === "cut" && !isStrict && mode === "text" && code.context === "text" && beginsCall(cursor);
      if (isCutTag) {
        hasMarkup = true;
        cursor.at = cursor.rest.length;
        calls.report("It was not written to its end.", true);
      }
      cursor.isEnd = true;
      run();
      if (isGuess && thoughts.guessed !== null && how === "whole") {
        // No `</think>` came, so the reply was an answer and no thought.
        cursor.rest = thoughts.guessed;
        cursor.at = 0;
        mode = "text";
        run();
      }
      if (how !== "left") closeOpen(how === "cut");
      else if (mode === "calls") tagReader.leave();
    },
    get hasMarkup() {
      return hasMarkup;
    },
    get hasStrayThinkEnd() {
      return thinkTags.hasStrayEnd;
    },
  };
}
