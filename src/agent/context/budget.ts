// How much of a conversation a model can read, in tokens as its provider counts them, and how far our estimate is off.
// “The room” is what is left of that for the conversation.
import type { Usage } from "../../protocol/run.ts";

/** Reserved for the reply: enough for a large file and the reasoning before it. In a small window it is a share. */
export const REPLY_TOKENS = 16_000;
const REPLY_SHARE = 0.2;
/** An agent may want longer replies; a conversation still needs the other half. */
const MAX_REPLY_SHARE = 0.5;
/**
 * A provider that reports less counts something else than what it was sent, e.g. leaves out what it had cached. Such a
 * count is ignored.
 */
const MIN_SCALE = 0.5;
const MAX_SCALE = 2.5;
/**
 * The share of a refused request that the next one may take. Providers have no common form in which they report the
 * excess.
 */
const REFUSED_SHARE = 0.75;
/**
 * A prompt that leaves no room for a conversation still gets this share: the provider may accept more than we expect.
 */
const MIN_ROOM_SHARE = 0.1;
/** The share of the room at which the conversation is shortened. The rest is for the next step, which is never cut. */
const START_SHARE = 0.8;
/** The largest share of the room for one message. A longer message is shown with its middle cut out. */
const MESSAGE_SHARE = 0.25;

export interface ContextBudget {
  /** Tokens that a request may take, as the provider counts them. It shrinks when a request is refused. */
  tokens: number;
  /** The provider's count of the last request, divided by our estimate. */
  scale: number;
}

/**
 * `scale` is what an earlier life has measured; 1 if none has. `max_reply` is the agent's own limit: servers refuse a
 * request that leaves no room for it.
 */
export function createBudget(context_tokens: number, scale = 1, max_reply = 0): ContextBudget {
  const asked = Math.min(max_reply, Math.floor(context_tokens * MAX_REPLY_SHARE));
  return { tokens: context_tokens - Math.max(replyTokens(context_tokens), asked), scale: Math.min(MAX_SCALE, scale) };
}

/** What a model may write in one reply, in a window of this size. */
export function replyTokens(context_tokens: number): number {
  return Math.min(REPLY_TOKENS, Math.floor(context_tokens * REPLY_SHARE));
}

/** `estimated` is our estimate of the request that the provider counted. */
export function calibrate(budget: ContextBudget, estimated: number, usage: Usage | null): ContextBudget {
  const scale = measureScale(estimated, usage);
  return scale === null ? budget : { ...budget, scale: Math.min(MAX_SCALE, scale) };
}

/** The provider's count divided by our estimate; null if it says nothing. */
export function measureScale(estimated: number, usage: Usage | null): number | null {
  if (usage === null) return null;
  const { input_tokens, cached_input_tokens } = usage;
  // Some providers leave cached tokens out of the input, and the cached part can then be larger than the rest.
  const reported = cached_input_tokens > input_tokens ? input_tokens + cached_input_tokens : input_tokens;
  return estimated <= 0 || reported < estimated * MIN_SCALE ? null : reported / estimated;
}

/** Called when the provider refuses, as too long, a request of `estimated` tokens by our estimate. */
export function shrink(budget: ContextBudget, estimated: number): ContextBudget {
  return { ...budget, tokens: Math.floor(Math.min(budget.tokens, estimated * budget.scale) * REFUSED_SHARE) };
}

/**
 * The room: what the system prompt, the tools and the reminders leave for the conversation, in tokens by our estimate.
 */
export function roomOf(budget: ContextBudget, fixed: number): number {
  const whole = budget.tokens / budget.scale;
  return Math.floor(Math.max(whole - fixed, whole * MIN_ROOM_SHARE));
}

export function isNear(room: number, used: number): boolean {
  return used > room * START_SHARE;
}

/**
 * The most that one message takes in the prompt. It is a share of the whole window, so it stays the same while a run
 * works.
 */
export function messageLimit(context_tokens: number): number {
  return Math.floor(createBudget(context_tokens).tokens * MESSAGE_SHARE);
}
