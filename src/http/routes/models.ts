// The models that may be chosen for runs and agents, with what they cost: no address and no key.
import { z } from "@hono/zod-openapi";
import { findPrice, findSettingProblem, listModels } from "../../models/index.ts";
import type { Price } from "../../protocol/money/price.ts";
import type { App } from "../context.ts";
import { Problem } from "../errors.ts";
import * as examples from "../examples.ts";
import { addOperation } from "../operation.ts";

const price = z.object({ input: z.number(), cached_input: z.number(), output: z.number() }).nullable().openapi({
  description: "In US dollars for a million tokens; long requests may cost more. Null if the price is not known.",
});

const list = z
  .object({
    data: z.array(
      z.object({
        id: z.string().openapi({ description: "What `model` and `fallback_models` take." }),
        is_default: z.boolean().openapi({ description: "Whether runs that name no model use it." }),
        price,
      }),
    ),
    incomplete: z.array(z.string()).openapi({
      description:
        "Servers whose models are missing, because they gave no list. `default` is the server of names that name none.",
    }),
  })
  .openapi("ModelList", { example: examples.modelList });

export function addModels(app: App): void {
  addOperation(
    app,
    {
      method: "get",
      path: "/v1/models",
      tag: "Agents",
      summary: "List the models that may be chosen",
      description:
        "The default comes first. If the operator lists no models for a server, that server is asked, and its answer is kept for five minutes. If it does not answer, the others are listed.",
      answers: { 200: { description: "Models by name, without pages.", schema: list } },
    },
    async (context) => {
      const { models } = context.get("config");
      const problem = findSettingProblem(models);
      if (problem !== null) throw new Problem("not_configured", problem);
      const { data, incomplete } = await listModels(models);
      const now = Date.now();
      const priced = data.map((each) => ({ ...each, price: showPrice(findPrice(models, each.id, now)) }));
      return context.json({ data: priced, incomplete });
    },
  );
}

function showPrice(price: Price | null) {
  if (price === null) return null;
  const { input, cached_input = input, output } = price;
  return { input, cached_input, output };
}
