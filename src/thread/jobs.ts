// Sends many jobs in as few requests as possible.
import type { Job } from "../protocol/job.ts";

/** The queue's limit of one request. The ids of so many jobs are far below its 256 KB. */
const JOBS_PER_REQUEST = 100;

export async function sendJobs(queue: Queue<unknown>, jobs: Job[]): Promise<void> {
  for (let place = 0; place < jobs.length; place += JOBS_PER_REQUEST) {
    await queue.sendBatch(jobs.slice(place, place + JOBS_PER_REQUEST).map((body) => ({ body })));
  }
}
