// Checks and objects of a former version, which may live for half an hour after a deploy: such an object can't run them,
// and would drop those of an edit without a word.
import type { Env } from "../../../config.ts";
import { type Failure, type Result, succeed } from "../../../protocol/error.ts";
import type { PlanOperation } from "../../../protocol/plan/edit.ts";
import type { ThreadKey } from "../../../protocol/thread.ts";
import { callThread, lacksMethod } from "../../../thread/stub.ts";

const beingUpdated: Failure = {
  code: "overloaded",
  detail: "The server is being updated, and this thread can't take checks yet. Try again in some minutes.",
  retry_after_s: 60,
};

/** What the object answers, or that it is one of a former version. */
export async function orLater<T>(asked: Promise<Result<T>>): Promise<Result<T>> {
  try {
    return await asked;
  } catch (error) {
    if (!lacksMethod(error)) throw error;
    return { ok: false, error: beingUpdated };
  }
}

/** Asks the object only if the edit has something that a former one does not know. */
export async function knowsChecks(env: Env, key: ThreadKey, operations: PlanOperation[]): Promise<Result<null>> {
  if (!operations.some(isAboutChecks)) return succeed(null);
  // Nothing runs under this name, so it changes nothing, and the answer comes at once.
  const call = { kind: "wait" as const, check_run_id: "", timeout_ms: 0 };
  const asked = await orLater(callThread(env, key, (stub) => stub.callChecks(key, call)));
  return asked.ok || asked.error !== beingUpdated ? succeed(null) : asked;
}

function isAboutChecks(operation: PlanOperation): boolean {
  if (operation.op === "accept_project_checks") return true;
  if (operation.op === "update")
    return [operation.checks, operation.remove_checks, operation.accept].some((given) => given !== undefined);
  if (operation.op !== "create") return false;
  const tasks = [...(operation.task_contents ?? []), ...(operation.sections ?? []).flatMap((section) => section.tasks)];
  return tasks.some((task) => typeof task !== "string");
}
