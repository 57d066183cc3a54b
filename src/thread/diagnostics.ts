// What an operator looks at first: where a thread stands, without a word of what is said in it.
import type { Life } from "./life.ts";

export function describeLife(life: Life): Record<string, unknown> {
  const { journal, readers, outbox } = life;
  return {
    instance_id: life.instance_id,
    born_at: new Date(life.bornAt).toISOString(),
    alarm_at: life.alarmAt === null ? null : new Date(life.alarmAt).toISOString(),
    inbox: [...life.live.values()].map(({ run, startable, verdict, lives, started_calls }) => ({
      invocation_id: run.invocation_id,
      status: run.status,
      attempt: run.attempt,
      steps: run.steps,
      background: run.background,
      startable,
      verdict: verdict?.status ?? null,
      jobs_sent: life.jobs.get(run.invocation_id)?.times ?? 0,
      lives_without_progress: lives.length,
      calls_begun: started_calls.length,
      created_at: run.created_at,
      started_at: run.started_at,
    })),
    journal: {
      newest: journal.newest,
      released: journal.released,
      memory_floor: journal.log.floor,
      memory_chars: journal.log.memory,
      open_parts: journal.liveParts().filter(({ open }) => open).length,
    },
    readers: readers.count,
    d1: outbox.backlog,
    last_errors: life.errors,
  };
}
