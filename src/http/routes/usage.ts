// The caller's usage of tokens and money, by day.
import { z } from "@hono/zod-openapi";
import { addUsage as addUp } from "../../agent/plan/ledger.ts";
import { clientId } from "../../protocol/ids.ts";
import { noUsage, type Usage, usage } from "../../protocol/run.ts";
import { late } from "../../protocol/schemas/late.ts";
import { firstMoment, type UsageDay, type UsageSum } from "../../protocol/usage.ts";
import { readUsage } from "../../store/usage.ts";
import type { App } from "../context.ts";
import * as examples from "../examples.ts";
import { nearAnswer, nearHeaders, readNear } from "../lists/near.ts";
import { addOperation } from "../operation.ts";

/** Every run of these days is read, so their number is bounded. */
const MAX_DAYS = 90;

const query = z.strictObject({
  days: z.coerce.number().int().min(1).max(MAX_DAYS).default(30).openapi({ description: "The last day is today." }),
  project_id: clientId.optional().openapi({ description: "Only runs in this project." }),
  thread_id: clientId.optional().openapi({ description: "Only runs of this thread." }),
});
const day = late(() =>
  z
    .object({
      date: z.string().openapi({ format: "date", description: "In UTC." }),
      runs: z.int().openapi({ description: "Runs that were started on this day." }),
      ...usage().shape,
    })
    .openapi("UsageDay", { example: examples.usageDay }),
);

const sums = late(() => z.object({ runs: z.int(), ...usage().shape }));
const answer = late(() =>
  z.object({
    data: z.array(day()),
    total: sums().openapi({ description: "Over these days. Sums of costs are exact." }),
  }),
);

export function addUsage(app: App): void {
  addOperation(
    app,
    {
      method: "get",
      path: "/v1/usage",
      tag: "Runs",
      summary: "What your runs used, by day",
      counts: "sum",
      description:
        "Over all existing threads. A run counts for the day in UTC on which it was started. Days without runs are left out. `cost_usd` is the sum of the known costs; null if none is known. `estimated` is the part of the sums that no provider counted. With `thread_id` or `project_id`, `total` is what the thread or project used in these days.",
      query,
      headers: nearHeaders,
      answers: { 200: { description: "Days, newest last.", schema: answer, headers: nearAnswer } },
    },
    async (context, { query }) => {
      const since = firstMoment(query.days, Date.now());
      const data = await readNear(context, (db) => readUsage(db, context.get("caller").user_id, since, query));
      return context.json({ data, total: sumUp(data) });
    },
  );
}

function sumUp(days: UsageDay[]): UsageSum {
  const total = days.reduce<Usage>(addUp, noUsage);
  return { runs: days.reduce((sum, { runs }) => sum + runs, 0), ...total };
}
