// A person's change of the plan over HTTP: operations that take the arguments of the plan tools, strictly. What they may
// do is decided by the plan's rules (`agent/plan/edits.ts`).
import { z } from "zod";
import { taskStatuses } from "./task.ts";

const wellFormed = z.string().refine((text) => text.isWellFormed(), "is not well-formed Unicode (a lone surrogate)");
// Ours have 31 characters; a longer one names nothing, and would only be quoted in the answer.
const planId = wellFormed.min(1).max(64);
// Above what the rules allow, so that it is they who refuse, and say why.
const texts = z.array(wellFormed).min(1).max(1000);

export const planOperation = z.discriminatedUnion("op", [
  z.strictObject({
    op: z.literal("create"),
    sections: z
      .array(z.strictObject({ title: wellFormed, tasks: texts }))
      .min(1)
      .max(100)
      .optional(),
    section_title: wellFormed.optional(),
    section_id: planId.optional(),
    task_contents: texts.optional(),
  }),
  z.strictObject({
    op: z.literal("update"),
    task_ids: z.array(planId).min(1).max(500),
    status: z.enum(taskStatuses).optional(),
    content: wellFormed.optional(),
    section_id: planId.optional(),
    /** Where the first of the tasks then stands in its section, from 0; the others follow it as they are named. */
    position: z.int().min(0).optional(),
  }),
  z.strictObject({
    op: z.literal("delete"),
    task_ids: z.array(planId).max(500).optional(),
    section_ids: z.array(planId).max(500).optional(),
    /** A person's request is not asked back: accepted, and not needed. */
    confirm: z.boolean().optional(),
  }),
  z.strictObject({ op: z.literal("clear"), confirm: z.boolean().optional() }),
]);
export type PlanOperation = z.infer<typeof planOperation>;

/** All operations or none, in order. */
export interface PlanEditRequest {
  /** Minted by the door for each request: the same one again is the same edit. */
  request_id: string;
  /** Of the plan that the person saw; null where it does not matter what it has become since. */
  version: number | null;
  operations: PlanOperation[];
  /** How many webhooks in a row led to it; absent where none did. */
  hops?: number;
}
