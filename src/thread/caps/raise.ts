// A run that asks for more: which cap it proposes, and which caps the run has that continues with a person's answer.
import {
  type CapName,
  type Caps,
  capFields,
  capNames,
  type ReachedCap,
  type ScopedCaps,
} from "../../protocol/money/caps.ts";
import { toUsd, worstCost } from "../../protocol/money/price.ts";
import type { CallSize } from "../usage/counting.ts";
import type { RunSpending } from "../usage/state.ts";
import type { Left } from "./limits.ts";

/** The next run may count the same request with the margin of what was never measured, and this one knew better. */
const REPEATED_MARGIN = 1.4;
/** What the server may tell the model in front of the answer, or remind it of. */
const NOTE_TOKENS = 3_500;
/** A person who wants to continue wants more than a reply that is cut off at once. */
const REPLY_TOKENS = 4_000;
/** Of a cap on minutes: for the next call. */
const WORK_MS = 60_000;

/**
 * What is proposed for caps that leave too little for a call. A raise of a cap of 0 has to say how much it is to be.
 */
export function proposeCaps(short: Left[], call: CallSize): Caps {
  const proposed: Caps = {};
  for (const left of short) {
    const { name } = left;
    if (short.some((other) => other.name === name && other.limit === 0)) continue;
    proposed[name] = Math.max(proposed[name] ?? 0, proposeCap(left, call));
  }
  return proposed;
}

/** Twice what it was, but at least what lets the next call happen. */
function proposeCap(reached: Left, call: CallSize): number {
  const { name, limit, dimension, used } = reached;
  const input_tokens = Math.ceil(call.input_tokens * REPEATED_MARGIN) + NOTE_TOKENS;
  const least = used + amountNeeded(dimension, { ...call, input_tokens });
  if (dimension === "ms") return Math.max(limit * 2, Math.ceil(least / 60_000));
  const amount = roundUp(least);
  return Math.max(limit * 2, name === "max_cost_usd" ? toUsd(amount) : amount);
}

function amountNeeded(dimension: Left["dimension"], { input_tokens, output_tokens, price }: CallSize): number {
  if (dimension === "ms") return WORK_MS;
  const reply = Math.min(output_tokens, REPLY_TOKENS);
  if (dimension === "tokens") return input_tokens + reply;
  return price === null ? 0 : worstCost(price, input_tokens, reply);
}

/** To two digits, for people. */
function roundUp(amount: number): number {
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, amount))) - 1);
  return Math.ceil(amount / unit) * unit;
}

/** Null if the answer raises the cap that was reached; else what is wrong with it. */
export function checkRaise(asked: ReachedCap | null, given: Record<string, unknown>): string | null {
  for (const name of capNames) {
    const value = given[name];
    if (value === undefined || value === null) continue;
    const read = capFields[name].safeParse(value);
    if (!read.success) return `${name}: ${read.error.issues[0]?.message}`;
  }
  if (asked === null) return null;
  const value = given[asked.name];
  const limit = asked.limit ?? 0;
  if (typeof value === "number") return value > limit ? null : `${asked.name} must be more than ${limit}`;
  // Twice nothing is nothing.
  return limit > 0 ? null : `${asked.name} is 0: the answer must say how much it is to be`;
}

/** Only raises. Without a number, a cap becomes what was proposed. */
export function raiseCaps(
  caps: ScopedCaps[],
  proposes: RunSpending["proposes"],
  given: Record<string, unknown>,
): ScopedCaps[] {
  const raised = new Map<CapName, number>();
  for (const name of capNames) {
    const value = proposes?.[name];
    if (typeof value === "number") raised.set(name, value);
  }
  for (const name of capNames) {
    const value = given[name];
    if (typeof value === "number") raised.set(name, value);
  }
  return caps.map((each) => {
    const higher: Caps = {};
    for (const [name, value] of raised) {
      const limit = each[name];
      if (limit != null && limit < value) higher[name] = value;
    }
    return { ...each, ...higher };
  });
}
