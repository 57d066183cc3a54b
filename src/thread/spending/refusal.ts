// What is said when a cap leaves too little for the next call: an error, or a question to a person.
import type { CapName, CapScope, Caps, ReachedCap } from "../../protocol/money/caps.ts";
import type { NearCap } from "../../protocol/money/lease.ts";
import type { Interrupt, RunError } from "../../protocol/run.ts";
import { sharedCap } from "./budget-events.ts";

const UNKNOWN_PRICE =
  "has no price on this server, and a cap in USD holds. Choose another model, or ask the operator to price it.";

const HELD = "Other runs have reserved the rest for their own calls: send the message again when some have ended.";

const owners: Record<CapScope, string> = {
  run: "this run",
  agent: "a run of this agent",
  trigger: "a run of this trigger",
  project: "this project",
  user: "this user",
  deployment: "this server",
};

export const budgetUnavailable: RunError = {
  code: "budget_unavailable",
  message: "The database that keeps the caps on spending can't be reached. Send the message again in a few minutes.",
};

export function priceUnknown(model: string): RunError {
  return { code: "price_unknown", message: `The model ${model} ${UNKNOWN_PRICE}` };
}

export function capReached(cap: ReachedCap): RunError {
  return { code: "budget", message: `${describeCap(cap)} leaves too little for the next model call.`, cap };
}

/** `is_held`: what other runs have reserved would be room enough. */
export function sharedReached(near: NearCap, is_held: boolean): RunError {
  const reached = capReached(sharedCap(near));
  return is_held ? { ...reached, message: `${reached.message} ${HELD}` } : reached;
}

export function timeOver(cap: ReachedCap): RunError {
  return { code: "budget", message: `${describeCap(cap)} is used up.`, cap };
}

export function notRaised(cap: ReachedCap): RunError {
  return { code: "budget", message: `${describeCap(cap)} was reached, and nobody raised it.`, cap };
}

function describeCap({ scope, name, limit, period }: ReachedCap): string {
  const amount = limit === undefined ? "" : ` of ${describeAmount(name, limit)}`;
  return `The cap${amount} for ${owners[scope]}${period === undefined ? "" : ` (${period}, UTC)`}`;
}

function describeAmount(name: CapName, limit: number): string {
  // A cap may be a billionth of a dollar.
  const amount = limit.toLocaleString("en-US", { maximumFractionDigits: 9 });
  if (name === "max_cost_usd") return `$${amount}`;
  return name === "max_total_tokens" ? `${amount} tokens` : `${amount} ${limit === 1 ? "minute" : "minutes"}`;
}

/**
 * Asks a person to raise the first of `caps`, and others that leave too little too, by default to what is proposed.
 * There is no tool call behind it.
 */
export function askToRaise(
  invocation_id: string,
  caps: [ReachedCap, ...ReachedCap[]],
  proposed: Caps,
  expires_at: string | null,
): Interrupt {
  const [reached] = caps;
  const asked = caps.filter(({ name }, place) => caps.findIndex((other) => other.name === name) === place);
  const others = asked.slice(1).map((cap) => ` So does ${describeCap(cap).replace(/^The/, "the")}.`);
  const amounts = asked.map(({ name }) => describeAmount(name, proposed[name] ?? 0));
  const isSaid = asked.every(({ name }) => proposed[name] != null);
  const raise = `Raise ${asked.length > 1 ? "them" : "it"}${isSaid ? ` to ${amounts.join(" and ")}` : ""} and go on?`;
  return {
    id: `int_budget_${invocation_id}`,
    reason: "budget",
    message: `${describeCap(reached)} leaves too little for the next model call.${others.join("")} ${raise}`,
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
