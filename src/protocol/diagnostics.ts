// What an operator looks at first: the state of a thread, without any of its content. Times are ISO 8601 UTC.
import { z } from "zod";
import { runStatuses } from "./run.ts";
import { late } from "./schemas/late.ts";

const time = z.string();

const inboxEntry = late(() =>
  z.object({
    invocation_id: z.string(),
    status: z.enum(runStatuses),
    attempt: z.int().describe("Number of lives that have worked on it."),
    lives_without_progress: z.int().describe("The sixth within ten minutes, or the 21st, ends the run as crash_loop."),
    steps: z.int(),
    background: z.boolean(),
    startable: z.boolean().describe("False for a background run whose queue job has not arrived."),
    jobs_sent: z.int().describe("How often this life sent the run's job to the queue."),
    verdict: z.enum(["cancelled", "failed"]).nullable().describe("The requested end; null where none was requested."),
    calls_begun: z.int().describe("Tool calls that started and have no result."),
    created_at: time,
    started_at: time.nullable(),
  }),
);

export const diagnostics = late(() =>
  z.object({
    instance_id: z.string().describe("The life that answers this request."),
    born_at: time,
    alarm_at: time.nullable().describe("When its alarm wakes the object next; null where this life has set none."),
    inbox: z.array(inboxEntry()).describe("Runs that have not ended, in order."),
    steered: z.int().describe("Messages added to the active run that it has not read yet."),
    journal: z.object({
      newest: z.int().describe("The highest event number given."),
      released: z.int().describe("The highest event number that readers may see; lower while an end waits for D1."),
      memory_floor: z.int().describe("Events after this number are in memory."),
      memory_chars: z.int(),
      open_parts: z.int(),
    }),
    readers: z.int(),
    waiters: z.int().describe("Requests that wait for the end of a run."),
    d1: z.object({
      pending: z.boolean().describe("Whether D1 is behind."),
      synced_through: z.int().describe("D1 has all messages up to this `seq`."),
      messages: z.int().describe("Messages that D1 does not have yet."),
      runs: z.int().describe("Runs whose last change D1 does not have yet."),
      receipts: z.int().describe("Receipts of checks that D1 does not have yet."),
      failures: z.int().describe("Consecutive failures of D1."),
      failing_since: time.nullable(),
      retry_at: time.nullable(),
      last_error: z.string().nullable(),
    }),
    isolate: z
      .object({
        kept: z.record(z.string(), z.int()).describe("Bytes by what they are kept for."),
        work: z.int().describe("Bytes of long requests and answers that are under way."),
        waiting: z.int().describe("Bytes of those that wait until there is room."),
      })
      .describe("What all objects hold together that share memory with this one."),
    last_errors: z
      .array(z.object({ at: time, message: z.string() }))
      .describe("The last errors of this life, newest last."),
  }),
);
export type Diagnostics = z.infer<ReturnType<typeof diagnostics>>;
