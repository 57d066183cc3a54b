// The triggers of the caller, and what they name.
import type { AppContext } from "../../http/context.ts";
import { Problem } from "../../http/errors.ts";
import { requireNamed } from "../../http/ownership.ts";
import type { Trigger } from "../../protocol/trigger.ts";
import { readTrigger } from "../../store/triggers/triggers.ts";
import { showTrigger } from "./settings.ts";

/** Everything that a trigger names must belong to its owner. What it named before may have been deleted. */
export async function checkOwned(context: AppContext, trigger: Trigger, before?: Trigger): Promise<void> {
  const { agent_id, project_id } = trigger;
  await requireNamed(context, {
    agent_id: agent_id === before?.agent_id ? null : agent_id,
    project_id: project_id === before?.project_id ? null : project_id,
  });
}

export async function requireTrigger(context: AppContext, trigger_id: string): Promise<Trigger> {
  const found = await readTrigger(context.env.DB, context.get("caller").user_id, trigger_id);
  if (!found) throw missing(trigger_id);
  return found;
}

export function missing(trigger_id: string): Problem {
  return new Problem("not_found", `There is no trigger ${trigger_id}.`);
}

export function show(context: AppContext, trigger: Trigger) {
  return showTrigger(trigger, new URL(context.req.url).origin, Date.now());
}
