// The plan: sections with tasks, in its stored form (flat), in the form of `GET …/tasks` (nested), and in the form of
// the stream's state.
import { z } from "zod";
import { late } from "../schemas/late.ts";
import { type Check, check, type Verification, verifications } from "./check.ts";

export const taskStatuses = ["pending", "in_progress", "completed", "cancelled"] as const;
export type TaskStatus = (typeof taskStatuses)[number];

export interface Section {
  id: string;
  title: string;
  number?: number;
}
/** What a task has beside its text. All of it is absent where a task never had a check. */
export interface TaskChecks {
  checks?: Check[];
  verification?: Verification;
  /** The model has removed a check that the task had. Then a pass counts as self-checked at most. */
  weakened?: boolean;
  /** Ids of the project's checks that a person has taken from this task: they don't come again. */
  waived?: string[];
}
/** `number`: the model knows it as `task_<number>`. Only the thread's object has numbers; clients have the id. */
export interface Task extends TaskChecks {
  id: string;
  content: string;
  status: TaskStatus;
  section_id: string;
  number?: number;
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
          z.object({
            id: z.string(),
            content: z.string(),
            status: z.enum(taskStatuses),
            section_id: z.string(),
            checks: z
              .array(check())
              .optional()
              .describe("What the server checks. Absent where the task has no checks."),
            verification: z.enum(verifications).optional().describe("What the checks say. Absent is `none`."),
            waived: z
              .array(z.string())
              .optional()
              .describe("Ids of the project's checks that a person has removed from this task. Absent if none."),
            weakened: z.boolean().optional().describe("The model has removed a check of this task. Absent if not."),
          }),
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

/** A task inside the stream's state. */
export interface TaskState extends TaskChecks {
  id: string;
  content: string;
  status: TaskStatus;
}

/** The plan inside `STATE_SNAPSHOT` and `STATE_DELTA`. */
export interface PlanState {
  version: number;
  sections: { id: string; title: string; tasks: TaskState[] }[];
}
