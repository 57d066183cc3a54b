// The plan: sections with tasks, as it is stored (flat), as tools and `GET …/tasks` answer it (nested), and as the
// stream's state has it.
import { z } from "zod";

export const taskStatuses = ["pending", "in_progress", "completed", "cancelled"] as const;
export type TaskStatus = (typeof taskStatuses)[number];

export interface Section {
  id: string;
  title: string;
}
export interface Task {
  id: string;
  content: string;
  status: TaskStatus;
  section_id: string;
}

/** `content` of the thread's `task_list` row. Tasks stand in the order in which they are due within their section. */
export interface PlanContent {
  sections: Section[];
  tasks: Task[];
}

/** A plan with the version of its row; version 0 is a thread without a plan. */
export interface Plan extends PlanContent {
  version: number;
}

/** `GET …/tasks`, and every plan tool's result. */
export const planView = z.object({
  version: z.int(),
  sections: z.array(
    z.object({
      id: z.string(),
      title: z.string(),
      tasks: z.array(
        z.object({ id: z.string(), content: z.string(), status: z.enum(taskStatuses), section_id: z.string() }),
      ),
    }),
  ),
  total_sections: z.int(),
  total_tasks: z.int(),
  completed_tasks: z.int(),
  next_task: z.object({ id: z.string(), content: z.string() }).nullable(),
});
export type PlanView = z.infer<typeof planView>;

/** The plan inside `STATE_SNAPSHOT` and `STATE_DELTA`. */
export interface PlanState {
  version: number;
  sections: { id: string; title: string; tasks: { id: string; content: string; status: TaskStatus }[] }[];
}
