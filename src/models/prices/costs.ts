// What replies cost, for servers that don't say it themselves.
import type { Model } from "../../agent/model.ts";
import type { CountedUsage } from "../../agent/spending.ts";
import { costOf, type Price, toUsd } from "../../protocol/money/price.ts";
import type { Usage } from "../../protocol/run.ts";

/** What a call to the model costs that has these fields of its agent. */
type PriceOf = (name: string, extra_body?: Record<string, unknown>) => Price | null;

/** All replies pass here, whatever their server, dialect and format of tools. */
export function withCosts(model: Model, priceOf: PriceOf): Model {
  return {
    async stream(request, onDelta, signal) {
      const outcome = await model.stream(request, onDelta, signal);
      if (outcome.kind === "failure" || outcome.reply.usage === null) return outcome;
      const counted = outcome.reply.usage;
      const usage = charge(counted, priceOf(request.model, request.options?.extra_body));
      return { ...outcome, reply: { ...outcome.reply, usage } };
    },
  };
}

/** The provider's own cost counts. */
export function charge({ cache_write_tokens = 0, ...usage }: CountedUsage, price: Price | null): Usage {
  if (usage.cost_usd !== null || price === null) return usage;
  return { ...usage, cost_usd: toUsd(costOf(price, { ...usage, cache_write_tokens })) };
}
