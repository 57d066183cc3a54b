// What is said when a cap leaves too little for the next call: an error, or a question to a person.
import { adviseCap, askForMore, describeCap, explainCap } from "../../agent/cap-words.ts";
import type { Caps, ReachedCap } from "../../protocol/money/caps.ts";
import type { Amount, NearCap } from "../../protocol/money/lease.ts";
import type { CapReason, Interrupt, RunError } from "../../protocol/run.ts";
import type { CallSize } from "../usage/counting.ts";
import { capOf, sharedCap } from "./budget-events.ts";
import { fitsAlone, type Left, limitsOf } from "./limits.ts";

const UNKNOWN_PRICE =
  "has no price on this server, and a cap in USD holds. Choose another model, or ask the operator to price it.";

export const budgetUnavailable: RunError = {
  code: "budget_unavailable",
  message:
    "The database that keeps the caps on spending can't be reached, or is full. Send the message again in a few minutes.",
};

export function priceUnknown(model: string): RunError {
  return { code: "price_unknown", message: `The model ${model} ${UNKNOWN_PRICE}` };
}

export function ownReached(left: Left, size: CallSize): RunError {
  return reached(capOf(left), fitsAlone(left, size) ? undefined : "too_low");
}

/** `is_held`: what other runs have reserved would be room enough. `least` is what the call needs. */
export function sharedReached(near: NearCap, is_held: boolean, least: Amount): RunError {
  const isTooLow = limitsOf({ [near.name]: near.limit }).some(({ dimension, amount }) => amount < least[dimension]);
  return reached(sharedCap(near), is_held ? "held" : isTooLow ? "too_low" : undefined);
}

function reached(cap: ReachedCap, reason: CapReason | undefined): RunError {
  return { code: "budget", message: explainCap(cap, reason), ...(reason && { reason }), cap };
}

export function timeOver(left: Left): RunError {
  const cap = capOf(left);
  if (left.amount <= 0) return reached(cap, "too_low");
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
