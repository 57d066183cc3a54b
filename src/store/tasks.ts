// The plan of a thread: its one `task_list` row.
import type { Plan, PlanContent } from "../protocol/plan/task.ts";
import type { ThreadKey } from "../protocol/thread.ts";
import { readNewestOfType } from "./messages.ts";

/** The stored plan; version 0 and empty if the thread has none. */
export async function readPlan(db: D1Database, key: ThreadKey): Promise<Plan> {
  const row = await readNewestOfType(db, key, "task_list");
  if (!row) return { version: 0, sections: [], tasks: [] };
  const { sections, tasks } = row.content as PlanContent;
  return { version: row.version, sections, tasks };
}
