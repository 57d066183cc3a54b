// Turns a firing into a run. Every id is derived from the trigger and what fired it, so a firing may be repeated after
// any failure. Twenty at once are one run: the thread's object recognizes the id.
import type { Env } from "../../config.ts";
import { admitStock, sizeOfInput } from "../../http/quotas/stock.ts";
import { fail, type Result, succeed } from "../../protocol/error.ts";
import { DEFAULT_AGENT_ID, derivedId } from "../../protocol/ids.ts";
import type { AcceptedRun, RunInput, ThreadKey } from "../../protocol/thread.ts";
import type { Trigger } from "../../protocol/trigger.ts";
import { readAgent } from "../../store/agents/agents.ts";
import { readProject } from "../../store/projects/projects.ts";
import { isDeletedThread } from "../../store/threads.ts";
import { callThread } from "../../thread/stub.ts";
import { type Firing, inNextThread, toRunInput } from "../trigger-run.ts";

/** `is_other`: the firing is known but had another message before; the run is the first one's. */
export interface FiredRun extends AcceptedRun {
  is_other: boolean;
}

/**
 * Starts the run of a firing in the background. A failure says why this trigger can't start one now: its thread,
 * project or agent was deleted (`not_found`), too much waits on the thread (`rate_limited`), or the user has no room for
 * what it makes (`quota_exceeded`). Rejects if the thread's
 * object or D1 can't answer; then call it again.
 */
export async function fireTrigger(env: Env, trigger: Trigger, firing: Firing): Promise<Result<FiredRun>> {
  const input = await toRunInput(trigger, firing);
  const wanted = { thread_id: input.thread_id, makes_project: trigger.project_id === null, bytes: sizeOfInput(input) };
  const admission = await admitStock(env, input.user_id, wanted);
  if (admission.refusal !== null) return { ok: false, error: admission.refusal };
  const started = await startInLiving(env, trigger, firing, input);
  if (!started.ok) admission.giveBack();
  return started;
}

/** A key outlives its thread, which may be deleted as too old: the run then begins the next thread of the key. */
async function startInLiving(env: Env, trigger: Trigger, firing: Firing, first: RunInput): Promise<Result<FiredRun>> {
  let deleted = 0;
  let input: RunInput | null = first;
  for (;;) {
    const started = await startRun(env, trigger, input);
    if (started.ok || started.error.code !== "not_found") return started;
    // The failure may be of the project or the agent, which another thread has too.
    if (!(await isDeletedThread(env.DB, input))) return started;
    do {
      input = await inNextThread(trigger, firing, first, ++deleted);
      if (input === null) return started;
    } while (await isDeletedThread(env.DB, input));
  }
}

async function startRun(env: Env, trigger: Trigger, input: RunInput): Promise<Result<FiredRun>> {
  const key = { user_id: input.user_id, thread_id: input.thread_id };
  if (trigger.project_id !== null) {
    const made = await makeThread(env, input, trigger.project_id);
    if (!made.ok) return made;
  }
  const accepted = await callThread(env, key, (stub) => stub.accept(input));
  if (accepted.ok) return succeed({ ...accepted.value, is_other: false });
  if (accepted.error.code !== "idempotency_conflict") return accepted;
  const first = await callThread(env, key, (stub) => stub.getRun(key, input.invocation_id));
  return first.ok ? succeed({ run: first.value, created: false, is_other: true }) : first;
}

/** Makes the thread in the trigger's project if it does not exist. An existing thread stays where it is. */
async function makeThread(env: Env, input: RunInput, project_id: string): Promise<Result<null>> {
  const { user_id, thread_id, agent_id } = input;
  const key: ThreadKey = { user_id, thread_id };
  const missing = await findMissing(env, input, project_id);
  if (missing !== null) return fail("not_found", missing);
  const request_id = await derivedId("thread", "creation", thread_id);
  const creation = { ...key, request_id, project_id, title: null, agent_id, metadata: {} };
  const made = await callThread(env, key, (stub) => stub.create(creation));
  return made.ok || made.error.code === "already_exists" ? succeed(null) : made;
}

/** Checked before the thread is made, so that a firing that can't become a run leaves nothing behind. */
async function findMissing(env: Env, { user_id, agent_id }: RunInput, project_id: string): Promise<string | null> {
  const hasOwnAgent = agent_id !== null && agent_id !== DEFAULT_AGENT_ID;
  const [project, agent] = await Promise.all([
    readProject(env.DB, user_id, project_id),
    hasOwnAgent ? readAgent(env.DB, user_id, agent_id) : true,
  ]);
  if (project === null) return `The project ${project_id} does not exist.`;
  return agent === null ? `The agent ${agent_id} does not exist.` : null;
}
