/**
 * Fault injection, for tests and for a person who wants to see how the product handles failures. A test changes the
 * list that it gave to `startSlack`. In a terminal:
 *
 *     curl http://127.0.0.1:3987/_control/faults -d '{"method": "chat.appendStream", "answer": "lost_answer", "times": 2}'
 *
 * The first fault that matches a call and is not used up applies.
 */
import type { Clock } from "./clock.ts";

export const faultAnswers = [
  /** The connection closes before the call is processed. */
  "reset",
  /** The call is processed, then the connection closes without a response. */
  "lost_answer",
  /** 500 without JSON, before the call is processed. */
  "server_error",
  /** 429 with `Retry-After`. */
  "ratelimited",
  /** The response is sent after `delayMs`. */
  "slow",
  /** `ok: false` with `error`. */
  "error",
] as const;

export type FaultAnswer = (typeof faultAnswers)[number];

export interface Fault {
  /** A method's name, `chat.*`, or `*`. */
  method: string;
  answer: FaultAnswer;
  /** How many calls it applies to; all if absent. */
  times?: number;
  /** How many calls pass first. */
  after?: number;
  /** For `error`: any of Slack's names, e.g. `channel_type_not_supported`. */
  error?: string;
  /** For `ratelimited`, in seconds. */
  retryAfter?: number;
  /** For `slow`. */
  delayMs?: number;
  /** Counted here: calls to which it applied. */
  hits?: number;
  /** Counted here: calls that passed first. */
  passed?: number;
}

export function meetFault(faults: Fault[], method: string): Fault | undefined {
  for (const fault of faults) {
    if (!fits(fault.method, method) || (fault.hits ?? 0) >= (fault.times ?? Number.POSITIVE_INFINITY)) continue;
    if ((fault.passed ?? 0) < (fault.after ?? 0)) {
      fault.passed = (fault.passed ?? 0) + 1;
      continue;
    }
    fault.hits = (fault.hits ?? 0) + 1;
    return fault;
  }
  return undefined;
}

function fits(pattern: string, method: string): boolean {
  return pattern.endsWith("*") ? method.startsWith(pattern.slice(0, -1)) : pattern === method;
}

export function waitFor(fault: Fault, clock: Clock, signal: AbortSignal): Promise<void> {
  return clock.wait(fault.delayMs ?? 5000, signal);
}
