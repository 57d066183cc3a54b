// Once an hour: what the provider's vault may still have of secrets that were deleted, or of projects that are gone.
import { configOf, type Env } from "../../config.ts";
import { describeError, logError, logWarning } from "../../lib/log.ts";
import { listLeftSecrets, listLostProjects } from "../../store/projects/sandbox-secrets.ts";
import { clearKept, dropProjectSecrets } from "../sandbox-secrets.ts";

/** A minute of the hour in which no other sweep of its kind runs. */
const SWEPT_AT = 47;
/** A request that was about to put one into the vault has ended long ago. */
const LEFT_MS = 10 * 60_000;
/** A project that a thread made comes to D1 seconds after it, unless D1 is away. */
const LOST_MS = 24 * 3_600_000;

/** Requests to the provider, two for each, one after another. */
const ROWS_AT_ONCE = 20;
const PROJECTS_AT_ONCE = 5;
const LIMIT_MS = 10_000;

export async function sweepSandboxSecrets(env: Env, now: number): Promise<void> {
  if (new Date(now).getUTCMinutes() !== SWEPT_AT) return;
  const world = { config: configOf(env), database: env.DB };
  try {
    for (const project of await listLostProjects(env.DB, now - LOST_MS, PROJECTS_AT_ONCE)) {
      const { user_id, project_id } = project;
      await dropProjectSecrets({ ...world, ...project }, AbortSignal.timeout(LIMIT_MS)).catch((error: unknown) =>
        logWarning("sandbox_secrets_left", { user_id, project_id, error: describeError(error) }),
      );
    }
    for (const row of await listLeftSecrets(env.DB, now - LEFT_MS, ROWS_AT_ONCE)) {
      const { user_id, project_id, name } = row;
      await clearKept(world, row).catch((error: unknown) =>
        logWarning("sandbox_secret_left", { user_id, project_id, name, error: describeError(error) }),
      );
    }
  } catch (error) {
    logError("secret_sweep_failed", error, {});
  }
}
