// Knows which Slack threads are bound to a thread of ours, and starts runs in them. No table binds them: our thread's
// id is derived from the place in Slack, so a place is bound if its thread exists. Where it was deleted, as one in which
// nothing happened for long, the next mention begins the place's next thread.
import type { Env } from "../../config.ts";
import { admitStock, sizeOfInput } from "../../http/quotas/stock.ts";
import { createTimedCache } from "../../lib/timed-cache.ts";
import { fail, type Result } from "../../protocol/error.ts";
import type { SlackWorkspace } from "../../protocol/slack.ts";
import type { AcceptedRun, RunInput, ThreadKey } from "../../protocol/thread.ts";
import { readProject } from "../../store/projects/projects.ts";
import { findDeletedThreads, findThread, isDeletedThread } from "../../store/threads.ts";
import { callThread } from "../../thread/stub.ts";
import type { SlackMessageEvent } from "../events.ts";
import { type ThreadPlace, threadOfPlace, threadsOfPlace } from "../run.ts";

type MessageTimes = Pick<SlackMessageEvent, "ts" | "thread_ts">;

export interface BoundThreads {
  /** The thread of ours that the place has; null if it has none. */
  find(env: Env, user_id: string, place: ThreadPlace, message: MessageTimes): Promise<string | null>;
  add(user_id: string, place: ThreadPlace, thread_id: string): Promise<void>;
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
  const cache = createTimedCache<string>({ now: Date.now, keep_ms: CACHED_MS, max_entries: MAX_CACHED });
  const nameOf = (user_id: string, { team_id, channel, thread_ts }: ThreadPlace) =>
    `${user_id}/${team_id}/${channel}/${thread_ts}`;
  return {
    async find(env, user_id, place, { ts, thread_ts }) {
      return await cache.read(nameOf(user_id, place), async () => {
        const first = await firstThread(user_id, place);
        const state = await findThread(env.DB, first);
        if (state === "alive") return first.thread_id;
        if (state === "deleted") {
          const next = await findNextThread(env, user_id, place);
          return next !== null && (await findThread(env.DB, { user_id, thread_id: next })) === "alive" ? next : null;
        }
        if (thread_ts === null || Number(ts) - Number(thread_ts) > YOUNG_SECONDS) return null;
        return (await callThread(env, first, (stub) => stub.readThread(first))).ok ? first.thread_id : null;
      });
    },
    async add(user_id, place, thread_id) {
      await cache.read(nameOf(user_id, place), async () => thread_id);
    },
  };
}

async function firstThread(user_id: string, { team_id, channel, thread_ts }: ThreadPlace): Promise<ThreadKey> {
  return { user_id, thread_id: await threadOfPlace(team_id, channel, thread_ts) };
}

/** The place's first thread that is not deleted, whether it was begun or not. Null if all were. */
export async function findNextThread({ DB }: Env, user_id: string, place: ThreadPlace): Promise<string | null> {
  const ids = await threadsOfPlace(place);
  const deleted = await findDeletedThreads(DB, user_id, ids);
  return ids.find((id) => !deleted.has(id)) ?? null;
}

/**
 * The same for a message that may begin a conversation: where the place's thread was deleted, the next one begins. Any
 * number of events of the message lead to the same thread.
 */
export async function acceptInLiving(
  env: Env,
  workspace: SlackWorkspace,
  { input, place, begins }: { input: RunInput; place: ThreadPlace; begins: boolean },
  isBound: boolean,
): Promise<Result<AcceptedRun>> {
  const accepted = await acceptFromSlack(env, workspace, input, isBound);
  if (accepted.ok || accepted.error.code !== "not_found" || !begins) return accepted;
  // The failure may be of the project or the agent, which another thread has too.
  if (!(await isDeletedThread(env.DB, input))) return accepted;
  const thread_id = await findNextThread(env, input.user_id, place);
  return thread_id === null ? accepted : await acceptFromSlack(env, workspace, { ...input, thread_id }, false);
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
