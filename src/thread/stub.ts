// The one place that turns a thread's key into its object.
import type { Env } from "../config.ts";
import type { ThreadApi, ThreadKey } from "../protocol/thread.ts";

/** The object as a Worker sees it: the methods of `ThreadApi` by RPC, and what streams by `fetch`. */
export type ThreadStub = ThreadApi & { fetch(request: Request): Promise<Response> };

/** Ids hold no slash, so no two keys share a name. */
export function threadStub(env: Env, key: ThreadKey): ThreadStub {
  const id = env.THREADS.idFromName(`${key.user_id}/${key.thread_id}`);
  // The platform's type of an RPC result gives up on `unknown` inside; what is passed here is plain JSON either way.
  return env.THREADS.get(id) as unknown as ThreadStub;
}

/**
 * One call of a thread's object. An object whose life ended in mid-call (a deploy, a move, a life that ended itself) says
 * `retryable` or `durableObjectReset`, and is asked once more through a new stub, as the old one stays broken: every
 * method of `ThreadApi` may be called twice.
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
