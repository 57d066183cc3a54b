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
    "What becomes of the run when its last reader has been gone for some seconds: `continue`, or `cancel` it. The agent's by default.",
});

function runBodyOf(check: ModelCheck, ceiling: number | null) {
  return z
    .strictObject({
      message: userContent,
      message_id: clientId.optional(),
      agent_id: clientId.optional(),
      invocation_id: clientId.optional(),
      background: z.boolean().default(false),
      on_busy: z.enum(busyPolicies).default("enqueue"),
      on_disconnect,
      model: modelNameOf(check).optional(),
      max_steps: stepsUpTo(ceiling).optional(),
      metadata: smallObject.optional(),
      time_zone: timeZone
        .optional()
        .openapi({ description: "Where the person is, for the date that the model is told." }),
      ...givenCaps,
    })
    .openapi({ example: { message: "帮我做一个电商网站" } });
}

/** For `/openapi.json`, without names of models. */
export const runBody = runBodyOf(() => null, null);
const knownBodies = new WeakMap<Config, typeof runBody>();

/** Checks the model's name and the steps against the limits of this server. */
export function runBodyFor(config: Config): typeof runBody {
  const check: ModelCheck = (name) => findRefusal(config.models, name);
  const body = knownBodies.get(config) ?? runBodyOf(check, config.limits.max_steps);
  knownBodies.set(config, body);
  return body;
}

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
  "idempotency-key": clientId.optional().openapi({ description: "Another way to give `invocation_id`." }),
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
