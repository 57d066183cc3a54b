// The models that may be chosen for runs and agents, by name only: no address, no key, no price.
import { z } from "@hono/zod-openapi";
import { findSettingProblem, listModels } from "../../models/index.ts";
import type { App } from "../context.ts";
import { Problem } from "../errors.ts";
import * as examples from "../examples.ts";
import { addOperation } from "../operation.ts";

const list = z
  .object({
    data: z.array(
      z.object({
        id: z.string().openapi({ description: "What `model` and `fallback_models` take." }),
        is_default: z.boolean().openapi({ description: "Whether runs get it that name no model." }),
      }),
    ),
    incomplete: z.array(z.string()).openapi({
      description:
        "Servers whose models are not all listed, since they gave no list. `default` is the one of names without a server.",
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
        "The default first. A server for which the operator lists no models is asked for its own, which are kept for five minutes. If it does not answer, the rest is listed.",
      answers: { 200: { description: "Models by name, without pages.", schema: list } },
    },
    async (context) => {
      const { models } = context.get("config");
      const problem = findSettingProblem(models);
      if (problem !== null) throw new Problem("not_configured", problem);
      return context.json(await listModels(models));
    },
  );
}
