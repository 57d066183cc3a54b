// Refuses at once what could only end with `price_unknown`. Where a run names no model, its agent's is known to the
// thread's object alone, and the run ends with that code instead.
import type { ModelSettings } from "../../../config/models.ts";
import { findPrice } from "../../../models/index.ts";
import type { Caps } from "../../../protocol/money/caps.ts";
import { Problem } from "../../errors.ts";

/** A cap in US dollars can't be kept for a model without a price. */
export function requirePrice(settings: ModelSettings, model: string | undefined, caps: Caps): void {
  if (model === undefined || caps.max_cost_usd == null || findPrice(settings, model) !== null) return;
  const remedy = "Choose another model, cap max_total_tokens, or ask the operator for a price in MODEL_PRICES.";
  throw new Problem("price_unknown", `The model has no known price, so max_cost_usd can't be kept. ${remedy}`);
}
