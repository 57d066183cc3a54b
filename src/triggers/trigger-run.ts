// The run that a trigger starts. Its ids are derived from what fired it, so however often that comes, it is one run of one
// thread: the thread's object knows it again.
import type { Chain } from "../protocol/chain.ts";
import { derivedId } from "../protocol/ids.ts";
import { newRunInput, type RunInput } from "../protocol/thread.ts";
import type { Trigger } from "../protocol/trigger.ts";

/** What fired a trigger once. */
export interface Firing {
  /** Tells it from every other of the same trigger: a delivery's id, a due time. */
  id: string;
  /** Of a trigger whose thread is `per_key`; null where nothing picked one, and then the thread is new. */
  key: string | null;
  /** What the run is told: the trigger's prompt, and data that it quotes. */
  message: string;
  /** What a thread without a title is called, where the message's first line is not written for people. */
  title?: string | null;
  /** Shown with the run. */
  metadata: Record<string, unknown>;
  /** The webhooks that led to it. */
  chain?: Chain;
}

/** The background run of a firing, and of its thread: made where it is not there. */
export async function toRunInput(trigger: Trigger, firing: Firing): Promise<RunInput> {
  const { user_id, trigger_id, agent_id } = trigger;
  const invocation_id = await derivedId("inv", trigger_id, firing.id);
  return newRunInput({
    user_id,
    thread_id: await threadOf(trigger, firing),
    invocation_id,
    messages: [{ message_id: await derivedId("msg", trigger_id, firing.id), content: firing.message }],
    agent_id,
    metadata: { trigger_id, ...firing.metadata },
    background: true,
    answers_nothing: true,
    ...(firing.title !== undefined && { title: firing.title }),
    ...(firing.chain !== undefined && { chain: firing.chain }),
  });
}

function threadOf(trigger: Trigger, { id, key }: Firing): Promise<string> | string {
  const { trigger_id, thread } = trigger;
  if (thread === "per_key" && key !== null) return derivedId("thread", trigger_id, "key", key);
  if (thread === "new" || thread === "per_key") return derivedId("thread", trigger_id, "firing", id);
  return thread;
}
