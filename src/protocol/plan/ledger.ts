// The ledger: what was done for a task, as `GET …/tasks?include=ledger` returns it. It is computed from the thread's
// rows and not stored.
import { z } from "zod";
import { usage } from "../run.ts";
import { late } from "../schemas/late.ts";

export const fileActions = ["created", "edited", "moved", "deleted"] as const;

const time = z.string();

export const taskLedger = late(() =>
  z.object({
    started_at: time.nullable(),
    finished_at: time.nullable(),
    /**
     * Time between the two, or until now, during which a run worked. The time a person takes to answer does not count.
     */
    seconds: z.number().nullable(),
    /** Model calls while the task was in progress or due. */
    steps: z.int(),
    usage: usage(),
    /** Calls made for the task, and how many of them failed: an error, or an exit code other than 0. */
    calls: z.int(),
    failed_calls: z.int(),
    /** Whether one of the calls succeeded. A command that runs in the background counts. */
    proven: z.boolean(),
    /** Whether the model was asked for evidence when it completed the task. */
    challenged: z.boolean(),
    command_count: z.int(),
    /** The newest commands, oldest first. The exit code is null while a command runs, or if it was not checked since. */
    commands: z.array(
      z.object({ tool_call_id: z.string(), command: z.string(), exit_code: z.int().nullable(), at: time }),
    ),
    file_count: z.int(),
    files: z.array(z.object({ path: z.string(), action: z.enum(fileActions), at: time })),
    link_count: z.int(),
    links: z.array(z.object({ port: z.int(), url: z.string() })),
  }),
);
export type TaskLedger = z.infer<ReturnType<typeof taskLedger>>;

/** By task id. A task without any work has no entry. */
export type Ledger = Record<string, TaskLedger>;
