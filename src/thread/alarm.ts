// What the alarm does: it takes up what stands still. The handler returns at once, since one that runs for long is killed
// with its object.
import { type Life, storeRun, transact } from "./life.ts";
import { ensureRunning } from "./run.ts";
import { resendJobs, schedule } from "./scheduler.ts";

/** The alarm: arms the next one first, since it may be the last thing this life does. */
export async function onAlarm(life: Life): Promise<void> {
  life.alarmAt = null;
  await schedule(life);
  ensureRunning(life);
  life.platform.waitUntil(tend(life));
}

async function tend(life: Life): Promise<void> {
  const active = life.active?.record;
  // A run at work shows in D1 that it is: the sweeper goes by when its row was last written.
  if (active !== undefined) transact(life, () => storeRun(life, active));
  await life.outbox.sync();
  await resendJobs(life);
  await schedule(life);
}
