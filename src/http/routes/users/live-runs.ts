// An operator finds the run that hangs, and ends it. Its user's thread stays the user's: no word of it is shown.
import { z } from "@hono/zod-openapi";
import { withinTime } from "../../../lib/time-limit.ts";
import { runStatuses } from "../../../protocol/run.ts";
import { late } from "../../../protocol/schemas/late.ts";
import { listOldestRuns } from "../../../store/monitor/live-runs.ts";
import { clock } from "../../../thread/ports.ts";
import { callThread } from "../../../thread/stub.ts";
import { audited } from "../../audit.ts";
import type { App } from "../../context.ts";
import { unwrap } from "../../errors.ts";
import { addOperation } from "../../operation.ts";
import { runParams, time } from "../../schemas.ts";
import { requireLiveAdmin } from "./live-admin.ts";
import { userParams } from "./schemas.ts";

/** Whoever looks at night learns soon that it is D1 that hangs. */
const D1_LIMIT_MS = 3_000;

const tag = "Server";
const status = z.enum(runStatuses);

const query = z.strictObject({ limit: z.coerce.number().int().min(1).max(200).default(50) });

const liveRun = late(() =>
  z
    .object({
      ...{ user_id: z.string(), thread_id: z.string(), invocation_id: z.string(), status, created_at: time },
      updated_at: time.openapi({ description: "The database's last news of it." }),
    })
    .openapi("LiveRun", {
      example: {
        ...{ user_id: "user_ada", thread_id: "thread_shop", invocation_id: "inv_1", status: "running" },
        ...{ created_at: "2026-11-29T01:00:00.000Z", updated_at: "2026-11-29T03:00:00.000Z" },
      },
    }),
);

export function addLiveRuns(app: App): void {
  addOperation(
    app,
    {
      method: "get",
      path: "/v1/server/runs",
      tag,
      summary: "List live runs",
      description: "Runs of all users that are queued or running, the oldest first, by their ids alone.",
      scope: "admin",
      query,
      answers: { 200: { description: "Runs, without pages.", schema: () => z.object({ data: z.array(liveRun()) }) } },
    },
    async (context, { query: { limit } }) => {
      const asked = listOldestRuns(context.env.DB, limit, Date.now());
      return context.json({ data: await withinTime(clock, D1_LIMIT_MS, "D1", asked) });
    },
  );
  addOperation(
    app,
    {
      method: "post",
      path: "/v1/users/{user_id}/threads/{thread_id}/runs/{invocation_id}/cancel",
      tag,
      summary: "Cancel a user's run",
      description: "Works like the user's own cancel, and shows nothing of the run.",
      scope: "admin",
      params: userParams.extend(runParams.shape),
      records: ["run.cancel"],
      answers: { 200: { description: "What became of it.", schema: () => z.object({ status }) } },
      problems: ["not_found"],
    },
    async (context, { params: { user_id, thread_id, invocation_id } }) => {
      const act = { action: "run.cancel", user_id, target: invocation_id, details: { thread_id } } as const;
      const run = await audited(context, act, async () => {
        await requireLiveAdmin(context);
        const key = { user_id, thread_id };
        return unwrap(await callThread(context.env, key, (stub) => stub.cancel(key, invocation_id)));
      });
      return context.json({ status: run.status });
    },
  );
}
