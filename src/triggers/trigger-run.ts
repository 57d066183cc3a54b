// The run that a trigger starts. Its ids are derived from what fired it, so however often a firing arrives, it is one
// run in one thread: the thread's object recognizes it.
import type { Chain } from "../protocol/chain.ts";
import { derivedId } from "../protocol/ids.ts";
import { capsOf } from "../protocol/money/caps.ts";
import { newRunInput, type RunInput } from "../protocol/thread.ts";
import type { Trigger } from "../protocol/trigger.ts";

/** One firing of a trigger. */
export interface Firing {
  /** Unique within the trigger: a delivery's id or a due time. */
  id: string;
  /** The key of a `per_key` trigger; null if nothing was picked, and then the thread is new. */
  key: string | null;
  /** The message of the run: the trigger's prompt with the data that it quotes. */
  message: string;
  /** The title of a thread without one, if the message's first line is not meant for people. */
  title?: string | null;
  /** Shown with the run. */
  metadata: Record<string, unknown>;
  /** The key of the person who fired it; absent takes the key that made the trigger. */
  key_id?: string;
  /** The webhooks that led to it. */
  chain?: Chain;
}

/** The input of the firing's background run and of its thread, which is made if it does not exist. */
export async function toRunInput(trigger: Trigger, firing: Firing): Promise<RunInput> {
  const { user_id, trigger_id, agent_id, settings } = trigger;
  const key_id = firing.key_id ?? trigger.made_by ?? undefined;
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
    // Nobody has to watch it, whatever its agent says.
    on_disconnect: "continue",
    ...capsOf("trigger", settings.caps),
    ...(firing.title !== undefined && { title: firing.title }),
    ...(firing.chain !== undefined && { chain: firing.chain }),
    ...(key_id !== undefined && { key_id }),
  });
}

function threadOf(trigger: Trigger, { id, key }: Firing): Promise<string> | string {
  const { trigger_id, thread } = trigger;
  if (thread === "per_key" && key !== null) return threadOfKey(trigger_id, key, 1);
  if (thread === "new" || thread === "per_key") return derivedId("thread", trigger_id, "firing", id);
  return thread;
}

/** A key's thread may have been deleted, as one in which nothing happened for long: then the next one is its thread. */
function threadOfKey(trigger_id: string, key: string, number: number): Promise<string> {
  const parts = ["thread", trigger_id, "key", key] as const;
  return number === 1 ? derivedId(...parts) : derivedId(...parts, String(number));
}

/** As many as a key may wear out in ten years of a month each, and few enough to ask one after another. */
const MAX_THREADS_OF_KEY = 120;

/** The input in the thread after this number of deleted ones. Null if it is no thread of a key, or there were too many. */
export async function inNextThread(
  { trigger_id, thread }: Trigger,
  { key }: Firing,
  input: RunInput,
  deleted: number,
): Promise<RunInput | null> {
  if (thread !== "per_key" || key === null || deleted >= MAX_THREADS_OF_KEY) return null;
  return { ...input, thread_id: await threadOfKey(trigger_id, key, deleted + 1) };
}
