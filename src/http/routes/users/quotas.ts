// The caller's quotas: what each is, and how much of it is used where that costs little to know.
import { z } from "@hono/zod-openapi";
import { type QuotaName, quotaOf, quotas } from "../../../protocol/money/quotas.ts";
import { heldNames, readHeld } from "../../../store/quotas/held.ts";
import type { App, AppContext } from "../../context.ts";
import { addOperation } from "../../operation.ts";
import { usualQuotas } from "../../ownership.ts";
import { readStock } from "../../quotas/stock.ts";
import { tag } from "./accounts.ts";

const quota = z
  .object({
    name: z.string(),
    limit: z.number(),
    used: z
      .number()
      .nullable()
      .openapi({ description: "Null for rates of a minute, and where it is not counted in one place." }),
    counts: z.string().openapi({ description: "What is counted." }),
    counted: z
      .string()
      .openapi({ description: "`D1` and `object` are exact, `isolate`, `location` and `clock` approximate." }),
    is_rate: z.boolean().openapi({ description: "Whether waiting helps." }),
  })
  .openapi("Quota", {
    example: { name: "agents", limit: 200, used: 3, counts: "agents", counted: "D1", is_rate: false },
  });

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
      const { user_id } = context.get("caller");
      const [held, stock] = await Promise.all([
        readHeld(context.env.DB, user_id, heldNames, usualQuotas(context)),
        readStock(context.env, user_id),
      ]);
      const used: Partial<Record<QuotaName, number | null>> = {
        ...Object.fromEntries(heldNames.map((name) => [name, held[name].used])),
        ...stock,
      };
      const data = Object.entries(quotas).map(([key, { counts, counted, is_rate }]) => {
        const name = key as QuotaName;
        return { name, limit: limitFor(context, name), used: used[name] ?? null, counts, counted, is_rate };
      });
      return context.json({ data });
    },
  );
}

function limitFor(context: AppContext, name: QuotaName): number {
  const config = context.get("config");
  const limit = quotaOf(config, context.get("caller").quotas, name);
  const { cpu: sandbox_cpu, memory: sandbox_memory, disk: sandbox_disk } = config.sandbox_limits;
  const ofOne: Partial<Record<QuotaName, number>> = { sandbox_cpu, sandbox_memory, sandbox_disk };
  return Math.min(limit, ofOne[name] ?? limit);
}
