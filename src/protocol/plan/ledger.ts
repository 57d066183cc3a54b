// The ledger: what was done for a task, as `GET …/tasks?include=ledger` answers it. It is read off the thread's rows and
// stored nowhere.
import { z } from "zod";
import { usage } from "../run.ts";

export const fileActions = ["created", "edited", "moved", "deleted"] as const;

const time = z.string();

export const taskLedger = z.object({
  started_at: time.nullable(),
  finished_at: time.nullable(),
  /** Between the two (or until now), as far as a run was at work: what a person takes to answer is not in it. */
  seconds: z.number().nullable(),
  /** Model calls while it was in progress or due. */
  steps: z.int(),
  usage,
  /** Calls that were made for it, and those of them that failed: an error, or an exit code other than 0. */
  calls: z.int(),
  failed_calls: z.int(),
  /** Whether one of them succeeded. A command that runs in the background counts. */
  proven: z.boolean(),
  /** Whether its completion was sent back for want of evidence. */
  challenged: z.boolean(),
  command_count: z.int(),
  /** The newest, oldest first. An exit code is null while the command runs, or where nobody looked since. */
  commands: z.array(
    z.object({ tool_call_id: z.string(), command: z.string(), exit_code: z.int().nullable(), at: time }),
  ),
  file_count: z.int(),
  files: z.array(z.object({ path: z.string(), action: z.enum(fileActions), at: time })),
  link_count: z.int(),
  links: z.array(z.object({ port: z.int(), url: z.string() })),
});
export type TaskLedger = z.infer<typeof taskLedger>;

/** By task id; a task for which nothing was done yet has none. */
export type Ledger = Record<string, TaskLedger>;
