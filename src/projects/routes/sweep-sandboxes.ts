// Once an hour: rows of sandboxes whose projects are gone, because the server died between a deletion and its row.
import { configOf, type Env } from "../../config.ts";
import { describeError, logError, logWarning } from "../../lib/log.ts";
import { giveBackSandbox, listLeftSandboxes, type SandboxRow } from "../../store/quotas/sandboxes.ts";
import { destroySandbox } from "../sandbox.ts";

/** A minute of the hour in which no other sweep of its kind runs. */
const SWEPT_AT = 41;

/**
 * A project that a thread made comes to D1 seconds after its sandbox, unless D1 is away. The job that deletes the sandbox
 * of a deleted project has tried for most of a day by then.
 */
const LEFT_MS = 24 * 3_600_000;

/** Requests to the provider, one after another. */
const ROWS_AT_ONCE = 20;
const LIMIT_MS = 5_000;

export async function sweepSandboxes(env: Env, now: number): Promise<void> {
  if (new Date(now).getUTCMinutes() !== SWEPT_AT) return;
  try {
    for (const row of await listLeftSandboxes(env.DB, now - LEFT_MS, ROWS_AT_ONCE)) await removeLeft(env, row);
  } catch (error) {
    logError("sandbox_sweep_failed", error, {});
  }
}

/** Deletes a sandbox that is still there. That of a later project with the same id has a later time of creation. */
async function removeLeft(env: Env, { user_id, project_id, created_at }: SandboxRow): Promise<void> {
  try {
    const isTarget = ({ project_created_at = "" }: Record<string, string>) => project_created_at <= created_at;
    const scope = { database: env.DB, user_id, project_id };
    await destroySandbox(configOf(env), scope, AbortSignal.timeout(LIMIT_MS), isTarget);
    await giveBackSandbox(env.DB, user_id, project_id, "");
  } catch (error) {
    logWarning("sandbox_left", { user_id, project_id, error: describeError(error) });
  }
}
