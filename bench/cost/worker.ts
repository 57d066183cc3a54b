// The product's Worker with counters around what Cloudflare bills, on a clock that runs faster. Objects end as the
// platform ends them, ten seconds after their last work. The queue is a list here: the bench delivers it (`/bench/jobs`),
// and calls the cron (`/bench/cron`).
import "./clock.ts";
import { AsyncLocalStorage } from "node:async_hooks";
import type { Env } from "../../src/config.ts";
import worker, { ThreadObject as Product } from "../../src/index.ts";
import { countStorage, type StorageCounts } from "../guard/storage.ts";
import { clearUnwatchedTimer, now, setSpeed, setUnwatchedTimer, toRealTime, watchTimers } from "./clock.ts";

export interface Counts extends StorageCounts {
  /** Calls of the Worker: HTTP, a batch of the queue, the cron. */
  worker_requests: number;
  /** Calls of objects: methods, `fetch` and alarms. Each is a request on the bill. */
  object_requests: number;
  /** While an object had a call, a stream, a timer or work of `waitUntil`: ms of the fast clock, summed over objects. */
  object_ms: number;
  /** Each message is written, read at each delivery, and deleted. */
  queue_operations: number;
  log_lines: number;
  /** Objects that ended since they had nothing to do. */
  sleeps: number;
  /** Objects that have something to do now. */
  busy: number;
  /** Jobs that wait. */
  waiting_jobs: number;
}

const counts: Counts = {
  ...{ statements: 0, rows_written: 0, rows_read: 0, transactions: 0, alarms: 0, uncounted: [] },
  ...{ worker_requests: 0, object_requests: 0, object_ms: 0, queue_operations: 0, log_lines: 0, sleeps: 0 },
  ...{ busy: 0, waiting_jobs: 0 },
};

for (const level of ["debug", "info", "log", "warn", "error"] as const) {
  const write = console[level];
  console[level] = (...values: unknown[]) => {
    counts.log_lines += 1;
    write(...values);
  };
}

/** https://developers.cloudflare.com/durable-objects/concepts/durable-object-lifecycle/ */
const SLEEP_AFTER_MS = 10_000;

/** In real time. workerd must have stored what an alarm did. */
const LEAST_SLEEP_MS = 50;

/** What keeps one object awake, and so on the bill. */
class Activity {
  #open = 0;
  #since = 0;
  #sleep: ReturnType<typeof setTimeout> | undefined;
  readonly #end: () => void;

  constructor(end: () => void) {
    this.#end = end;
  }

  /** Returns what is to be called when that is over. More than once is allowed. */
  begin(): () => void {
    if (this.#open === 0) {
      this.#since = now();
      counts.busy += 1;
      if (this.#sleep !== undefined) clearUnwatchedTimer(this.#sleep);
    }
    this.#open += 1;
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#open -= 1;
      if (this.#open > 0) return;
      counts.busy -= 1;
      counts.object_ms += now() - this.#since;
      this.#sleep = setUnwatchedTimer(
        () => {
          if (this.#open > 0) return;
          counts.sleeps += 1;
          this.#end();
        },
        SLEEP_AFTER_MS,
        LEAST_SLEEP_MS,
      );
    };
  }
}

/** The object whose code runs. */
const current = new AsyncLocalStorage<Activity>();
watchTimers({ onTimer: () => current.getStore()?.begin() ?? (() => {}) });

const activities = new WeakMap<object, Activity>();

export class ThreadObject extends Product {
  constructor(ctx: DurableObjectState, env: Env) {
    const activity = new Activity(() => ctx.abort("the bench lets it sleep"));
    const { storage } = ctx;
    const id = ctx.id.toString();
    const setAlarm = (time: number | Date): Promise<void> => {
      alarms.set(id, Number(time));
      return storage.setAlarm(toRealTime(Number(time)));
    };
    const deleteAlarm = (): Promise<void> => {
      alarms.delete(id);
      return storage.deleteAlarm();
    };
    const counted = countStorage(storage, counts, setAlarm, { deleteAlarm });
    const waitUntil = ctx.waitUntil.bind(ctx);
    const watched = (promise: Promise<unknown>): void => {
      const end = activity.begin();
      waitUntil(promise.finally(end));
    };
    // The platform accepts no other state than its own, so what the product reads is overridden on it.
    Object.defineProperty(ctx, "storage", { value: counted });
    Object.defineProperty(ctx, "waitUntil", { value: watched });
    super(ctx, withQueue(env));
    activities.set(this, activity);
    this.#setAlarm = setAlarm;
    // An object that only woke has nothing to do.
    activity.begin()();
  }

  readonly #setAlarm: (time: number) => Promise<void>;

  /** For the bench: the alarm at the time that it had, on the clock as it runs now. */
  async moveAlarm(time: number): Promise<void> {
    await this.#setAlarm(time);
  }

