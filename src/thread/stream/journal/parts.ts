// Parts of a message (a text, a reasoning, a tool call) from their START until their message is stored.
import { toOneLine } from "../../../lib/json/one-line.ts";
import type { ThreadEvent } from "../../../protocol/event.ts";

/** The events of a part. `content` carries its text. There are as many end events as start events. */
export interface PartShape {
  part_id: string;
  message_id: string;
  startEvents: ThreadEvent[];
  content: (text: string) => ThreadEvent;
  endEvents: ThreadEvent[];
}

export interface LivePart extends PartShape {
  invocation_id: string;
  from: number;
  last: number;
  /** Its text: `joined` pieces that were joined from many, then those that came since. */
  pieces: string[];
  joined: number;
  /** Length of the pieces. */
  chars: number;
  /** The frame's JSON before and after the string of a delta, made once per part. */
  around: [string, string];
  /** The start events as JSON, and the end events once it has ended. Its frames and its row need both. */
  startTexts: string[];
  endTexts: string[];
  /** The number of its END, and the first number that a replay of it may use. Null while it is open. */
  end: { seq: number; replay_from: number } | null;
}

/** A part that has no row yet, with the text that it had when it was read. */
export interface UnstoredPart extends PartShape {
  from: number;
  end: number | null;
  chars: number;
  /** Builds its first `chars` characters. */
  text: () => string;
}

/** A token alone takes several times its characters. */
const JOINED_PIECES = 1024;

export function addPiece(part: LivePart, text: string): void {
  part.pieces.push(text);
  part.chars += text.length;
  if (part.pieces.length - part.joined < JOINED_PIECES) return;
  part.pieces.push(part.pieces.splice(part.joined).join(""));
  part.joined += 1;
}

export function partSoFar(part: LivePart): UnstoredPart {
  const { chars, end } = part;
  return { ...part, chars, end: end?.seq ?? null, text: () => part.pieces.join("").slice(0, chars) };
}

/**
 * A frame's JSON before and after the text of a delta. The text is the last field, so the last mark is the text's, even
 * if an id, which the model chooses, contains the mark.
 */
export function aroundText(content: (text: string) => ThreadEvent): [string, string] {
  const mark = JSON.stringify("\u0001");
  const json = toOneLine(content("\u0001"));
  const at = json.lastIndexOf(mark);
  return [json.slice(0, at), json.slice(at + mark.length)];
}
