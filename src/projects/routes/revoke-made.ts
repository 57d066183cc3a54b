// Revokes what a key made, and retries until the sandbox provider has ended it too. The job is sent before anything is
// revoked and makes the same decision, so whatever dies on the way, it is carried out. A sweep finds what a lost job
// left.
import { type Env, readConfig } from "../../config.ts";
import { describeError, logError, logWarning } from "../../lib/log.ts";
import { ADMIN_KEY_ID } from "../../protocol/ids.ts";
import type { Job } from "../../protocol/job.ts";
import { findProvider } from "../../sandboxes/index.ts";
import { findPendingUsers } from "../../store/keys/pending.ts";
import { revokeMade } from "../../store/keys/revocation.ts";
import { forgetLinks } from "../previews/previews.ts";
import { endRevokedAccess } from "../revocation.ts";

type RevokeMade = Extract<Job, { type: "revoke_made" }>;

/** With the delays below about 33 hours. Before that everything has expired at the provider. */
const MAX_ATTEMPTS = 42;
const FIRST_DELAY_SECONDS = 5;
const MAX_DELAY_SECONDS = 60 * 60;

/** A queue consumer has 15 minutes for a batch. */
const LIMIT_MS = 60_000;

/** Rejects only if D1 or the queue fails: the queue then redelivers this message. */
export async function finishRevocation(job: RevokeMade, env: Env): Promise<void> {
  const { user_id, key_id, attempt } = job;
  const config = readConfig(env);
  const scope = { config, provider: findProvider(config), database: env.DB, user_id };
  // The admin key may have made new things since. Whoever asked for this and got no answer asks again.
  if (key_id !== ADMIN_KEY_ID) forgetLinks((await revokeMade(env.DB, user_id, key_id, Date.now())).tokens);
  try {
    await endRevokedAccess(scope, AbortSignal.timeout(LIMIT_MS));
  } catch (error) {
    if (attempt >= MAX_ATTEMPTS) {
      logError("access_left_for_good", error, { user_id, attempt });
      return;
    }
    logWarning("access_left", { user_id, attempt, error: describeError(error) });
    const delaySeconds = Math.min(FIRST_DELAY_SECONDS * 2 ** attempt, MAX_DELAY_SECONDS);
    await env.JOBS.send({ ...job, attempt: attempt + 1 } satisfies Job, { delaySeconds });
  }
}

/** A queue on a developer's machine forgets its jobs when it ends, and links of hours remain. */
const SWEEP_MINUTES = 15;
const USERS_PER_SWEEP = 20;

/** Runs every minute, and looks only now and then: the tables have no index for it. */
export async function sweepRevoked(env: Env, now: number): Promise<void> {
  if (Math.floor(now / 60_000) % SWEEP_MINUTES !== 0) return;
  try {
    const config = readConfig(env);
    const world = { config, provider: findProvider(config), database: env.DB };
    const signal = AbortSignal.timeout(LIMIT_MS);
    for (const user_id of await findPendingUsers(env.DB, USERS_PER_SWEEP)) {
      await endRevokedAccess({ ...world, user_id }, signal).catch((error: unknown) =>
        logWarning("access_left", { user_id, error: describeError(error) }),
      );
    }
  } catch (error) {
    logError("sweep_failed", error, {});
  }
}
