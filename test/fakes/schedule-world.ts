// A server as schedules see it: D1 over SQLite, a queue that is a list, threads that remember their runs. Every step
// that leaves the process is counted, and may be the last of its life.
import type { Env } from "../../src/config.ts";
import { fail, type Result, succeed } from "../../src/protocol/error.ts";
import type { Job } from "../../src/protocol/job.ts";
import type { Run, RunStatus } from "../../src/protocol/run.ts";
import type { AcceptedRun, RunInput, ThreadKey } from "../../src/protocol/thread.ts";
import type { Trigger, TriggerDeliveryStatus } from "../../src/protocol/trigger.ts";
import { createTrigger, readTrigger, updateTrigger } from "../../src/store/triggers/triggers.ts";
import { sweepSchedules } from "../../src/triggers/routes/due-schedules.ts";
import { fireSchedule, retryDeadFiring } from "../../src/triggers/routes/fire-schedule.ts";
import { nextTimes } from "../../src/triggers/schedule-times.ts";
import { openD1 } from "./sqlite-d1.ts";

export type FireSchedule = Extract<Job, { type: "fire_schedule" }>;

export interface OutcomeRow {
  status: TriggerDeliveryStatus;
  reason: string | null;
  source_id: string;
  created_at: string;
  invocation_id: string | null;
}

/** `before`: the step is not made; `after`: it is made, and its result is lost. */
export interface Crash {
  at: number;
  moment: "before" | "after";
}

export class ScheduleWorld {
  readonly d1 = openD1();
  readonly env: Env;
  jobs: FireSchedule[] = [];
  readonly runs: Run[] = [];
  readonly inputs: RunInput[] = [];
  steps = 0;
  crash: Crash | null = null;
  /** The error that threads fail with instead of accepting. */
  refusal: ReturnType<typeof fail> | null = null;
  isThreadDown = false;
  isDatabaseDown = false;
  #isDead = false;

