// An account, and what a call reserves and uses of it.
import { noUsage, type Usage } from "../../src/protocol/run.ts";
import type { Account } from "../../src/thread/usage/account.ts";
import { noSpending, type Reservation } from "../../src/thread/usage/state.ts";

export const empty: Account = { usage: noUsage, spending: noSpending };

export function call(more: Partial<Reservation> = {}): Reservation {
  return { call_id: "call_1", input: 100, output: 50, cost: 1_000, ...more };
}

export function usage(more: Partial<Usage> = {}): Usage {
  return { input_tokens: 80, cached_input_tokens: 20, output_tokens: 10, cost_usd: null, ...more };
}
