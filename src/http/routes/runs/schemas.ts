// What a request for a run may say.
import { z } from "@hono/zod-openapi";
import type { Config } from "../../../config.ts";
import { findRefusal } from "../../../models/index.ts";
import { clientId } from "../../../protocol/ids.ts";
import { userContent } from "../../../protocol/message.ts";
import { givenCaps } from "../../../protocol/money/caps.ts";
import { busyPolicies, disconnectPolicies } from "../../../protocol/run.ts";
import type { Answer } from "../../operation.ts";
import { MAX_ANSWERS, runAnswer, smallJson, smallObject, timeZone, wellFormed } from "../../schemas.ts";
import { type ModelCheck, modelNameOf, stepsUpTo } from "../agent-schemas.ts";

const on_disconnect = z.enum(disconnectPolicies).optional().openapi({
  description:
    "What happens to the run once its last reader has been gone for some seconds: `continue`, or `cancel`. By default, what the agent says.",
});
/** What every request for a run may say of it. */
function optionsOf(check: ModelCheck, ceiling: number | null) {
  return {
    agent_id: clientId.optional(),
    invocation_id: clientId.optional(),
    background: z.boolean().default(false),
    on_disconnect,
    model: modelNameOf(check).optional(),
    max_steps: stepsUpTo(ceiling).optional(),
    metadata: smallObject.optional(),
    time_zone: timeZone
      .optional()
      .openapi({ description: "The person's time zone, as an IANA name. The model reads the date there." }),
    ...givenCaps,
  };
}

const message = { message: userContent, message_id: clientId.optional() };

function runBodyOf(check: ModelCheck, ceiling: number | null) {
  return z
    .strictObject({
      ...message,
      ...optionsOf(check, ceiling),
      on_busy: z.enum(busyPolicies).default("enqueue"),
    })
    .openapi({ example: { message: "帮我做一个电商网站" } });
}

/** A run that supersedes does not wait for one whose work it would take back. */
const on_busy = z.enum(["reject", "replace"]).default("reject");

function againBodyOf(check: ModelCheck, ceiling: number | null) {
  return z.strictObject({ ...optionsOf(check, ceiling), on_busy }).openapi({ example: {} });
}

function editBodyOf(check: ModelCheck, ceiling: number | null) {
  return z
    .strictObject({ ...message, ...optionsOf(check, ceiling), on_busy })
    .openapi({ example: { message: "帮我做一个图书商城" } });
}

/** `body` is for `/openapi.json`, without names of models; `bodyFor` checks against the limits of a server. */
function bodiesOf<Body extends z.ZodType>(make: (check: ModelCheck, ceiling: number | null) => Body) {
  const known = new WeakMap<Config, Body>();
  const bodyFor = (config: Config): Body => {
    const body = known.get(config) ?? make((name) => findRefusal(config.models, name), config.limits.max_steps);
    known.set(config, body);
    return body;
  };
  return { body: make(() => null, null), bodyFor };
}

export const { body: runBody, bodyFor: runBodyFor } = bodiesOf(runBodyOf);
export const { body: againBody, bodyFor: againBodyFor } = bodiesOf(againBodyOf);
export const { body: editBody, bodyFor: editBodyFor } = bodiesOf(editBodyOf);
export type AgainBody = z.infer<typeof againBody>;

export const resumeBody = z
  .strictObject({
    invocation_id: clientId.optional(),
    on_disconnect,
    ...givenCaps,
    resume: z
      .array(
        z.strictObject({
          interrupt_id: wellFormed.min(1).max(200),
          status: z.enum(["resolved", "cancelled"]),
          payload: smallJson.optional(),
        }),
      )
      .min(1)
      .max(MAX_ANSWERS),
  })
  .openapi({ example: { resume: [{ interrupt_id: "int-1", status: "resolved", payload: "blue" }] } });

export const leaveQuery = z.strictObject({
  on_disconnect: on_disconnect.openapi({ description: "Another way to give `on_disconnect` of the body." }),
});

export type LeaveQuery = z.output<typeof leaveQuery>;

export const startQuery = leaveQuery.extend({
  wait: z
    .enum(["0", "1", "false", "true"])
    .optional()
    .openapi({ description: "`1`: answer when the run has ended, or after five minutes." }),
});

export const startHeaders = z.object({
  "last-event-id": z.string().optional().openapi({
    description:
      "For a stream, where the request is repeated: the number of the last event that you saw. A run that the request starts begins with its first.",
  }),
  "idempotency-key": clientId.optional().openapi({ description: "Another way to give `invocation_id`." }),
  traceparent: z.string().optional().openapi({
    description:
      "The span that the run's trace belongs to, if the server sends traces. One that can't be read is ignored.",
    example: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  }),
});

export const streamAnswers: Record<number, Answer> = {
  200: { description: "The run's AG-UI events, to its end.", text: "text/event-stream" },
};

export const startAnswers: Record<number, Answer> = {
  200: { description: "With `?wait=1` the ended run.", schema: runAnswer },
  202: {
    description: "The accepted run; the same for a repeated request.",
    schema: runAnswer,
    headers: { Location: "The run's path." },
  },
};
