// Port: what model calls may cost. Each call reserves its worst case before it is made, and is settled with what its
// provider counted. A call that brings no usage stays charged at its worst case. The caller stores all of it.
import type { SentImage } from "../protocol/message.ts";
import type { Interrupt, RunError, Usage } from "../protocol/run.ts";

/** How a call was counted. Only its cost depends on how much of it was put into a cache. */
export type CountedUsage = Usage & { cache_write_tokens?: number };

/** A model call that is about to be made. */
export interface PlannedCall {
  model: string;
  /** The request, as its provider will count it at most, without its images. */
  input_tokens: number;
  /** Its images. What they count depends on the model. Absent without any. */
  images?: readonly SentImage[];
  /** The longest reply that is wanted, in tokens. Under a cap it may become shorter. */
  output_tokens: number;
  /** What the agent asks its provider for beside. A faster service costs more. */
  extra_body?: Record<string, unknown>;
}

export type Allowance =
  /** `max_output_tokens` must be sent as the limit of the reply; null where no cap holds. */
  | { kind: "granted"; call_id: string; max_output_tokens: number | null }
  /** A cap leaves too little. With `interrupt`, a person is asked to raise it. */
  | { kind: "refused"; error: RunError; interrupt?: Interrupt }
  | { kind: "cancelled" };

/** Cloudflare could not connect: refused (521), unreachable (523), without TLS (525), with a wrong certificate (526). */
const unreached = new Set([521, 523, 525, 526]);

/** An answer that refuses a call before any work: it costs nothing. Whatever is not plainly such an answer may cost. */
export function isFreeStatus(status: number): boolean {
  // 408 and 499 end a call that was under way. Overloaded servers answer 503, Anthropic's 529.
  if (unreached.has(status)) return true;
  return status === 503 || status === 529 || (status >= 400 && status < 500 && status !== 408 && status !== 499);
}

/**
 * Contract: `reserve` resolves once the reservation is stored, and never rejects but for a broken storage. It may wait
 * for D1. `settle` and `giveUp` are synchronous: what they say is stored with the next fact, reservation or the end of
 * the run, whichever is first. A call that is neither settled nor given up when the run ends is charged at its worst
 * case. Several calls may be open at a time, since tools that ask a model run side by side. What was expected and is
 * never reserved costs nothing, unless the life dies: then nobody knows whether that call was made.
 */
export interface Spending {
  reserve(call: PlannedCall, signal: AbortSignal): Promise<Allowance>;
  /** The call's provider has counted. Null if it sent no count: the worst case stays charged. */
  settle(call_id: string, usage: CountedUsage | null): void;
  /** The call failed. `is_charged`: false if the server refused it before it did any work. */
  giveUp(call_id: string, is_charged: boolean): void;
  /**
   * The next call as far as it is known, before a fact is stored after which it is made: the fact's transaction then
   * stores its reservation too. Null: no call follows.
   */
  expect(call: PlannedCall | null): void;
}

/** What makes a call, and knows nothing of the next one. */
export type CallSpending = Omit<Spending, "expect">;

/** For tests and evaluations: no caps, and nothing is kept. */
export const freeSpending: Spending = {
  reserve: async () => ({ kind: "granted", call_id: "", max_output_tokens: null }),
  settle: () => {},
  giveUp: () => {},
  expect: () => {},
};
