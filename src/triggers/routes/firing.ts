// Builds the run of a webhook trigger from a delivery, and writes the log, after the answer was sent.
import type { AppContext } from "../../http/context.ts";
import { Problem, unwrap } from "../../http/errors.ts";
import { findChain } from "../../http/hops.ts";
import { logError } from "../../lib/log.ts";
import type { Trigger } from "../../protocol/trigger.ts";
import { logTriggerEvent, type TriggerEvent } from "../../store/triggers/log.ts";
import { readThreadKey, writeMessage, writeTitle } from "../message.ts";
import { type Payload, payloadOf } from "../payload.ts";
import { parseTemplate } from "../picks.ts";
import type { Firing } from "../trigger-run.ts";
import { fireTrigger } from "./start-run.ts";

/** The firing of a delivery. `payload` is null if there is none. */
export function describeFiring(
  trigger: Trigger,
  id: string,
  payload: Payload | null,
  source: { event: string | null; source_id: string | null },
  chained: Pick<Firing, "chain">,
): Firing {
  const { event, source_id } = source;
  const metadata = { ...(event === null ? {} : { event }), ...(source_id === null ? {} : { delivery_id: source_id }) };
  // The prompt was checked when it was stored.
  const pieces = unwrap(parseTemplate(trigger.prompt));
  return {
    id,
    key: trigger.thread === "per_key" ? readThreadKey(trigger.settings.key, payload) : null,
    message: writeMessage(pieces, payload, event),
    title: writeTitle(pieces, payload),
    metadata,
    ...chained,
  };
}

/** Fires a trigger for a person. `payload` is undefined if they gave none. */
export async function runNow(
  context: AppContext,
  trigger: Trigger,
  id: string,
  payload: unknown,
): Promise<{ invocation_id: string; thread_id: string }> {
  const firing_id = `person:${id}`;
  const brought = payload === undefined ? null : payloadOf(payload);
  const chained = unwrap(await findChain(context, trigger, brought));
  const described: Firing =
    trigger.type === "webhook"
      ? describeFiring(trigger, firing_id, brought, { event: null, source_id: null }, chained)
      : { id: firing_id, key: null, message: trigger.prompt, metadata: {}, ...chained };
  const firing = { ...described, key_id: context.get("caller").key_id };
  const { run, created, is_other } = unwrap(await fireTrigger(context.env, trigger, firing));
  if (is_other)
    throw new Problem("idempotency_conflict", `The run ${run.invocation_id} was started with another message.`);
  const { invocation_id, thread_id } = run;
  const event = { status: "accepted", reason: null, source_id: null, thread_id, invocation_id } as const;
  if (created) writeLog(context, trigger, event);
  return { invocation_id, thread_id };
}

/** Not awaited: a delivery whose log row is lost has been answered nevertheless. */
export function writeLog(context: AppContext, trigger: Trigger, event: TriggerEvent): void {
  const { user_id, trigger_id } = trigger;
  const written = logTriggerEvent(context.env.DB, trigger, event, Date.now()).catch((error: unknown) => {
    logError("trigger_log_failed", error, { user_id, trigger_id });
  });
  context.executionCtx.waitUntil(written);
}
