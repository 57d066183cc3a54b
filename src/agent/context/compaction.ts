// Which part of a conversation is kept word for word when it nears what a model can read. All pure; sizes are tokens of our
// own count (`tokens.ts`).
import type { ChatMessage } from "../../protocol/message.ts";

/** Shares of the room. Together they leave as much again until the next time, so that a summary is rare. */
const TAIL_SHARE = 0.3;
const SAID_SHARE = 0.15;
const TEXT_SHARE = 0.1;
const PLAN_SHARE = 0.05;
/** A summary costs a model call: it has to make more room than it takes. */
const LEAST_GAIN_SHARE = 0.1;
/** No summary needs to be longer, however much room there is. */
const MOST_TEXT_TOKENS = 6000;
export const MOST_SAID_TOKENS = 40_000;
/** In a small room the person's words come before anything else. */
const LEAST_SAID_TOKENS = 1000;
const MOST_SAID_SHARE = 0.3;
const MOST_PLAN_TOKENS = 8000;
/** A message is not shortened below this: less of it would say nothing. */
export const LEAST_MESSAGE_TOKENS = 100;

export interface Shares {
  tail: number;
  said: number;
  text: number;
  plan: number;
}

export function sharesOf(room: number): Shares {
  return {
    tail: Math.floor(room * TAIL_SHARE),
    said: Math.min(MOST_SAID_TOKENS, Math.floor(Math.max(room * SAID_SHARE, leastSaid(room)))),
    text: Math.min(MOST_TEXT_TOKENS, Math.floor(room * TEXT_SHARE)),
    plan: Math.min(MOST_PLAN_TOKENS, Math.floor(room * PLAN_SHARE)),
  };
}

function leastSaid(room: number): number {
  return Math.min(LEAST_SAID_TOKENS, room * MOST_SAID_SHARE);
}

export function isWorthSummary(older: number, room: number): boolean {
  return older >= room * LEAST_GAIN_SHARE;
}

/**
 * The first row that is kept: as many steps as fit, and at least the last one. It is a person's or the model's, and no
 * call stands before it whose result stands behind it.
 */
export function chooseTail(rows: readonly ChatMessage[], sizes: readonly number[], most_tokens: number): number {
  const cuts = findCuts(rows);
  const lastStep = Math.max(
    cuts.findLastIndex((isCut, at) => isCut && rows[at]?.role === "assistant"),
    rows.some(({ role }) => role === "assistant") ? -1 : cuts.lastIndexOf(true),
  );
  let first = Math.max(lastStep, 0);
  let sum = sizes.slice(first).reduce((total, size) => total + size, 0);
  for (let at = first - 1; at >= 0; at--) {
    sum += sizes[at] ?? 0;
    if (sum > most_tokens) break;
    if (cuts[at]) first = at;
  }
  return first;
}

/** Whether a tail may begin at each row. A result belongs to the nearest call before it that has its id and no result yet. */
function findCuts(rows: readonly ChatMessage[]): boolean[] {
  const waiting = new Map<string, number[]>();
  // For each call with a result: the rows between them may not be parted.
  const parted = new Array<number>(rows.length + 1).fill(0);
  for (const [at, row] of rows.entries()) {
    if (row.role === "assistant") {
      for (const { id } of row.tool_calls ?? []) waiting.set(id, [...(waiting.get(id) ?? []), at]);
    }
    if (row.role !== "tool") continue;
    const call = waiting.get(row.tool_call_id)?.shift();
    if (call === undefined) continue;
    parted[call + 1] = (parted[call + 1] ?? 0) + 1;
    parted[at + 1] = (parted[at + 1] ?? 0) - 1;
  }
  let open = 0;
  return rows.map((row, at) => {
    open += parted[at] ?? 0;
    return open === 0 && (row.role === "user" || row.role === "assistant");
  });
}

/** The most that one of the messages may take, so that all of them together take no more than so much, or each `least`. */
export function fitLimit(sizes: readonly number[], most_tokens: number, least = LEAST_MESSAGE_TOKENS): number {
  const ascending = sizes.toSorted((a, b) => a - b);
  let left = most_tokens;
  for (const [at, size] of ascending.entries()) {
    const share = left / (ascending.length - at);
    if (size > share) return Math.max(least, Math.floor(share));
    left -= size;
  }
  return Number.MAX_SAFE_INTEGER;
}
