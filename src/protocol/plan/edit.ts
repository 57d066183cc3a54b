// A person's change of the plan over HTTP: operations with the arguments of the plan tools, checked strictly. The
// plan's rules (`agent/plan/edits.ts`) decide what they may do.
import { z } from "zod";
import { late } from "../schemas/late.ts";
import { unionBy } from "../schemas/many.ts";
import { checkInput } from "./check.ts";
import { taskStatuses } from "./task.ts";

const wellFormed = late(() =>
  z.string().refine((text) => text.isWellFormed(), "is not well-formed Unicode (a lone surrogate)"),
);
// Our own ids have 31 characters. A longer one matches nothing and would only be quoted in the answer.
const planId = late(() => wellFormed().min(1).max(64));
// Above the limits of the plan's rules, so that the rules refuse the operation and say why.
const checks = late(() => z.array(checkInput()).min(1).max(20));
const tasks = late(() =>
  z
    .array(
      unionBy([wellFormed(), z.strictObject({ content: wellFormed(), checks: checks().optional() })], (task) =>
        typeof task === "object" ? 1 : 0,
      ),
    )
    .min(1)
    .max(1000),
);

export const planOperation = late(() =>
  z.discriminatedUnion("op", [
    z.strictObject({
      op: z.literal("create"),
      sections: z
        .array(z.strictObject({ title: wellFormed(), tasks: tasks() }))
        .min(1)
        .max(100)
        .optional(),
      section_title: wellFormed().optional(),
      section_id: planId().optional(),
      task_contents: tasks().optional(),
    }),
    z.strictObject({
      op: z.literal("update"),
      task_ids: z.array(planId()).min(1).max(500),
      status: z.enum(taskStatuses).optional(),
      content: wellFormed().optional(),
      section_id: planId().optional(),
      checks: checks().optional().describe("Checks to add to each of the tasks. They are yours."),
      remove_checks: z
        .array(planId())
        .min(1)
        .max(20)
        .optional()
        .describe("Ids of checks of the one task to remove. With checks, it replaces them."),
      accept: z
        .literal(true)
        .optional()
        .describe(
          "You take the tasks' checks as they are: they become yours, and `weakened` goes. A completed task that they don't verify is `accepted`.",
        ),
      /**
       * The position of the first task in its section after the move, from 0. The other tasks follow it in the given
       * order.
       */
      position: z.int().min(0).optional(),
    }),
    z.strictObject({
      op: z.literal("delete"),
      task_ids: z.array(planId()).max(500).optional(),
      section_ids: z.array(planId()).max(500).optional(),
      /** Accepted and ignored: a person's request needs no confirmation. */
      confirm: z.boolean().optional(),
    }),
    z.strictObject({ op: z.literal("clear"), confirm: z.boolean().optional() }),
    z.strictObject({
      op: z.literal("accept_project_checks"),
      hash: planId().describe("Of the pending file, as `GET …/tasks?include=receipts` returned it."),
    }),
  ]),
);
export type PlanOperation = z.infer<ReturnType<typeof planOperation>>;

/** All operations apply in order, or none. */
export interface PlanEditRequest {
  /** The route makes one for each request. The same `request_id` again is the same edit. */
  request_id: string;
  /** The version that the person saw; null applies the edit to any version. */
  version: number | null;
  operations: PlanOperation[];
  /** How many webhooks in a row led to this edit; absent if none did. */
  hops?: number;
}
