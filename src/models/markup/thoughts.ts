// Reads a thought: what stands between thinking tags. Markup in it is part of it.
import type { Offer } from "./offer.ts";
import type { Step } from "./tag-calls.ts";
import { type Cursor, findTag, startOf, type Tag } from "./tags.ts";

export interface ThoughtReader {
  start(): void;
  step(cursor: Cursor): Step;
  /** The thought so far, while no tag has shown that the reply begins with one; else null. */
  readonly guessed: string | null;
}

/** `isGuess`: the reply is expected to begin within a thought. */
export function createThoughtReader(addReasoning: (piece: string) => void, isGuess: boolean): ThoughtReader {
  let guessed: string | null = isGuess ? "" : null;
  let isBlank = true;

  function add(piece: string): void {
    if (guessed !== null) guessed += piece;
    isBlank &&= piece.trim() === "";
    addReasoning(piece);
  }

  function step(cursor: Cursor): Step {
    const tag = findTag(cursor, add);
    if (!tag) return "wait";
    if (tag.name === "think" && !tag.isBroken) {
      if (tag.closes) return "done";
      if (guessed !== null && isBlank) {
        guessed = null;
        return "on";
      }
    }
    add(cursor.rest.slice(startOf(cursor, tag), tag.end));
    return "on";
  }

  return {
    start() {
      guessed = null;
    },
    step,
    get guessed() {
      return guessed;
    },
  };
}

/**
 * Decides which `<think>` and `</think>` of an answer with native calls are tags, and which are words of the answer. A
 * thought stands at the start of a line, and an answer may mention the tags.
 */
export interface ThinkTags {
  admitStart(beginsLine: boolean): Offer;
  /** `last`: the text before the tag. */
  admitEnd(tag: Tag, cursor: Cursor, beginsLine: boolean, last: string): Offer;
  noteStart(): void;
  /** An end that was taken. */
  noteEnd(): void;
  /** Whether an end came that nothing in the reply had begun. */
  readonly hasStrayEnd: boolean;
}

export function createThinkTags(): ThinkTags {
  let hasStart = false;
  let hasStrayEnd = false;
  /** Starts that stay text and whose ends have not come. */
  let mentioned = 0;

  function noteEnd(): void {
    hasStrayEnd ||= !hasStart;
  }

  return {
    admitStart(beginsLine) {
      if (beginsLine) return "offered";
      mentioned++;
      return "none";
    },
    admitEnd(tag, cursor, beginsLine, last) {
      const { rest, isEnd } = cursor;
      // No template begins a reply with this one, and texts have it as a tag of their own.
      if (!hasStart && /^<\/reasoning/i.test(rest.slice(startOf(cursor, tag), tag.end))) return "none";
      if (mentioned > 0) {
        mentioned--;
        return "none";
      }
      // A word of its own.
      if (!beginsLine && /\s$/.test(last.slice(-1))) return "none";
      if (tag.end === rest.length && !isEnd) return "undecided";
      noteEnd();
      // Between two words it stays: without it, they would be one.
      return beginsLine || tag.end === rest.length || /\s/.test(rest.charAt(tag.end)) ? "offered" : "none";
    },
    noteStart() {
      hasStart = true;
    },
    noteEnd,
    get hasStrayEnd() {
      return hasStrayEnd;
    },
  };
}
