// Deletes the sandbox of a project that is being deleted. If the provider fails, a queue job retries.
import type { Config } from "../../config.ts";
import { describeError, logWarning } from "../../lib/log.ts";
import type { Project } from "../../protocol/project.ts";
import { removeProjectSandbox } from "../sandbox.ts";

/** The caller waits this long for the provider. */
const REMOVE_LIMIT_MS = 10_000;
const FIRST_DELAY_SECONDS = 5;

/** Rejects if both the provider and the queue fail: the project then still exists, and can be deleted again. */
export async function removeSandbox(
  { config, database, jobs }: { config: Config; database: D1Database; jobs: Queue<unknown> },
  project: Project,
): Promise<void> {
  const { user_id, project_id, created_at: project_created_at } = project;
  const end = new AbortController();
  const timer = setTimeout(() => end.abort(new Error("The sandbox provider gave no answer in time")), REMOVE_LIMIT_MS);
  try {
    await removeProjectSandbox({ config, database }, { user_id, project_id, project_created_at }, false, end.signal);
  } catch (error) {
    logWarning("sandbox_left", { user_id, project_id, error: describeError(error) });
    const job = { type: "delete_sandbox", user_id, project_id, project_created_at, attempt: 1 };
    await jobs.send(job, { delaySeconds: FIRST_DELAY_SECONDS });
  } finally {
    clearTimeout(timer);
  }
}
