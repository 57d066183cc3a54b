// A search that asks a model is a model call: it is reserved before it is made, and settled with what its provider
// counted.
import { type CallSpending, type CountedUsage, isFreeStatus } from "../../../agent/spending.ts";
import type { Exchanged } from "./exchange.ts";

export interface ModelUse {
  /** What one search uses at most. */
  input_tokens: number;
  output_tokens: number;
  /** Null if the answer has no count. */
  readUsage(body: unknown): CountedUsage | null;
}

export async function payFor(
  ask: (most: number | null) => Promise<Exchanged>,
  { input_tokens, output_tokens, readUsage }: ModelUse,
  model: string,
  { spending, signal }: { spending: CallSpending; signal: AbortSignal },
): Promise<Exchanged> {
  const allowance = await spending.reserve({ model, input_tokens, output_tokens }, signal);
  if (signal.aborted && allowance.kind === "granted") spending.giveUp(allowance.call_id, false);
  signal.throwIfAborted();
  if (allowance.kind !== "granted") return { kind: "failed", reason: "over_budget", status: null };
  const { call_id, max_output_tokens } = allowance;
  try {
    const outcome = await ask(max_output_tokens);
    if (outcome.kind === "answered") spending.settle(call_id, readUsage(outcome.body));
    else spending.giveUp(call_id, outcome.kind === "failed" || !isFreeStatus(outcome.refusal.status));
    return outcome;
  } catch (error) {
    spending.giveUp(call_id, true);
    throw error;
  }
}
