// The clock's look at sandboxes that run: counts their hours, and stops those of users who have used theirs up. Files
// stay. Nothing reports to the server that a sandbox has stopped by itself, so each is asked for every ten minutes;
// what it did within these is counted as running. One that is not stopped now is looked at again.
import { configOf, type Env } from "../../config.ts";
import { describeError, logError, logWarning } from "../../lib/log.ts";
import { findProvider, type SandboxProvider } from "../../sandboxes/index.ts";
import { usualOf } from "../../store/quotas/held.ts";
import { countRunning, listRunning, type RunningSandbox } from "../../store/quotas/hours.ts";
import { describeExisting } from "../sandbox.ts";

/** The error of a start and of a stop. A request to the provider for each sandbox that runs in this time. */
const LOOKED_AT_MS = 10 * 60_000;

/**
 * Two thousand that run are looked at in time; with more of them it takes longer, and what they run is counted the
 * same.
 */
const SANDBOXES_PER_SWEEP = 200;
/** A Worker has six connections at once, also for the other work of the clock. */
const SANDBOXES_AT_ONCE = 5;
const READ_MS = 5_000;
const STOP_MS = 30_000;

/** States in which nothing runs, or will without an order. Words that no list has count as running. */
const idle = new Set(["none", "stopped", "archived", "archiving", "error", "build_failed", "destroyed", "destroying"]);

export async function sweepSandboxHours(env: Env, now: number): Promise<void> {
  const provider = findProvider(configOf(env));
  if (provider === null) return;
  try {
    const running = await listRunning(env.DB, now, LOOKED_AT_MS, SANDBOXES_PER_SWEEP);
    const failed: { user_id: string; project_id: string; error: string }[] = [];
    for (let index = 0; index < running.length; index += SANDBOXES_AT_ONCE) {
      const looks = running.slice(index, index + SANDBOXES_AT_ONCE).map(async (sandbox) => {
        const { user_id, project_id } = sandbox;
        await lookAt(env, provider, sandbox, now).catch((error: unknown) => {
          failed.push({ user_id, project_id, error: describeError(error) });
        });
      });
      await Promise.all(looks);
    }
    // With one of them: where the provider is away, each minute would have a line for every sandbox.
    const [first] = failed;
    if (first !== undefined) logWarning("sandboxes_not_looked_at", { sandboxes: failed.length, ...first });
  } catch (error) {
    logError("sandbox_hours_failed", error, {});
  }
}

async function lookAt(env: Env, provider: SandboxProvider, sandbox: RunningSandbox, now: number): Promise<void> {
  const { user_id, project_id } = sandbox;
  const usual = usualOf(configOf(env));
  const workspace = provider.openWorkspace(await describeExisting({ database: env.DB, user_id, project_id }));
  const { state } = await workspace.readState(AbortSignal.timeout(READ_MS));
  const isRunning = !idle.has(state);
  const { used, limit } = await countRunning(env.DB, sandbox, isRunning, now, usual);
  if (!isRunning || used < limit) return;
  await workspace.stop(AbortSignal.timeout(STOP_MS));
  logWarning("quota_exceeded", { user_id, project_id, quota: "sandbox_hours_per_day" });
  const counted = { ...sandbox, running_at: new Date(now).toISOString() };
  await countRunning(env.DB, counted, false, now, usual);
}
