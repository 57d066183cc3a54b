// Knows which Slack threads are bound to a thread of ours, and starts runs in them. No table binds them: our thread's
// id is derived from the place in Slack, so a place is bound if its thread exists.
import type { Env } from "../../config.ts";
import { admitStock, sizeOfInput } from "../../http/quotas/stock.ts";
import { createTimedCache } from "../../lib/timed-cache.ts";
import { fail, type Result } from "../../protocol/error.ts";
import type { SlackWorkspace } from "../../protocol/slack.ts";
import type { AcceptedRun, RunInput, ThreadKey } from "../../protocol/thread.ts";
import { readProject } from "../../store/projects/projects.ts";
import { readThread } from "../../store/threads.ts";
import { callThread } from "../../thread/stub.ts";
import type { SlackMessageEvent } from "../events.ts";

export interface BoundThreads {
  has(env: Env, key: ThreadKey, message: Pick<SlackMessageEvent, "ts" | "thread_ts">): Promise<boolean>;
  add(key: ThreadKey): Promise<void>;
}

/** The next reply in a conversation comes within minutes. The object of a thread that was deleted refuses the run. */
const CACHED_MS = 10 * 60_000;
const MAX_CACHED = 1_000;
/**
 * D1 has a new thread within a second or two. For this long after the thread's start, the object is asked if D1 does
 * not know it. After that, only D1 is, because every message between people would wake an object.
 */
const YOUNG_SECONDS = 120;

export function createBoundThreads(): BoundThreads {
  const cache = createTimedCache<true>({ now: Date.now, keep_ms: CACHED_MS, max_entries: MAX_CACHED });
  const nameOf = ({ user_id, thread_id }: ThreadKey) => `${user_id}/${thread_id}`;
  return {
    async has(env, key, { ts, thread_ts }) {
      const found = await cache.read(nameOf(key), async () => {
        if ((await readThread(env.DB, key)) !== null) return true;
        if (thread_ts === null || Number(ts) - Number(thread_ts) > YOUNG_SECONDS) return null;
        return (await callThread(env, key, (stub) => stub.readThread(key))).ok ? true : null;
      });
      return found !== null;
    },
    async add(key) {
      await cache.read(nameOf(key), async () => true);
    },
  };
}

/** Starts a run. A new thread is made in the workspace's project if it has one. */
export async function acceptFromSlack(
  env: Env,
  { user_id, project_id }: SlackWorkspace,
  input: RunInput,
  isBound: boolean,
): Promise<Result<AcceptedRun>> {
  const wanted = { thread_id: input.thread_id, makes_project: project_id === null, bytes: sizeOfInput(input) };
  const admission = await admitStock(env, user_id, wanted);
  if (admission.refusal !== null) return { ok: false, error: admission.refusal };
  const accepted = await acceptIn(env, { user_id, project_id }, input, isBound);
  if (!accepted.ok) admission.giveBack();
  return accepted;
}

async function acceptIn(
  env: Env,
  { user_id, project_id }: Pick<SlackWorkspace, "user_id" | "project_id">,
  input: RunInput,
  isBound: boolean,
): Promise<Result<AcceptedRun>> {
  if (project_id !== null && !isBound) {
    const project = await readProject(env.DB, user_id, project_id);
    if (project === null) {
      return fail("not_found", "The project of this workspace was deleted; its owner has to choose another.");
    }
    const creation = {
      user_id,
      thread_id: input.thread_id,
      request_id: input.invocation_id,
      project_id,
      title: null,
      agent_id: input.agent_id,
      metadata: {},
    };
    const made = await callThread(env, input, (stub) => stub.create(creation));
    if (!made.ok && made.error.code !== "already_exists") return made;
  }
  return await callThread(env, input, (stub) => stub.accept(input));
}
