// What an operator looks at first: where a thread stands, without a word of what is said in it. Times are ISO 8601 UTC.
import { z } from "zod";
import { runStatuses } from "./run.ts";

const time = z.string();

const inboxEntry = z.object({
  invocation_id: z.string(),
  status: z.enum(runStatuses),
  attempt: z.int().describe("Lives that have worked on it."),
  lives_without_progress: z.int().describe("The sixth within ten minutes, or the 21st, ends the run as crash_loop."),
  steps: z.int(),
  background: z.boolean(),
  startable: z.boolean().describe("False for a background run whose job has not come."),
  jobs_sent: z.int().describe("How often this life sent its job to the queue."),
  verdict: z.enum(["cancelled", "failed"]).nullable().describe("How it is to end, where that was decided."),
  calls_begun: z.int().describe("Tool calls that have begun and have no result."),
  created_at: time,
  started_at: time.nullable(),
});

export const diagnostics = z.object({
  instance_id: z.string().describe("The life that answers."),
  born_at: time,
  alarm_at: time.nullable().describe("When it wakes next by itself; null where this life has set no alarm."),
  inbox: z.array(inboxEntry).describe("Runs that are not over, in their order."),
  steered: z.int().describe("Messages added to the active run that it has not taken yet."),
  journal: z.object({
    newest: z.int().describe("The highest number given to an event."),
    released: z.int().describe("The highest that readers may see; lower while an end waits for D1."),
    memory_floor: z.int().describe("Events after this number are in memory."),
    memory_chars: z.int(),
    open_parts: z.int(),
  }),
  readers: z.int(),
  waiters: z.int().describe("Requests that wait for the end of a run."),
  d1: z.object({
    pending: z.boolean().describe("Whether D1 lacks anything."),
    synced_through: z.int().describe("D1 has messages up to this place of the thread."),
    messages: z.int().describe("Messages that D1 lacks."),
    runs: z.int().describe("Runs whose last change D1 lacks."),
    failures: z.int().describe("Times in a row that D1 failed."),
    failing_since: time.nullable(),
    retry_at: time.nullable(),
    last_error: z.string().nullable(),
  }),
  last_errors: z.array(z.object({ at: time, message: z.string() })).describe("Of this life, the newest last."),
});
export type Diagnostics = z.infer<typeof diagnostics>;
