// Does work of several jobs at the same time.
import type { Job } from "./jobs.ts";

const SIDE_BY_SIDE = 4;

/** All have ended when this settles, also if one has failed. */
export async function sideBySide(jobs: Job[], work: (job: Job) => Promise<void>): Promise<void> {
  const queue = [...jobs];
  const takeOne = async (): Promise<void> => {
    for (let job = queue.shift(); job !== undefined; job = queue.shift()) await work(job);
  };
  const ends = await Promise.allSettled(Array.from({ length: Math.min(SIDE_BY_SIDE, jobs.length) }, takeOne));
  for (const end of ends) if (end.status === "rejected") throw end.reason;
}
