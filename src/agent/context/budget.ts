// How much of a conversation a model can read, in tokens as its provider counts them, and how far our own count is off.
import type { Usage } from "../../protocol/run.ts";

/** Left for the reply: long enough for a large file and the thoughts before it. Of a small window it is a part. */
const REPLY_TOKENS = 16_000;
const REPLY_SHARE = 0.2;
/** Below this a provider counts something else than what it was sent, e.g. without what it had cached: nothing is learnt. */
const LEAST_SCALE = 0.5;
const MOST_SCALE = 2.5;
/** What a refused request is to become: providers don't say in one form by how much it was too long. */
const REFUSED_SHARE = 0.75;
/** A prompt that leaves no room for a conversation still gets some: the provider may know better. */
const LEAST_ROOM_SHARE = 0.1;
/** Of the room; what is left is for the step that comes, since one is never cut. */
const START_SHARE = 0.8;
/** One message alone is never more of the room than this; it is shown with its middle left out. */
const MESSAGE_SHARE = 0.25;

export interface ContextBudget {
  /** Tokens that a request may take, as the provider counts them. Shrinks when a request is refused. */
  tokens: number;
  /** The provider's count of the last request by ours. */
  scale: number;
}

/** `scale` is what a former life has learnt; 1 where that is nothing. */
export function createBudget(context_tokens: number, scale = 1): ContextBudget {
  return { tokens: context_tokens - Math.min(REPLY_TOKENS, Math.floor(context_tokens * REPLY_SHARE)), scale };
}

/** `estimated` is our count of the request that the provider counted. */
export function calibrate(budget: ContextBudget, estimated: number, usage: Usage | null): ContextBudget {
  if (usage === null) return budget;
  const { input_tokens, cached_input_tokens } = usage;
  // Some leave out what they had cached, which then is more than the rest.
  const reported = cached_input_tokens > input_tokens ? input_tokens + cached_input_tokens : input_tokens;
  if (estimated <= 0 || reported < estimated * LEAST_SCALE) return budget;
  return { ...budget, scale: Math.min(MOST_SCALE, reported / estimated) };
}

/** The provider refused a request of so many tokens (our count) as too long. */
export function shrink(budget: ContextBudget, estimated: number): ContextBudget {
  return { ...budget, tokens: Math.floor(Math.min(budget.tokens, estimated * budget.scale) * REFUSED_SHARE) };
}

/** What is left for the conversation beside the system prompt, the tools and the reminders; in tokens of our count. */
export function roomOf(budget: ContextBudget, fixed: number): number {
  const whole = budget.tokens / budget.scale;
  return Math.floor(Math.max(whole - fixed, whole * LEAST_ROOM_SHARE));
}

export function isNear(room: number, used: number): boolean {
  return used > room * START_SHARE;
}

/** The most that one message takes in the prompt. Of the whole window, so that it stays the same while a run works. */
export function messageLimit(context_tokens: number): number {
  return Math.floor(createBudget(context_tokens).tokens * MESSAGE_SHARE);
}
