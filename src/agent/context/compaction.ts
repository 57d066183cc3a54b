// Decides which part of a conversation is kept word for word when it comes near what a model can read. All functions
// are pure. Sizes are tokens by our estimate (`tokens.ts`).
import type { ChatMessage } from "../../protocol/message.ts";

/** Shares of the room. Together they take 60% of it, so that a summary is rare. */
const TAIL_SHARE = 0.3;
const SAID_SHARE = 0.15;
const TEXT_SHARE = 0.1;
const PLAN_SHARE = 0.05;
/** A summary costs a model call, so it must free at least this share of the room. */
const MIN_GAIN_SHARE = 0.1;
/** No summary needs more than this, however much room there is. */
const MAX_TEXT_TOKENS = 6000;
export const MAX_SAID_TOKENS = 40_000;
/** In a small room the person's words come first. */
const MIN_SAID_TOKENS = 1000;
const MAX_SAID_SHARE = 0.3;
const MAX_PLAN_TOKENS = 8000;
/** A message is not cut below this: less of it would say nothing. */
export const MIN_MESSAGE_TOKENS = 100;

export interface Shares {
  tail: number;
  said: number;
  text: number;
  plan: number;
}

export function sharesOf(room: number): Shares {
  return {
    tail: Math.floor(room * TAIL_SHARE),
    said: Math.min(MAX_SAID_TOKENS, Math.floor(Math.max(room * SAID_SHARE, minSaid(room)))),
    text: Math.min(MAX_TEXT_TOKENS, Math.floor(room * TEXT_SHARE)),
    plan: Math.min(MAX_PLAN_TOKENS, Math.floor(room * PLAN_SHARE)),
  };
}

function minSaid(room: number): number {
  return Math.min(MIN_SAID_TOKENS, room * MAX_SAID_SHARE);
}

export function isWorthSummary(older: number, room: number): boolean {
  return older >= room * MIN_GAIN_SHARE;
}

/**
 * The first row to keep: as many steps as fit, and at least the last one. It is a person's or the model's message, and
 * no call before it has its result after it.
 */
export function chooseTail(rows: readonly ChatMessage[], sizes: readonly number[], max_tokens: number): number {
  const cuts = findCuts(rows);
  const lastStep = Math.max(
    cuts.findLastIndex((isCut, at) => isCut && rows[at]?.role === "assistant"),
    rows.some(({ role }) => role === "assistant") ? -1 : cuts.lastIndexOf(true),
  );
  let first = Math.max(lastStep, 0);
  let sum = sizes.slice(first).reduce((total, size) => total + size, 0);
  for (let at = first - 1; at >= 0; at--) {
    sum += sizes[at] ?? 0;
    if (sum > max_tokens) break;
    if (cuts[at]) first = at;
  }
  return first;
}

/**
 * For each row, whether the kept part may start there. A result belongs to the nearest earlier call that has its id and
 * no result yet.
 */
function findCuts(rows: readonly ChatMessage[]): boolean[] {
  const waiting = new Map<string, number[]>();
  // The rows between a call and its result must stay together: +1 where such a range starts, -1 where it ends.
  const parted = new Array<number>(rows.length + 1).fill(0);
  for (const [at, row] of rows.entries()) {
    if (row.role === "assistant") {
      for (const { id } of row.tool_calls ?? [])
        waiting
          .set(id, waiting.get(id) ?? [])
          .get(id)
          ?.push(at);
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

/**
 * The largest limit for one message at which all messages together take no more than `max_tokens`. It is never below
 * `least`.
 */
export function fitLimit(sizes: readonly number[], max_tokens: number, least = MIN_MESSAGE_TOKENS): number {
  const ascending = sizes.toSorted((a, b) => a - b);
  let left = max_tokens;
  for (const [at, size] of ascending.entries()) {
    const share = left / (ascending.length - at);
    if (size > share) return Math.max(least, Math.floor(share));
    left -= size;
  }
  return Number.MAX_SAFE_INTEGER;
}
