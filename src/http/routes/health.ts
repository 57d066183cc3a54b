// Whether the server runs, which stand-ins serve in place of a real model or sandbox, and how people sign in. An admin's
// key learns with `?deep=1` whether what the server leans on answers.
import { z } from "@hono/zod-openapi";
import { createDeepHealth } from "../../monitor/deep-health.ts";
import { clock } from "../../thread/ports.ts";
import { identify, requireScope } from "../auth.ts";
import type { App, AppContext } from "../context.ts";
import { addOperation } from "../operation.ts";
import { deepHealth, health } from "../schemas.ts";
import { VERSION } from "../version.ts";

const query = z.object({
  deep: z.string().optional().openapi({
    example: "1",
    description: "`1` with an admin's key: checks the database, the queue, model servers and sandboxes, too.",
  }),
});

export function addHealth(app: App): void {
  const readDeep = createDeepHealth();
  addOperation(
    app,
    {
      method: "get",
      path: "/healthz",
      tag: "Server",
      summary: "Read the server's health",
      description:
        "For probes. Also says which stand-ins serve, and what people sign in with. With `deep=1` and a key with the scope `admin`, it also has `checks`, and answers 503 if one of them fails. What they found is remembered for 30 seconds. Without a key, `deep` is ignored.",
      open: true,
      query,
      problems: ["unauthorized", "forbidden"],
      answers: {
        200: { description: "The server runs.", schema: health },
        503: { description: "A check fails. Only with `deep=1`.", schema: deepHealth },
      },
    },
    async (context, { query: { deep } }) => {
      const plain = describePlain(context);
      if ((deep !== "1" && deep !== "true") || context.req.header("authorization") === undefined)
        return context.json(plain);
      requireScope(await identify(context), "admin");
      const found = await readDeep({
        config: context.get("config"),
        database: context.env.DB,
        queue: context.env.JOBS,
        timers: clock,
        now: () => Date.now(),
      });
      return context.json({ ...plain, ...found }, found.status === "ok" ? 200 : 503);
    },
  );
}

function describePlain(context: AppContext) {
  const { stand_ins, sign_in } = context.get("config");
  const offered = sign_in.settings && { name: sign_in.settings.name };
  return { status: "ok", version: VERSION, stand_ins, sign_in: offered };
}
