// The plan of a thread.
import { viewPlan } from "../agent/plan.ts";
import { succeed } from "../protocol/error.ts";
import { readPlan } from "../store/tasks.ts";
import type { App } from "./context.ts";
import { addOperation } from "./operation.ts";
import { keyOf, readOfThread } from "./ownership.ts";
import { plan, threadParams } from "./schemas.ts";

export function addTasks(app: App): void {
  addOperation(
    app,
    {
      method: "get",
      path: "/v1/threads/{thread_id}/tasks",
      tag: "Threads",
      summary: "Read the plan",
      params: threadParams,
      answers: { 200: { description: "The plan; version 0 and empty where there is none.", schema: plan } },
      problems: ["not_found"],
    },
    async (context, { params }) => {
      const key = keyOf(context, params.thread_id);
      const stored = await readOfThread(context, key, {
        fromStore: async (db) => succeed(await readPlan(db, key)),
        fromObject: (stub) => stub.readPlan(key),
      });
      return context.json(viewPlan(stored));
    },
  );
}
