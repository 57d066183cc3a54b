// Parts of a message (a text, a reasoning, a tool call) while they are made and until their message is stored.
import type { ThreadEvent } from "../../protocol/event.ts";

/** How a part is told: `heads` open it, `content` carries text, `tails` end it. As many tails as heads. */
export interface PartShape {
  part_id: string;
  message_id: string;
  heads: ThreadEvent[];
  content: (text: string) => ThreadEvent;
  tails: ThreadEvent[];
}

export interface LivePart extends PartShape {
  invocation_id: string;
  from: number;
  last: number;
  pieces: string[];
  /** Length of the pieces. */
  chars: number;
  /** What stands before and after the JSON string of a delta in its frame: made once per part. */
  around: [string, string];
  /** The number of its END, and the first that its replay may use; null while it is open. */
  end: { seq: number; replay_from: number } | null;
}

/** A part that has no row yet, as far as it had come when it was asked for. */
export interface UnstoredPart extends PartShape {
  from: number;
  end: number | null;
  chars: number;
  /** Its first `chars` characters; made when they are asked for. */
  text: () => string;
}

export function partSoFar(part: LivePart): UnstoredPart {
  const { chars, end } = part;
  return { ...part, chars, end: end?.seq ?? null, text: () => part.pieces.join("").slice(0, chars) };
}

/** A frame's JSON before and after the text of a delta. The text comes last: an id, made by a model, may be anything. */
export function aroundText(content: (text: string) => ThreadEvent): [string, string] {
  const mark = JSON.stringify("\u0001");
  const json = JSON.stringify(content("\u0001"));
  const at = json.lastIndexOf(mark);
  return [json.slice(0, at), json.slice(at + mark.length)];
}
