// The plan of a thread: its one `task_list` row.
import type { Plan } from "../protocol/plan/task.ts";
import type { ThreadKey } from "../protocol/thread.ts";
import { readNewestOfType } from "./messages.ts";

/** The stored plan, version 0 and empty if the thread has none; null if there is no such thread. */
export async function readPlan(db: D1Database, key: ThreadKey): Promise<Plan | null> {
  const { row, hasThread } = await readNewestOfType(db, key, "task_list");
  if (row === null && !hasThread) return null;
  if (row?.type !== "task_list") return { version: 0, sections: [], tasks: [] };
  const { sections, tasks } = row.content;
  return { version: row.version, sections, tasks };
}
