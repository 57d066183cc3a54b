// The plan: sections with tasks, in its stored form (flat), in the form of `GET …/tasks` (nested), and in the form of
// the stream's state.
import { z } from "zod";
import { late } from "../schemas/late.ts";
import type { Check, Verification } from "./check.ts";

export const taskStatuses = ["pending", "in_progress", "completed", "cancelled"] as const;
export type TaskStatus = (typeof taskStatuses)[number];

export interface Section {
  id: string;
  title: string;
  number?: number;
}
/** `number`: the model knows it as `task_<number>`. Only the thread's object has numbers; clients have the id. */
export interface Task {
  id: string;
  content: string;
  status: TaskStatus;
  section_id: string;
  number?: number;
  /** Absent where it has none. */
  checks?: Check[];
  /** Absent where it has no checks. */
  verification?: Verification;
}

/** `content` of the thread's `task_list` row. Within a section, tasks are in the order in which they are due. */
export interface PlanContent {
  sections: Section[];
  tasks: Task[];
}

/** The highest numbers that tasks and sections of a plan have had. */
export interface LastNumbers {
  task: number;
  sec: number;
}

/** A plan with the version of its row. Version 0 means that the thread has no plan. */
export interface Plan extends PlanContent {
  version: number;
  last_numbers?: LastNumbers;
}

/** Returned by `GET …/tasks`. */
export const planView = late(() =>
  z.object({
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
  }),
);
export type PlanView = z.infer<ReturnType<typeof planView>>;

/** The plan inside `STATE_SNAPSHOT` and `STATE_DELTA`. */
export interface PlanState {
  version: number;
  sections: { id: string; title: string; tasks: { id: string; content: string; status: TaskStatus }[] }[];
}
