// Schemas of the plan with its details, and of its change.
import { z } from "@hono/zod-openapi";
import { projectChecksView, receipt } from "../../../protocol/plan/check.ts";
import { planOperation } from "../../../protocol/plan/edit.ts";
import { taskLedger } from "../../../protocol/plan/ledger.ts";
import { planView } from "../../../protocol/plan/task.ts";
import { late } from "../../../protocol/schemas/late.ts";
import * as examples from "./examples.ts";

export const plan = late(() => z.object(planView().shape).openapi("Plan", { example: examples.plan }));
const planSection = late(() => planView().shape.sections.element);
const ledger = late(() => z.object(taskLedger().shape).openapi("TaskLedger", { example: examples.ledger }));
export const seenReceipt = late(() => z.object(receipt().shape).openapi("Receipt", { example: examples.receipt }));
export const planWithLedger = late(() =>
  z
    .object({
      ...planView().shape,
      sections: z.array(
        z.object({
          ...planSection().shape,
          tasks: z.array(
            z.object({
              ...planSection().shape.tasks.element.shape,
              ledger: ledger().optional(),
              receipts: z.array(seenReceipt()).optional(),
            }),
          ),
        }),
      ),
      project_checks: projectChecksView().optional(),
    })
    .openapi("PlanWithLedger", { example: examples.planWithLedger }),
);
export const planPatch = late(() =>
  z
    .strictObject({
      version: z
        .int()
        .min(0)
        .optional()
        .openapi({ description: "The version of the plan that you saw. 409 if the plan has changed since." }),
      operations: z.array(planOperation()).min(1).max(100),
    })
    .openapi({ example: examples.planPatch }),
);
