// One line in the log each minute with the essentials, for deployments that nobody scrapes. It costs what a scrape does.
import type { Env } from "../../config.ts";
import { logError, logInfo } from "../../lib/log.ts";
import type { Timers } from "../../lib/time-limit.ts";
import { clock } from "../../thread/ports.ts";
import { readState, type StatePorts } from "../state.ts";

/** The dead letters' queue has a binding in newer configurations only. */
export function stateFrom(env: Env, timers: Timers): StatePorts {
  return { database: env.DB, queues: { jobs: env.JOBS, dead: env.DEAD_JOBS }, timers, now: () => Date.now() };
}

export async function reportState(env: Env): Promise<void> {
  try {
    const { overview, backlogs, ms } = await readState(stateFrom(env, clock));
    const queued = Object.fromEntries(backlogs.map(({ queue, messages }) => [`queue_${queue}`, messages]));
    if (overview === null) return logInfo("minute", { database: "failing", ms, ...queued });
    const { live, failed, recent, deliveries, schedules, sandboxes, database_bytes, rows_read } = overview;
    logInfo("minute", {
      ...{ runs_running: live.running?.count ?? 0, runs_queued: live.queued?.count ?? 0 },
      runs_silent: (live.running?.silent ?? 0) + (live.queued?.silent ?? 0),
      failed_hour: failed.reduce((sum, { count }) => sum + count, 0),
      recent_runs: recent.reduce((sum, { count }) => sum + count, 0),
      tasks_failed: recent.reduce((sum, { failed: tasks = 0 }) => sum + tasks, 0),
      tasks_not_run: recent.reduce((sum, { not_run: tasks = 0 }) => sum + tasks, 0),
      ...{ deliveries_due: deliveries.count, schedules_due: schedules.count, sandboxes: sandboxes.count },
      ...queued,
      ...{ database_bytes, rows_read, ms },
    });
  } catch (error) {
    logError("minute_failed", error, {});
  }
}
