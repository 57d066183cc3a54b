// The queue's door: each job is acknowledged or retried alone, and the consumer never throws, since a throw would bring back
// the whole batch, jobs that are done included. What failed too often comes here once more as a dead letter.
import type { Env } from "./config.ts";
import { describeError, logError, logWarning } from "./lib/log.ts";
import { deleteSandbox } from "./projects/routes/delete-sandbox.ts";
import { type Result, succeed } from "./protocol/error.ts";
import { type Job, job } from "./protocol/job.ts";
import { callThread } from "./thread/stub.ts";
import { buryFiring, fireSchedule } from "./triggers/routes/fire-schedule.ts";
import { type DeliveryMessage, deliverTogether } from "./webhooks/routes/deliver-together.ts";
import { deliveryPorts } from "./webhooks/routes/delivery-ports.ts";

type RunJob = Extract<Job, { type: "run_agent_background" }>;

/** The queue of dead letters, as wrangler.toml names it. */
const DEAD_QUEUE = "taskloom-dead";

// Waits between tries: 5, 10, 20, 40, 80 s.
const FIRST_DELAY_SECONDS = 5;
const LONGEST_DELAY_SECONDS = 300;

/** `waitUntil` keeps what goes on behind the batch alive. */
export async function consumeJobs(
  batch: MessageBatch<unknown>,
  env: Env,
  waitUntil: (promise: Promise<unknown>) => void = () => {},
): Promise<void> {
  const isDead = batch.queue === DEAD_QUEUE;
  const deliveries: DeliveryMessage[] = [];
  const others = batch.messages.map((message) => consumeJob(message, isDead, env, deliveries));
  // A dead letter is one try more.
  if (deliveries.length > 0) await deliverTogether(deliveries, deliveryPorts(env), waitUntil);
  await Promise.all(others);
}

/** Does it, or adds it to the `deliveries`, which are done together. */
async function consumeJob(
  message: Message<unknown>,
  isDead: boolean,
  env: Env,
  deliveries: DeliveryMessage[],
): Promise<void> {
  const parsed = job.safeParse(message.body);
  if (!parsed.success) {
    // No retry would make it a job.
    logWarning("job_refused", { message_id: message.id, dead: isDead });
    message.ack();
    return;
  }
  const { data } = parsed;
  const fail = (error: unknown): void => {
    logError("job_failed", error, { message_id: message.id, dead: isDead, attempts: message.attempts });
    retry(message, describeError(error));
  };
  if (data.type === "deliver_webhook") {
    deliveries.push({ message, job: data, fail });
    return;
  }
  try {
    const done = await doJob(data, isDead, env);
    // A run that is gone needs no start and no end.
    if (done.ok || done.error.code === "not_found") message.ack();
    else retry(message, done.error.code);
  } catch (error) {
    fail(error);
  }
}

async function doJob(
  body: Exclude<Job, { type: "deliver_webhook" }>,
  isDead: boolean,
  env: Env,
): Promise<Result<null>> {
  if (body.type === "run_agent_background") return await (isDead ? buryRun(body, env) : startRun(body, env));
  if (body.type === "fire_schedule") return await (isDead ? buryFiring : fireSchedule)(body, env, Date.now());
  await deleteSandbox(body, env);
  return succeed(null);
}

function startRun({ user_id, thread_id, invocation_id }: RunJob, env: Env): Promise<Result<null>> {
  const key = { user_id, thread_id };
  return callThread(env, key, (stub) => stub.start(key, invocation_id));
}

function buryRun({ user_id, thread_id, invocation_id }: RunJob, env: Env): Promise<Result<null>> {
  const key = { user_id, thread_id };
  return callThread(env, key, (stub) => stub.bury(key, invocation_id));
}

function retry(message: Message<unknown>, reason: string): void {
  const delaySeconds = Math.min(FIRST_DELAY_SECONDS * 2 ** (message.attempts - 1), LONGEST_DELAY_SECONDS);
  logWarning("job_retried", { message_id: message.id, attempts: message.attempts, reason });
  message.retry({ delaySeconds });
}
