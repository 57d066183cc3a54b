// The caller's usage of tokens and money, by day.
import { z } from "@hono/zod-openapi";
import { addUsage as addUp } from "../../agent/plan/ledger.ts";
import { budgetScopes } from "../../budgets/scopes.ts";
import { describeError, logWarning } from "../../lib/log.ts";
import { clientId } from "../../protocol/ids.ts";
import { capNames } from "../../protocol/money/caps.ts";
import { noUsage, type Usage, usage } from "../../protocol/run.ts";
import { late } from "../../protocol/schemas/late.ts";
import { firstMoment, type UsageDay, type UsageSum } from "../../protocol/usage.ts";
import { readSpent } from "../../store/budgets/spent.ts";
import { readUsageAndCaps } from "../../store/usage.ts";
import { callThread } from "../../thread/stub.ts";
import type { App, AppContext } from "../context.ts";
import * as examples from "../examples.ts";
import { nearAnswer, nearHeaders, readNear } from "../lists/near.ts";
import { addOperation } from "../operation.ts";
import { keyOf } from "../ownership.ts";
import { time } from "../schemas.ts";

/** Every run of these days is read, so their number is bounded. */
const MAX_DAYS = 90;

const query = z.strictObject({
  days: z.coerce.number().int().min(1).max(MAX_DAYS).default(30).openapi({ description: "The last day is today." }),
  project_id: clientId.optional().openapi({ description: "Only runs in this project." }),
  thread_id: clientId
    .optional()
    .openapi({ description: "Only runs of this thread, with what one at work has used until now." }),
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

const capUse = late(() =>
  z
    .object({
      scope: z.enum(["project", "user"]),
      name: z.enum(capNames),
      limit: z.number(),
      used: z.number().openapi({ description: "In the unit of the cap, as `limit` and `reserved`." }),
      reserved: z.number().openapi({
        description: "What running runs hold besides. They may have spent a part of it; the rest comes back.",
      }),
      period: z.string().nullable().openapi({ description: "The day or month in UTC; null for a project's." }),
      resets_at: time.nullable().openapi({ description: "When the next period begins; null for a project's." }),
    })
    .openapi("CapUse", { example: examples.capUse }),
);

const sums = late(() => z.object({ runs: z.int(), ...usage().shape }));
const answer = late(() =>
  z.object({
    data: z.array(day()),
    total: sums().openapi({ description: "Over these days. Sums of costs are exact." }),
    caps: z.array(capUse()).openapi({
      description:
        "Your caps of this day and month, and with `project_id` those of the project, whatever `days` says. Empty without any.",
    }),
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
        "Over all your threads, also deleted ones. A run counts for the day in UTC on which it was started. Days without runs are left out. `cost_usd` is the sum of the known costs; null if none is known. `estimated` is the part of the sums that no provider counted. With `thread_id` or `project_id`, `total` is what the thread or project used in these days. `caps` says what is spent of each cap that holds over many runs.",
      query,
      headers: nearHeaders,
      answers: { 200: { description: "Days, newest last.", schema: answer, headers: nearAnswer } },
    },
    async (context, { query }) => {
      const now = Date.now();
      const { user_id } = context.get("caller");
      const config = context.get("config");
      const { project_id = "", thread_id } = query;
      if (thread_id !== undefined) await bringToStore(context, thread_id);
      const { data, caps } = await readNear(context, async (db) => {
        const { days, own } = await readUsageAndCaps(db, user_id, firstMoment(query.days, now), query);
        const scopes = budgetScopes(config, own, user_id, project_id, now);
        // The deployment's are the operator's to know.
        const shown = scopes.filter(({ scope }) => scope !== "deployment");
        return { data: days, caps: await readSpent(db, user_id, shown) };
      });
      return context.json({ data, total: sumUp(data), caps });
    },
  );
}

/** What a run at work has used so far, as before each list of one thread. Sums are of use without it. */
async function bringToStore(context: AppContext, thread_id: string): Promise<void> {
  const key = keyOf(context, thread_id);
  try {
    await callThread(context.env, key, (stub) => stub.sync(key));
  } catch (error) {
    logWarning("usage_may_be_late", { request_id: context.get("request_id"), error: describeError(error) });
  }
}

function sumUp(days: UsageDay[]): UsageSum {
  const total = days.reduce<Usage>(addUp, noUsage);
  return { runs: days.reduce((sum, { runs }) => sum + runs, 0), ...total };
}