  constructor(settings: Partial<Env> = {}) {
    const JOBS = {
      send: (body: FireSchedule) => this.#step(async () => void this.jobs.push(body)),
      sendBatch: (batch: { body: FireSchedule }[]) =>
        this.#step(async () => {
          if (batch.length > 100) throw new Error("a batch is too large");
          this.jobs.push(...batch.map(({ body }) => body));
        }),
    };
    const THREADS = { idFromName: (name: string) => name, get: (name: string) => this.#thread(name) };
    this.env = { ...settings, DB: this.#database(), JOBS, THREADS } as unknown as Env;
  }

  /** A schedule as the API would store it at `now`. */
  async add(now: string, part: Partial<Trigger> = {}, settings: Partial<Trigger["settings"]> = {}): Promise<Trigger> {
    const all = { verify: null, key: null, cron: "* * * * *", timezone: "UTC", overlap: "skip" as const, ...settings };
    const trigger: Trigger = {
      user_id: "user_ada",
      trigger_id: "trig_1",
      type: "schedule",
      agent_id: null,
      project_id: null,
      prompt: "Look at the news.",
      thread: "new",
      enabled: true,
      settings: all,
      next_at: nextTimes(all.cron ?? "", all.timezone ?? "", Date.parse(now), 1)[0] ?? null,
      last_fired_at: null,
      last_thread_id: null,
      last_invocation_id: null,
      created_at: new Date(now).toISOString(),
      updated_at: new Date(now).toISOString(),
      made_by: null,
      ...part,
    };
    await createTrigger(this.d1.binding, trigger);
    return trigger;
  }

  async change(patch: Parameters<typeof updateTrigger>[2], trigger_id = "trig_1"): Promise<void> {
    const seen = await readTrigger(this.d1.binding, "user_ada", trigger_id);
    if (seen === null || (await updateTrigger(this.d1.binding, seen, patch)) === null) throw new Error("not changed");
  }

  sweep(now: string): Promise<void> {
    return sweepSchedules(this.env, Date.parse(now));
  }

  /** Handles the jobs in the queue; failed jobs are in it again afterwards. */
  async deliver(now: string): Promise<void> {
    const jobs = this.jobs.splice(0);
    for (const job of jobs) {
      const isDone = await this.fire(job, now).then(
        (done) => done.ok,
        () => false,
      );
      if (!isDone) this.jobs.push(job);
    }
  }

  async minute(now: string): Promise<void> {
    await this.sweep(now);
    await this.deliver(now);
  }

  fire(job: FireSchedule, now: string): Promise<Result<null>> {
    return fireSchedule(job, this.env, Date.parse(now));
  }

  deliverDead(job: FireSchedule, now: string): Promise<Result<null>> {
    return retryDeadFiring(job, this.env, Date.parse(now));
  }

  end(status: RunStatus = "completed"): void {
    for (const run of this.runs) if (run.status === "running") run.status = status;
  }

  /** The next life, after a crash. */
  revive(): void {
    this.crash = null;
    this.#isDead = false;
  }

  outcomes(trigger_id = "trig_1"): OutcomeRow[] {
    return this.d1.read(
      "SELECT status, reason, source_id, created_at, invocation_id FROM trigger_deliveries WHERE trigger_id = ? ORDER BY created_at",
      trigger_id,
    );
  }

  trigger(trigger_id = "trig_1"): { next_at: string | null; enabled: number; last_invocation_id: string | null } {
    const [row] = this.d1.read<ReturnType<ScheduleWorld["trigger"]>>(
      "SELECT next_at, enabled, last_invocation_id FROM triggers WHERE trigger_id = ?",
      trigger_id,
    );
    if (!row) throw new Error("there is no such trigger");
    return row;
  }

  /** Due times whose runs were started, in order. */
  get fired(): unknown[] {
    return this.runs.map(({ metadata }) => metadata.due_at);
  }

  async #step<T>(work: () => Promise<T>): Promise<T> {
    const isLast = this.crash?.at === this.steps;
    this.steps += 1;
    if (this.#isDead || (isLast && this.crash?.moment === "before")) {
      this.#isDead = true;
      throw new Error("this life is over");
    }
    if (!isLast) return await work();
    this.#isDead = true;
    await work();
    throw new Error("this life is over");
  }

  #database(): D1Database {
    const { binding } = this.d1;
    const ask = <T>(work: () => Promise<T>) =>
      this.#step(() => {
        if (this.isDatabaseDown) throw new Error("D1 is down");
        return work();
      });
    const wrap = (statement: D1PreparedStatement): D1PreparedStatement =>
      ({
        inner: statement,
        bind: (...values: unknown[]) => wrap(statement.bind(...values)),
        run: () => ask(() => statement.run()),
        all: () => ask(() => statement.all()),
        first: (column: string) => ask(() => statement.first(column)),
        raw: () => ask(() => statement.raw()),
      }) as unknown as D1PreparedStatement;
    const batch = (all: { inner: D1PreparedStatement }[]) => ask(() => binding.batch(all.map(({ inner }) => inner)));
    return { prepare: (query: string) => wrap(binding.prepare(query)), batch } as unknown as D1Database;
  }

  #thread(name: string): unknown {
    const find = (id: string) => this.runs.find((run) => nameOf(run) === name && run.invocation_id === id);
    const ask = <T>(answer: () => Result<T>): Promise<Result<T>> =>
      this.#step(async () => {
        if (this.isThreadDown) throw new Error("the thread is down");
        return answer();
      });
    return {
      create: () => ask(() => succeed({})),
      getRun: (_key: ThreadKey, id: string) =>
        ask(() => {
          const run = find(id);
          return run ? succeed(run) : fail("not_found", "There is no such run.");
        }),
      accept: (input: RunInput) =>
        ask<AcceptedRun>(() => {
          if (this.refusal) return this.refusal;
          const known = find(input.invocation_id);
          if (known) return succeed({ run: known, created: false });
          const { user_id, thread_id, invocation_id, metadata } = input;
          const run = { user_id, thread_id, invocation_id, metadata, status: "running" } as Run;
          this.runs.push(run);
          this.inputs.push(input);
          return succeed({ run, created: true });
        }),
    };
  }
}

function nameOf({ user_id, thread_id }: ThreadKey): string {
  return `${user_id}/${thread_id}`;
}

/** Copies `trig_1` to triggers of the user with these numbers. */
export function addCopies({ d1 }: ScheduleWorld, user_id: string, first: number, last: number): void {
  d1.read(
    `INSERT INTO triggers SELECT ?, 'trig_' || CAST(value AS INTEGER), type, agent_id, project_id, thread, enabled, next_at, last_fired_at,
      last_thread_id, last_invocation_id, created_at, updated_at, settings, prompt, made_by
      FROM triggers, (WITH RECURSIVE counted(value) AS (SELECT ? UNION ALL SELECT value + 1 FROM counted WHERE value < ?) SELECT value FROM counted)
      WHERE trigger_id = 'trig_1'`,
    user_id,
    first,
    last,
  );
}
