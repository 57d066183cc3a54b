// What is said when a cap leaves too little for the next call: an error, or a question to a person.
import { adviseCap, askForMore, describeCap } from "../../agent/cap-words.ts";
import type { Caps, ReachedCap } from "../../protocol/money/caps.ts";
import type { NearCap } from "../../protocol/money/lease.ts";
import type { Interrupt, RunError } from "../../protocol/run.ts";
import { sharedCap } from "./budget-events.ts";

const UNKNOWN_PRICE =
  "has no price on this server, and a cap in USD holds. Choose another model, or ask the operator to price it.";

const HELD = "Other runs have reserved the rest for their own calls: send the message again when some have ended.";

export const budgetUnavailable: RunError = {
  code: "budget_unavailable",
  message: "The database that keeps the caps on spending can't be reached. Send the message again in a few minutes.",
};

export function priceUnknown(model: string): RunError {
  return { code: "price_unknown", message: `The model ${model} ${UNKNOWN_PRICE}` };
}

export function capReached(cap: ReachedCap): RunError {
  const message = `${describeCap(cap)} leaves too little for the next model call. ${adviseCap(cap)}`;
  return { code: "budget", message, cap };
}

/** `is_held`: what other runs have reserved would be room enough. */
export function sharedReached(near: NearCap, is_held: boolean): RunError {
  const cap = sharedCap(near);
  if (!is_held) return capReached(cap);
  return { code: "budget", message: `${describeCap(cap)} leaves too little for the next model call. ${HELD}`, cap };
}

export function timeOver(cap: ReachedCap): RunError {
  return { code: "budget", message: `${describeCap(cap)} is used up. ${adviseCap(cap)}`, cap };
}

export function notRaised(cap: ReachedCap): RunError {
  return { code: "budget", message: `${describeCap(cap)} was reached, and nobody raised it.`, cap };
}

/**
 * Asks a person to raise the first of `caps`, and others that leave too little too, by default to what is proposed, in
 * the language of the conversation. There is no tool call behind it.
 */
export function askToRaise(
  invocation_id: string,
  caps: [ReachedCap, ...ReachedCap[]],
  proposed: Caps,
  { expires_at, chinese }: { expires_at: string | null; chinese: boolean },
): Interrupt {
  const [first, ...others] = caps;
  const isNew = ({ name }: ReachedCap, place: number) => caps.findIndex((cap) => cap.name === name) === place + 1;
  const asked: [ReachedCap, ...ReachedCap[]] = [first, ...others.filter(isNew)];
  return {
    id: `int_budget_${invocation_id}`,
    reason: "budget",
    message: askForMore(asked, proposed, chinese),
    tool_call_id: "",
    response_schema: {
      type: "object",
      properties: {
        approved: { type: "boolean" },
        ...Object.fromEntries(asked.map((cap) => [cap.name, fieldOf(cap, proposed)])),
      },
      required: ["approved"],
    },
    expires_at,
  };
}

function fieldOf({ name, limit = 0 }: ReachedCap, proposed: Caps) {
  const amount = proposed[name];
  return { type: "number", exclusiveMinimum: limit, ...(amount == null ? {} : { default: amount }) };
}
