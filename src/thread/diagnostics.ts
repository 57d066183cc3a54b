// The current state of a thread's life, for operators.
import { describeMemory } from "../lib/memory/room.ts";
import type { Diagnostics } from "../protocol/diagnostics.ts";
import { readWaiting } from "./inbox/steering.ts";
import type { Life } from "./life.ts";

export function describeLife(life: Life): Diagnostics {
  const { journal, readers, outbox } = life;
  return {
    instance_id: life.instance_id,
    born_at: new Date(life.bornAt).toISOString(),
    alarm_at: life.alarmAt === null ? null : new Date(life.alarmAt).toISOString(),
    inbox: [...life.live.values()].map(({ run, startable, requested_end, lives, started_calls }) => ({
      invocation_id: run.invocation_id,
      status: run.status,
      attempt: run.attempt,
      lives_without_progress: lives.length,
      steps: run.steps,
      background: run.background,
      startable,
      jobs_sent: life.jobs.get(run.invocation_id)?.times ?? 0,
      verdict: requested_end?.status ?? null,
      calls_begun: started_calls.length,
      created_at: run.created_at,
      started_at: run.started_at,
    })),
    steered: readWaiting(life).length,
    journal: {
      newest: journal.newest,
      released: journal.released,
      memory_floor: journal.log.floor,
      memory_chars: journal.log.memory,
      open_parts: journal.unstoredAfter(0).filter(({ end }) => end === null).length,
    },
    readers: readers.count,
    waiters: [...life.waiters.values()].reduce((count, waiting) => count + waiting.size, 0),
    d1: outbox.backlog,
    isolate: describeMemory(),
    last_errors: life.errors,
  };
}