  override async alarm(): Promise<void> {
    alarms.delete(this.ctx.id.toString());
    await super.alarm();
  }
}

/** When the alarms of objects ring, by the fast clock. */
const alarms = new Map<string, number>();

// What is called over RPC must be on the prototype.
for (const name of Object.getOwnPropertyNames(Product.prototype)) {
  if (name !== "constructor") watchCalls(name as keyof ThreadObject);
}

function watchCalls(name: keyof ThreadObject): void {
  const method = ThreadObject.prototype[name] as (...values: unknown[]) => Promise<unknown>;
  const value = async function (this: Product, ...values: unknown[]): Promise<unknown> {
    counts.object_requests += 1;
    const activity = activities.get(this);
    if (activity === undefined) throw new Error("an object without its counters");
    const end = activity.begin();
    try {
      const result = await current.run(activity, () => method.apply(this, values));
      return result instanceof Response ? holdOpen(result, activity.begin()) : result;
    } finally {
      end();
    }
  };
  Object.defineProperty(ThreadObject.prototype, name, { value, configurable: true, writable: true });
}

/** Calls `end` once the body has been read, or is no longer wanted. */
function holdOpen(response: Response, end: () => void): Response {
  const reader = response.body?.getReader();
  if (reader === undefined) {
    end();
    return response;
  }
  const body = new ReadableStream({
    async pull(controller) {
      const { done, value } = await reader.read().catch((error: unknown) => {
        end();
        throw error;
      });
      if (!done) return controller.enqueue(value);
      end();
      controller.close();
    },
    cancel(reason) {
      end();
      return reader.cancel(reason);
    },
  });
  return new Response(body, response);
}

interface WaitingJob {
  id: string;
  body: unknown;
  attempts: number;
  due: number;
}

let jobs: WaitingJob[] = [];

const QUEUE = "taskloom-jobs";

function send(body: unknown, { delaySeconds = 0 }: QueueSendOptions = {}): void {
  counts.queue_operations += 1;
  jobs.push({ id: crypto.randomUUID(), body: structuredClone(body), attempts: 1, due: now() + delaySeconds * 1_000 });
}

const queue = {
  async send(body: unknown, options?: QueueSendOptions) {
    send(body, options);
  },
  async sendBatch(messages: Iterable<MessageSendRequest<unknown>>, options?: QueueSendOptions) {
    for (const message of messages) send(message.body, { ...options, ...message });
  },
  metrics: async () => ({ backlogCount: jobs.length, backlogBytes: 0 }),
} as unknown as Queue<unknown>;

async function deliverJobs(env: Env, context: ExecutionContext): Promise<void> {
  const due = jobs.filter((waiting) => waiting.due <= now());
  if (due.length === 0) return;
  jobs = jobs.filter((waiting) => !due.includes(waiting));
  counts.worker_requests += 1;
  const messages = due.map((waiting) => describeMessage(waiting));
  await worker.queue({ queue: QUEUE, messages } as unknown as MessageBatch<unknown>, env, context);
}

function describeMessage(waiting: WaitingJob): Message<unknown> {
  counts.queue_operations += 1;
  return {
    ...{ id: waiting.id, body: waiting.body, attempts: waiting.attempts, timestamp: new Date() },
    ack() {
      counts.queue_operations += 1;
    },
    retry({ delaySeconds = 0 } = {}) {
      jobs.push({ ...waiting, attempts: waiting.attempts + 1, due: now() + delaySeconds * 1_000 });
    },
  };
}

async function moveAlarms({ THREADS }: Env): Promise<void> {
  const threads = THREADS as unknown as DurableObjectNamespace<ThreadObject>;
  const moved = [...alarms].map(([id, time]) => threads.get(threads.idFromString(id)).moveAlarm(time));
  await Promise.all(moved);
}

const withQueues = new WeakMap<Env, Env>();

/** One object for all requests, as the platform's is: the product remembers by it. */
function withQueue(env: Env): Env {
  const known = withQueues.get(env) ?? { ...env, JOBS: queue };
  withQueues.set(env, known);
  return known;
}

export const publicEntrypoint = {
  async fetch(request, platform, context) {
    const env = withQueue(platform);
    const { pathname, searchParams } = new URL(request.url);
    switch (pathname) {
      case "/bench/counts":
        return Response.json({ ...counts, waiting_jobs: jobs.length } satisfies Counts);
      case "/bench/speed":
        setSpeed(Number(searchParams.get("is")));
        await moveAlarms(env);
        return new Response();
      case "/bench/jobs":
        await deliverJobs(env, context);
        return new Response();
      case "/bench/cron":
        counts.worker_requests += 1;
        await worker.scheduled({ scheduledTime: now(), cron: "* * * * *", noRetry() {} }, env);
        return new Response();
      default:
        counts.worker_requests += 1;
        return worker.fetch(request, env, context);
    }
  },
} satisfies ExportedHandler<Env>;
