// What replies cost, for servers that don't say it themselves.
import type { Model } from "../../agent/model.ts";
import { costOf, type Price, toUsd } from "../../protocol/money/price.ts";
import type { Usage } from "../../protocol/run.ts";
import type { CountedUsage } from "../exchange/ending.ts";
import { asksForMore } from "./find.ts";

/** All replies pass here, whatever their server, dialect and format of tools. */
export function withCosts(model: Model, priceOf: (name: string) => Price | null): Model {
  return {
    async stream(request, onDelta, signal) {
      const outcome = await model.stream(request, onDelta, signal);
      if (outcome.kind === "failure" || outcome.reply.usage === null) return outcome;
      const counted = outcome.reply.usage;
      const usage = charge(counted, priceOf(request.model), asksForMore(request.options?.extra_body));
      return { ...outcome, reply: { ...outcome.reply, usage } };
    },
  };
}

/** Of what OpenAI lists for its faster tiers, the most in proportion to the usual price. */
const DEARER_FACTOR = 2.5;

/** The provider's own cost counts. An agent that asks for a faster tier is charged the most that it can cost. */
export function charge(
  { cache_write_tokens = 0, ...usage }: CountedUsage,
  price: Price | null,
  isDearer = false,
): Usage {
  if (usage.cost_usd !== null || price === null) return usage;
  const cost = costOf(price, { ...usage, cache_write_tokens });
  return { ...usage, cost_usd: toUsd(isDearer ? Math.ceil(cost * DEARER_FACTOR) : cost) };
}
