// What happens each minute: threads whose runs have gone silent are poked. A poke asks the object to bring D1 up to date, and
// any call wakes an object that has work; a healthy one loses nothing by it.
import type { Env } from "../config.ts";
import { logError } from "../lib/log.ts";
import type { ThreadKey } from "../protocol/thread.ts";
import { takeSilentRuns } from "../store/runs.ts";
import { callThread } from "../thread/stub.ts";

// Objects look after themselves by alarm every 30 s at most; twice that is a sign that one does not.
const SILENT_MS = 60_000;

// Bounds of one sweep. What is left over has waited longest at the next one.
const RUNS_PER_SWEEP = 500;
const THREADS_AT_ONCE = 20;

export async function sweepRuns(env: Env, now: number): Promise<void> {
  try {
    const runs = await takeSilentRuns(env.DB, now - SILENT_MS, now, RUNS_PER_SWEEP);
    const threads = new Map(runs.map(({ user_id, thread_id }) => [`${user_id}/${thread_id}`, { user_id, thread_id }]));
    const keys = [...threads.values()];
    for (let place = 0; place < keys.length; place += THREADS_AT_ONCE) {
      await Promise.all(keys.slice(place, place + THREADS_AT_ONCE).map((key) => pokeThread(env, key)));
    }
  } catch (error) {
    logError("sweep_failed", error, {});
  }
}

async function pokeThread(env: Env, key: ThreadKey): Promise<void> {
  try {
    await callThread(env, key, (stub) => stub.sync(key));
  } catch (error) {
    logError("poke_failed", error, { ...key });
  }
}
