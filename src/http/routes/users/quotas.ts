// The caller's quotas: what each is, and how much of it is used where that costs little to know.
import { z } from "@hono/zod-openapi";
import { fixedLimits, type QuotaName, quotaOf, quotas } from "../../../protocol/money/quotas.ts";
import { readHeld, thingNames } from "../../../store/quotas/held.ts";
import type { App } from "../../context.ts";
import { addOperation } from "../../operation.ts";
import { usualQuotas } from "../../ownership.ts";
import { readStock } from "../../quotas/stock.ts";
import { tag } from "./accounts.ts";

const quota = z
  .object({
    name: z.string(),
    limit: z.number(),
    used: z.number().nullable().openapi({
      description:
        "Null for rates of a minute, and where it is not counted in one place. Of `things` the most used kind counts.",
    }),
    counts: z.string().openapi({ description: "What is counted." }),
    counted: z.string().openapi({ description: "`D1` is exact, `isolate` and `location` approximate." }),
    is_rate: z.boolean().openapi({ description: "Whether waiting helps." }),
  })
  .openapi("Quota", {
    example: { name: "sandboxes", limit: 200, used: 3, counts: "sandboxes", counted: "D1", is_rate: false },
  });

const counted = ["sandboxes", "sandbox_hours_per_day", "lookups_per_day", ...thingNames] as const;

export function addQuotas(app: App): void {
  addOperation(
    app,
    {
      method: "get",
      path: "/v1/quotas",
      tag,
      summary: "Read your quotas",
      description: "How much you may have and do. Threads and projects are counted a few times an hour.",
      answers: { 200: { description: "All quotas.", schema: z.object({ data: z.array(quota) }) } },
    },
    async (context) => {
      const { user_id, quotas: own } = context.get("caller");
      const [held, { threads, projects, stored_bytes }] = await Promise.all([
        readHeld(context.env.DB, user_id, counted, usualQuotas(context)),
        readStock(context.env, user_id),
      ]);
      const { sandboxes, sandbox_hours_per_day, lookups_per_day, ...kinds } = held;
      // Multiplied before it is divided, so that seven of a hundred keys are 700 things, and not 701.
      const parts = Object.entries({ ...kinds, threads: { used: threads }, projects: { used: projects } }).map(
        ([kind, { used }]) => (used * quotas.things.usual) / fixedLimits[kind as keyof typeof kinds].usual,
      );
      const used: Partial<Record<QuotaName, number | null>> = {
        ...{ sandboxes: sandboxes.used, sandbox_hours_per_day: sandbox_hours_per_day.used },
        ...{ lookups_per_day: lookups_per_day.used, stored_bytes },
        things: Math.ceil(Math.max(...parts)),
      };
      const data = Object.entries(quotas).map(([key, { counts, counted, is_rate }]) => {
        const name = key as QuotaName;
        const limit = quotaOf(context.get("config"), own, name);
        return { name, limit, used: used[name] ?? null, counts, counted, is_rate };
      });
      return context.json({ data });
    },
  );
}
