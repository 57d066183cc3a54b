// The threads of an account. Each goes and pauses through its object, which may have runs that D1 has not heard of.
import type { AccountPart } from "../../../accounts/part.ts";
import type { Env } from "../../../config.ts";
import { withinTime } from "../../../lib/time-limit.ts";
import type { Job } from "../../../protocol/job.ts";
import { isTerminal } from "../../../protocol/run.ts";
import type { ThreadKey } from "../../../protocol/thread.ts";
import {
  type ListedThread,
  listAliveThreads,
  listLiveThreads,
  listStrayThreads,
} from "../../../store/people/account-threads.ts";
import { deleteThread } from "../../../store/retention/removal.ts";
import { clock } from "../../../thread/ports.ts";
import { callThread } from "../../../thread/stub.ts";
import { removeThread } from "../../ownership.ts";

/** How many objects end their runs at a time. One takes some seconds at most. */
const THREADS_AT_ONCE = 20;
/** No more runs than this wait on a thread. */
const NEWEST_RUNS = 100;
/** A message that a cancelled run had not taken becomes a run of its own. One more round checks that none is left. */
const CANCEL_ROUNDS = 3;
/** A piece has 15 s: an object that never answers leaves the others of its page their turn. */
const THREAD_MS = 8_000;
/** By then the thread is removed, and no run of it can make the sandbox again. */
const SANDBOX_DELAY_SECONDS = 60;

export const threadsPart: AccountPart = {
  name: "threads",

  async pause({ env, user_id, signal }) {
    const failures: unknown[] = [];
    let after = "";
    for (;;) {
      signal.throwIfAborted();
      const page = await listLiveThreads(env.DB, user_id, after, THREADS_AT_ONCE);
      const last = page.at(-1);
      if (last === undefined) break;
      failures.push(...(await tryEach(page, (thread_id) => cancelRuns(env, { user_id, thread_id }))));
      after = last;
    }
    if (failures.length > 0) throw failures[0];
  },

  async remove({ env, user_id, signal }) {
    const remove = (thread_id: string) => removeWhole(env, { user_id, thread_id });
    // Those that work come first: a large account takes its time.
    const live = await listLiveThreads(env.DB, user_id, "", THREADS_AT_ONCE);
    if ((await tryEach(live, remove)).length < live.length) return "more";
    const failures: unknown[] = [];
    let after: ListedThread | null = null;
    for (;;) {
      signal.throwIfAborted();
      const page: ListedThread[] = await listAliveThreads(env.DB, user_id, after, THREADS_AT_ONCE);
      const last = page.at(-1);
      if (last === undefined) break;
      const failed = await tryEach(page, ({ thread_id }) => remove(thread_id));
      // A page of which nothing can be removed holds up no other.
      if (failed.length < page.length) return "more";
      failures.push(...failed);
      after = last;
    }
    if (failures.length > 0) throw failures[0];
    return await removeStray(env, user_id);
  },
};

/**
 * A project that was made with the thread may not be in D1 yet, where it would be found. Then a job deletes its sandbox,
 * if it has one.
 */
async function removeWhole(env: Env, key: ThreadKey): Promise<void> {
  const synced = await callThread(env, key, (stub) => stub.sync(key));
  if (synced.ok && !synced.value) {
    const thread = await callThread(env, key, (stub) => stub.readThread(key));
    if (thread.ok) {
      const { user_id, project_id, created_at } = thread.value;
      const job = { type: "delete_sandbox", user_id, project_id, project_created_at: created_at, attempt: 1 } as const;
      await env.JOBS.send(job satisfies Job, { delaySeconds: SANDBOX_DELAY_SECONDS });
    }
  }
  // D1 may have rows of a thread that neither it nor the object knows: a backup brought them back.
  if (!(await removeThread(env, key))) await deleteThread(env.DB, key, Date.now());
}

async function removeStray(env: Env, user_id: string): Promise<"done" | "more"> {
  const stray = await listStrayThreads(env.DB, user_id, THREADS_AT_ONCE);
  for (const thread_id of stray) await removeWhole(env, { user_id, thread_id });
  return stray.length === 0 ? "done" : "more";
}

async function cancelRuns(env: Env, key: ThreadKey): Promise<void> {
  for (let round = 0; round < CANCEL_ROUNDS; round++) {
    const runs = await callThread(env, key, (stub) => stub.readRuns(key, { limit: NEWEST_RUNS, cursor: null }));
    const live = runs.ok ? runs.value.data.filter(({ status }) => !isTerminal(status)) : [];
    if (live.length === 0) return;
    await Promise.all(live.map(({ invocation_id }) => callThread(env, key, (stub) => stub.cancel(key, invocation_id))));
  }
}

/** Returns the failures. */
async function tryEach<T>(items: T[], work: (item: T) => Promise<void>): Promise<unknown[]> {
  const settled = await Promise.allSettled(items.map((item) => withinTime(clock, THREAD_MS, "A thread", work(item))));
  return settled.flatMap((each) => (each.status === "rejected" ? [each.reason as unknown] : []));
}
