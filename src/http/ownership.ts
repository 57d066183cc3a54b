// Looks up what the caller owns. Every lookup by an id of the request includes the caller's user id, so another user's
// thing is answered as not found.
import type { Env } from "../config.ts";
import { DEFAULT_AGENT_ID } from "../protocol/ids.ts";
import { exceeded } from "../protocol/money/quotas.ts";
import type { Project } from "../protocol/project.ts";
import type { ThreadKey } from "../protocol/thread.ts";
import { readStartingAgent } from "../store/agents/versions.ts";
import { findNamed, type Named } from "../store/owned.ts";
import { readProject } from "../store/projects/projects.ts";
import { type CountedName, readHeld, type UsualQuota, usualOf } from "../store/quotas/held.ts";
import { deleteThread } from "../store/retention/removal.ts";
import { readThread } from "../store/threads.ts";
import { agentMemory } from "../thread/agent-memory.ts";
import { callThread } from "../thread/stub.ts";
import type { AppContext } from "./context.ts";
import { Problem, problemOf } from "./errors.ts";
import { admitStock, type Wanted } from "./quotas/stock.ts";

export function keyOf(context: AppContext, thread_id: string): ThreadKey {
  return { user_id: context.get("caller").user_id, thread_id };
}

/** Throws `not_found` unless what is named is the caller's. The default agent always is. */
export async function requireNamed(context: AppContext, named: Named): Promise<void> {
  const agent_id = named.agent_id === DEFAULT_AGENT_ID ? null : (named.agent_id ?? null);
  const project_id = named.project_id ?? null;
  if (agent_id === null && project_id === null) return;
  const found = await findNamed(context.env.DB, context.get("caller").user_id, { agent_id, project_id });
  if (project_id !== null && !found.project) throw missing("project", project_id);
  if (agent_id !== null && !found.agent) throw missing("agent", agent_id);
}

/** The same for a run, which begins soon with what is read here: the agent's version is remembered for seconds. */
export async function requireAgentOfRun(context: AppContext, agent_id: string | undefined): Promise<void> {
  if (agent_id === undefined || agent_id === DEFAULT_AGENT_ID) return;
  const { user_id } = context.get("caller");
  const read = (project_id: string | null) => readStartingAgent(context.env.DB, user_id, agent_id, project_id);
  if ((await agentMemory.read(user_id, agent_id, null, read)) === null) throw missing("agent", agent_id);
}

/** Returns false if there was no such thread. A thread that only D1 knows is deleted there. */
export async function removeThread(env: Env, key: ThreadKey): Promise<boolean> {
  const request_id = crypto.randomUUID();
  const removed = await callThread(env, key, (stub) => stub.remove(key, request_id));
  if (removed.ok) return true;
  if (removed.error.code !== "not_found") throw new Problem(removed.error.code, removed.error.detail);
  if (!(await readThread(env.DB, key))) return false;
  await deleteThread(env.DB, key, Date.now());
  return true;
}

/** Returns the caller's project, and throws `not_found` for any other. */
export async function requireProject(context: AppContext, project_id: string): Promise<Project> {
  const found = await readProject(context.env.DB, context.get("caller").user_id, project_id);
  if (!found) throw missing("project", project_id);
  return found;
}

/** The problem for an id that does not exist. */
export function missing(kind: "agent" | "project" | "thread", id: string): Problem {
  return new Problem("not_found", `There is no ${kind} ${id}.`);
}

export function usualQuotas(context: AppContext): UsualQuota {
  return usualOf(context.get("config"));
}

/**
 * Throws `quota_exceeded` if the user has no room, unless the request needs none. The statement that makes it counts
 * again, so that a quota is exact; asking before keeps a refused request from writing anything, also to the audit.
 */
export async function requireRoom(
  context: AppContext,
  name: CountedName,
  replaces: () => Promise<boolean>,
): Promise<void> {
  const full = await findFull(context, name);
  if (full !== null && !(await replaces())) throw full;
}

/**
 * Throws `quota_exceeded` if the caller has no room for a thread, a project or what is stored. If `make` throws a
 * problem, nothing was made, and the room is given back. After any other error nobody knows.
 */
export async function withStock<Value>(
  context: AppContext,
  wanted: Wanted,
  make: () => Promise<Value>,
): Promise<Value> {
  const later = (work: Promise<void>) => context.executionCtx.waitUntil(work);
  const admission = await admitStock(context.env, context.get("caller").user_id, wanted, later);
  if (admission.refusal !== null) throw problemOf(admission.refusal);
  try {
    return await make();
  } catch (error) {
    if (error instanceof Problem) admission.giveBack();
    throw error;
  }
}

/** The problem of a request that a statement refused: it had room when it was asked for. */
export async function fullOf(context: AppContext, name: CountedName): Promise<Problem> {
  return (await findFull(context, name)) ?? problemOf(exceeded(name, usualQuotas(context)(name)));
}

async function findFull(context: AppContext, name: CountedName): Promise<Problem | null> {
  const held = await readHeld(context.env.DB, context.get("caller").user_id, [name], usualQuotas(context));
  const { used, limit } = held[name];
  return used < limit ? null : problemOf(exceeded(name, limit));
}
