// What a caller owns: every lookup by an id of a request begins with the caller's user id, so a thing of another user is not
// found, as if it were not there.
import type { Env } from "../config.ts";
import type { Result } from "../protocol/error.ts";
import { DEFAULT_AGENT_ID } from "../protocol/ids.ts";
import type { Project } from "../protocol/project.ts";
import type { Thread, ThreadKey } from "../protocol/thread.ts";
import { readAgent } from "../store/agents/agents.ts";
import { readProject } from "../store/projects/projects.ts";
import { deleteThread } from "../store/sync.ts";
import { readThread } from "../store/threads.ts";
import { callThread, type ThreadStub } from "../thread/stub.ts";
import type { AppContext } from "./context.ts";
import { Problem, unwrap } from "./errors.ts";

export function keyOf(context: AppContext, thread_id: string): ThreadKey {
  return { user_id: context.get("caller").user_id, thread_id };
}

/**
 * What a GET of one thread answers: from D1 where it has all that the thread's object knows, and from the object where D1
 * can't follow just now. So what a 2xx promised is in every later GET.
 */
export async function readOfThread<T>(
  context: AppContext,
  key: ThreadKey,
  read: {
    fromStore: (db: D1Database, thread: Thread) => Promise<Result<T>>;
    fromObject: (stub: ThreadStub) => Promise<Result<T>>;
  },
): Promise<T> {
  const isCurrent = unwrap(await callThread(context.env, key, (stub) => stub.sync(key)));
  if (!isCurrent) return unwrap(await callThread(context.env, key, read.fromObject));
  const thread = await readThread(context.env.DB, key);
  if (!thread) throw missing("thread", key.thread_id);
  return unwrap(await read.fromStore(context.env.DB, thread));
}

/** An agent that a body names must be the caller's; the default one always is. */
export async function requireAgent(context: AppContext, agent_id: string | undefined): Promise<void> {
  if (agent_id === undefined || agent_id === DEFAULT_AGENT_ID) return;
  const found = await readAgent(context.env.DB, context.get("caller").user_id, agent_id);
  if (!found) throw missing("agent", agent_id);
}

/** False where there was no such thread. One that only D1 knows is removed there. */
export async function removeThread(env: Env, key: ThreadKey): Promise<boolean> {
  const request_id = crypto.randomUUID();
  const removed = await callThread(env, key, (stub) => stub.remove(key, request_id));
  if (removed.ok) return true;
  if (removed.error.code !== "not_found") throw new Problem(removed.error.code, removed.error.detail);
  if (!(await readThread(env.DB, key))) return false;
  await deleteThread(env.DB, key, Date.now());
  return true;
}

/** The caller's project; another user's is not found. */
export async function requireProject(context: AppContext, project_id: string): Promise<Project> {
  const found = await readProject(context.env.DB, context.get("caller").user_id, project_id);
  if (!found) throw missing("project", project_id);
  return found;
}

/** The problem of a thing that is not there. */
export function missing(kind: "agent" | "project" | "thread", id: string): Problem {
  return new Problem("not_found", `There is no ${kind} ${id}.`);
}
