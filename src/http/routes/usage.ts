// The caller's usage of tokens and money, by day.
import { z } from "@hono/zod-openapi";
import { usage } from "../../protocol/run.ts";
import { firstMoment } from "../../protocol/usage.ts";
import { readUsage } from "../../store/usage.ts";
import type { App } from "../context.ts";
import * as examples from "../examples.ts";
import { addOperation } from "../operation.ts";

/** Every run of these days is read, so their number is bounded. */
const MAX_DAYS = 90;

const query = z.strictObject({
  days: z.coerce.number().int().min(1).max(MAX_DAYS).default(30).openapi({ description: "The last day is today." }),
});
const day = z
  .object({
    date: z.string().openapi({ format: "date", description: "In UTC." }),
    runs: z.int().openapi({ description: "Runs that were started on this day." }),
    ...usage.shape,
  })
  .openapi("UsageDay", { example: examples.usageDay });

export function addUsage(app: App): void {
  addOperation(
    app,
    {
      method: "get",
      path: "/v1/usage",
      tag: "Runs",
      summary: "What your runs used, by day",
      description:
        "Over all existing threads. A run counts for the day in UTC on which it was started. Days without runs are left out. `cost_usd` is the sum of the known costs; null if none is known.",
      query,
      answers: { 200: { description: "Days, newest last.", schema: z.object({ data: z.array(day) }) } },
    },
    async (context, { query }) => {
      const since = firstMoment(query.days, Date.now());
      return context.json({ data: await readUsage(context.env.DB, context.get("caller").user_id, since) });
    },
  );
}
