// What users spend, for whoever pays for all of them.
import { z } from "@hono/zod-openapi";
import { nothing } from "../../../protocol/money/lease.ts";
import { toUsd } from "../../../protocol/money/price.ts";
import { usage } from "../../../protocol/run.ts";
import { late } from "../../../protocol/schemas/late.ts";
import { firstMoment } from "../../../protocol/usage.ts";
import { readReserved } from "../../../store/budgets/read.ts";
import { readUsageOfUsers } from "../../../store/usage.ts";
import type { App } from "../../context.ts";
import * as examples from "../../examples.ts";
import { addOperation } from "../../operation.ts";
import { tag } from "./accounts.ts";

/** Every run of all users in these days is read. */
const MAX_DAYS = 31;

const query = z.strictObject({
  days: z.coerce.number().int().min(1).max(MAX_DAYS).default(7).openapi({ description: "The last day is today." }),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});

const reserved = late(() =>
  z.object({ cost_usd: z.number(), tokens: z.int(), minutes: z.number() }).openapi({
    description:
      "What running runs hold of caps over many threads. They may have spent a part of it, which is in the sums too.",
  }),
);

const userUsage = late(() =>
  z
    .object({ user_id: z.string(), name: z.string().nullable(), runs: z.int(), ...usage().shape, reserved: reserved() })
    .openapi("UserUsage", {
      example: {
        ...{ user_id: "user_ada", name: "Ada", runs: 3, ...examples.run.usage },
        reserved: { cost_usd: 0.25, tokens: 60_000, minutes: 4 },
      },
    }),
);

export function addUsersUsage(app: App): void {
  addOperation(
    app,
    {
      method: "get",
      path: "/v1/usage/users",
      tag,
      summary: "What users used, by cost",
      description:
        "Users with runs that were started in these days, the highest cost first; unknown costs come last. The day is UTC's.",
      scope: "admin",
      query,
      answers: {
        200: { description: "Users, without pages.", schema: () => z.object({ data: z.array(userUsage()) }) },
      },
    },
    async (context, { query: { days, limit } }) => {
      const { DB } = context.env;
      const users = await readUsageOfUsers(DB, firstMoment(days, Date.now()), limit);
      const open = await readReserved(
        DB,
        users.map(({ user_id }) => user_id),
      );
      const data = users.map((user) => {
        const { cost, tokens, ms } = open.get(user.user_id) ?? nothing;
        return { ...user, reserved: { cost_usd: toUsd(cost), tokens, minutes: ms / 60_000 } };
      });
      return context.json({ data });
    },
  );
}
