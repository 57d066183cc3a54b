// Deletes the sandbox of a deleted project, and retries until it succeeds. A failed attempt sends the job again: the
// queue's own retries end within minutes, and a provider may be unavailable for a day.
import { type Env, readConfig } from "../../config.ts";
import { describeError, logError, logWarning } from "../../lib/log.ts";
import type { Job } from "../../protocol/job.ts";
import { readProject } from "../../store/projects/projects.ts";
import { removeProjectSandbox } from "../sandbox.ts";

type DeleteSandbox = Extract<Job, { type: "delete_sandbox" }>;

/** With the delays below about a week. After that an operator has to act. */
const MAX_ATTEMPTS = 40;
const FIRST_DELAY_SECONDS = 5;
const MAX_DELAY_SECONDS = 6 * 60 * 60;

/** A queue consumer has 15 minutes for a batch. */
const LIMIT_MS = 60_000;

/** Rejects only if the queue refuses the next attempt: the queue then redelivers this message. */
export async function deleteSandbox(job: DeleteSandbox, env: Env): Promise<void> {
  const { user_id, project_id, attempt } = job;
  try {
    const successor = await readProject(env.DB, user_id, project_id);
    // D1 was restored, which brought the project back. It may be deleted again while this job is tried.
    if (successor?.created_at === job.project_created_at) throw new Error("The project is there again");
    await removeProjectSandbox(
      { config: readConfig(env), database: env.DB },
      job,
      successor !== null,
      AbortSignal.timeout(LIMIT_MS),
    );
  } catch (error) {
    if (attempt >= MAX_ATTEMPTS) {
      logError("sandbox_left_for_good", error, { user_id, project_id, attempt });
      return;
    }
    logWarning("sandbox_left", { user_id, project_id, attempt, error: describeError(error) });
    const delaySeconds = Math.min(FIRST_DELAY_SECONDS * 2 ** attempt, MAX_DELAY_SECONDS);
    await env.JOBS.send({ ...job, attempt: attempt + 1 } satisfies Job, { delaySeconds });
  }
}
