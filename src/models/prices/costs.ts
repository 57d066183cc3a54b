// What replies cost, for servers that don't say it themselves.
import type { Model } from "../../agent/model.ts";
import { costOf, type Price, scalePrice, toUsd } from "../../protocol/money/price.ts";
import type { Usage } from "../../protocol/run.ts";
import type { CountedUsage } from "../exchange/ending.ts";
import { asksForMore } from "./find.ts";

/** All replies pass here, whatever their server, dialect and format of tools. */
export function withCosts(model: Model, priceOf: (name: string) => Price | null): Model {
  return {
    async stream(request, onDelta, signal) {
      const outcome = await model.stream(request, onDelta, signal);
      if (outcome.kind === "failure" || outcome.reply.usage === null) return outcome;
      const price = priceForFields(priceOf(request.model), request.options?.extra_body);
      return { ...outcome, reply: { ...outcome.reply, usage: charge(outcome.reply.usage, price) } };
    },
  };
}

/** Of what OpenAI lists for its faster tiers, the most in proportion to the usual price. */
const DEARER_FACTOR = 2.5;

/** An agent whose fields ask for a faster tier is charged the most that it can cost. */
export function priceForFields(price: Price | null, extra_body?: Readonly<Record<string, unknown>>): Price | null {
  return price === null || !asksForMore(extra_body) ? price : scalePrice(price, DEARER_FACTOR);
}

/** The provider's own cost counts. */
function charge({ cache_write_tokens = 0, ...usage }: CountedUsage, price: Price | null): Usage {
  if (usage.cost_usd !== null || price === null) return usage;
  return { ...usage, cost_usd: toUsd(costOf(price, { ...usage, cache_write_tokens })) };
}
