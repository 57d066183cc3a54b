// Finds a thread's object by the thread's key. Nothing else does.
import { configOf, type Env } from "../config.ts";
import type { ThreadApi, ThreadKey } from "../protocol/thread.ts";

/** The object as a Worker sees it: the methods of `ThreadApi` by RPC, and streams by `fetch`. */
export type ThreadStub = ThreadApi & { fetch(request: Request): Promise<Response> };

/** Ids contain no slash, so no two keys share a name. */
export function threadStub(env: Env, key: ThreadKey): ThreadStub {
  const { jurisdiction, location_hint } = configOf(env);
  // Only where it is set: workerd has none. The hint counts when the object is made.
  const threads = jurisdiction === null ? env.THREADS : env.THREADS.jurisdiction(jurisdiction);
  const id = threads.idFromName(`${key.user_id}/${key.thread_id}`);
  const options = location_hint === null ? undefined : { locationHint: location_hint };
  // The platform's type of an RPC result does not support `unknown` inside. All values here are plain JSON.
  return threads.get(id, options) as unknown as ThreadStub;
}

/**
 * Calls a thread's object. If its life ended during the call (a deploy, a move, or the life ended itself), the error
 * has `retryable` or `durableObjectReset`. Then it calls once more through a new stub, since the old one stays broken.
 * Every method of `ThreadApi` may be called twice.
 */
export async function callThread<T>(env: Env, key: ThreadKey, call: (stub: ThreadStub) => Promise<T>): Promise<T> {
  try {
    return await call(threadStub(env, key));
  } catch (error) {
    if (!isWorthRepeating(error)) throw error;
    return await call(threadStub(env, key));
  }
}

function isWorthRepeating(error: unknown): boolean {
  const { retryable, durableObjectReset, overloaded } = error as Record<string, unknown>;
  return error instanceof Error && (retryable === true || durableObjectReset === true) && overloaded !== true;
}
