// What happens each minute: threads whose runs have gone silent are poked. A poke asks the object to tell D1 of these runs, and
// any call wakes an object that has work; a healthy one loses nothing by it.
import type { Env } from "./config.ts";
import { logError, logWarning } from "./lib/log.ts";
import type { ThreadKey } from "./protocol/thread.ts";
import { endLostRuns, takeSilentRuns } from "./store/runs.ts";
import { callThread } from "./thread/stub.ts";

// Objects look after themselves by alarm every 30 s at most; twice that is a sign that one does not.
const SILENT_MS = 60_000;

// Bounds of one sweep. What is left over has waited longest at the next one.
const RUNS_PER_SWEEP = 500;
const THREADS_AT_ONCE = 20;

interface SilentThread {
  key: ThreadKey;
  invocation_ids: string[];
}

export async function sweepRuns(env: Env, now: number): Promise<void> {
  try {
    const silent = new Map<string, SilentThread>();
    for (const run of await takeSilentRuns(env.DB, now - SILENT_MS, now, RUNS_PER_SWEEP)) {
      const { user_id, thread_id, invocation_id } = run;
      const name = `${user_id}/${thread_id}`;
      const thread = silent.get(name) ?? { key: { user_id, thread_id }, invocation_ids: [] };
      thread.invocation_ids.push(invocation_id);
      silent.set(name, thread);
    }
    const threads = [...silent.values()];
    for (let place = 0; place < threads.length; place += THREADS_AT_ONCE) {
      await Promise.all(threads.slice(place, place + THREADS_AT_ONCE).map((thread) => pokeThread(env, thread, now)));
    }
  } catch (error) {
    logError("sweep_failed", error, {});
  }
}

async function pokeThread(env: Env, { key, invocation_ids }: SilentThread, now: number): Promise<void> {
  try {
    const poked = await callThread(env, key, (stub) => stub.poke(key, invocation_ids));
    const lost = poked.ok ? poked.value : invocation_ids;
    if (lost.length === 0) return;
    logWarning("runs_lost", { ...key, runs: lost.length });
    await endLostRuns(env.DB, key, lost, now);
  } catch (error) {
    logError("poke_failed", error, { ...key });
  }
}
