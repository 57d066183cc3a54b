// The Worker. Requests go to a preview's host, the web page's files or the HTTP app, in this order; jobs go to the
// queue's consumer and the cron to the sweeps. Also exports the class of its Durable Objects.
import { sweepAccounts } from "./accounts/routes/sweep.ts";
import { createApp } from "./app.ts";
import { sweepBudgets, sweepLeases } from "./budgets/routes/sweep.ts";
import type { Env } from "./config.ts";
import { servePage } from "./http/paths/page.ts";
import { consumeJobs } from "./jobs.ts";
import { logWarning } from "./lib/log.ts";
import { reportState } from "./monitor/routes/report.ts";
import { servePreview } from "./projects/previews/routes/host.ts";
import { sweepRevoked } from "./projects/routes/revoke-made.ts";
import { sweepSandboxHours } from "./projects/routes/sweep-hours.ts";
import { sweepSandboxes } from "./projects/routes/sweep-sandboxes.ts";
import { sweepSandboxSecrets } from "./projects/routes/sweep-secrets.ts";
import { sweepOldThreads } from "./retention/routes/sweep.ts";
import { FORMER_DATABASE, isFormerDatabase } from "./store/monitor/schema-version.ts";
import { createKeySweep, sweepAudit, sweepRuns, sweepSessions, warnOfSize } from "./sweeps.ts";
import { clock } from "./thread/ports.ts";
import { sweepSchedules } from "./triggers/routes/due-schedules.ts";
import { sweepDeliveries } from "./webhooks/routes/sweep-deliveries.ts";

export { ThreadObject } from "./thread/object.ts";

const app = createApp();
const sweepKeys = createKeySweep();

/** A job waits for the version that made its database. */
const RETRY_SECONDS = 600;

export default {
  fetch: (request, env, context) => {
    const answer = () => app.fetch(request, env, context);
    return servePreview(request, env) ?? servePage(request, env, answer) ?? answer();
  },
  queue: async (batch, env, context) => {
    if (await isFormerDatabase(env.DB, clock)) batch.retryAll({ delaySeconds: RETRY_SECONDS });
    else await consumeJobs(batch, env, (promise) => context.waitUntil(promise));
  },
  scheduled: async (controller, env) => {
    if (await isFormerDatabase(env.DB, clock)) return logWarning("former_database", { detail: FORMER_DATABASE });
    const now = controller.scheduledTime;
    await Promise.all([
      sweepRuns(env, now),
      sweepLeases(env, now),
      sweepBudgets(env, now),
      sweepSchedules(env, now),
      sweepDeliveries(env, now),
      sweepRevoked(env, now),
      sweepAccounts(env, now),
      sweepKeys(env, now),
      sweepSessions(env, now),
      sweepAudit(env, now),
      sweepOldThreads(env, now),
      sweepSandboxes(env, now),
      sweepSandboxSecrets(env, now),
      sweepSandboxHours(env, now),
      reportState(env),
    ]);
    warnOfSize(env, now);
  },
} satisfies ExportedHandler<Env>;
