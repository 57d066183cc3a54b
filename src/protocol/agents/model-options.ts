// What an agent asks of its model beside what every request has. The model's folder puts it on the wire in the form
// that a server takes.
import { z } from "zod";
import { findBodyFault } from "./body-fields.ts";

const reasoningEfforts = ["none", "minimal", "low", "medium", "high", "xhigh", "max"] as const;

/** No model writes more in one reply, and a reply ends at 2 MiB of text. */
const MAX_OUTPUT_TOKENS = 1_000_000;

/** A record would lose `__proto__` without a word. */
const extraBody = z.unknown().superRefine((fields, issues) => {
  const fault = fields === undefined ? null : findBodyFault(fields);
  if (fault !== null) issues.addIssue({ code: "custom", message: fault });
}) as z.ZodType<Record<string, unknown>>;

export const modelOptions = z.strictObject({
  /** The name that most providers use. A server that has another, or none, gets what it takes. */
  reasoning_effort: z.enum(reasoningEfforts).optional(),
  /** The longest reply, with its reasoning. */
  max_output_tokens: z.int().min(1).max(MAX_OUTPUT_TOKENS).optional(),
  /** Fields of one provider, which go into the request as they are. */
  extra_body: extraBody.optional(),
});
export type ModelOptions = z.infer<typeof modelOptions>;
