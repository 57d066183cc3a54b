// Consumes the queue. Each job is acknowledged or retried alone. The consumer never throws, since that would repeat the
// whole batch, including jobs that are done. A job that failed too often comes back once as a dead letter.
import { accountParts } from "./account-parts.ts";
import { closeAccount, pauseAccount } from "./accounts/routes/jobs.ts";
import type { Env } from "./config.ts";
import { describeError, logError, logWarning } from "./lib/log.ts";
import { type Backoff, backoffDelay } from "./lib/retry.ts";
import { withinTime } from "./lib/time-limit.ts";
import { deleteSandbox } from "./projects/routes/delete-sandbox.ts";
import { finishRevocation } from "./projects/routes/revoke-made.ts";
import { type Result, succeed } from "./protocol/error.ts";
import { type Job, job } from "./protocol/job.ts";
import { findResting } from "./store/people/closing.ts";
import { clock } from "./thread/ports.ts";
import { callThread } from "./thread/stub.ts";
import { fireSchedule, retryDeadFiring } from "./triggers/routes/fire-schedule.ts";
import { type DeliveryMessage, deliverTogether } from "./webhooks/routes/deliver-together.ts";
import { deliveryPorts } from "./webhooks/routes/delivery-ports.ts";

type RunJob = Extract<Job, { type: "run_agent_background" }>;

/** The queue of dead letters where no binding names it: as in wrangler.toml. */
const USUAL_DEAD_QUEUE = "taskloom-dead";

/** Half of each wait is random: jobs that failed together, as D1 did, come back apart. */
const RETRIES: Backoff = { base_ms: 10_000, cap_ms: 600_000 };

/** A background run does not wait longer for D1. */
const RESTING_LIMIT_MS = 1_000;

/** `waitUntil` keeps work alive that continues after the batch. */
export async function consumeJobs(
  batch: MessageBatch<unknown>,
  env: Env,
  waitUntil: (promise: Promise<unknown>) => void = () => {},
): Promise<void> {
  const isDead = batch.queue === (env.DEAD_QUEUE || USUAL_DEAD_QUEUE);
  const deliveries: DeliveryMessage[] = [];
  const resting = isDead ? new Set<string>() : await findRestingUsers(batch, env);
  const others = batch.messages.map((message) => consumeJob(message, { isDead, resting }, env, deliveries));
  // A delivery counts a dead letter as one more try.
  if (deliveries.length > 0) await deliverTogether(deliveries, deliveryPorts(env), waitUntil);
  await Promise.all(others);
}

/** Handles the job, or adds it to `deliveries`, which are sent together. */
async function consumeJob(
  message: Message<unknown>,
  { isDead, resting }: { isDead: boolean; resting: Set<string> },
  env: Env,
  deliveries: DeliveryMessage[],
): Promise<void> {
  const parsed = job.safeParse(message.body);
  if (!parsed.success) {
    // No retry can turn it into a job.
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
  // Its run is cancelled by another job, or continues when the user is enabled: the thread's object remembers it.
  if (data.type === "run_agent_background" && resting.has(data.user_id)) return message.ack();
  try {
    const done = await doJob(data, isDead, env);
    // The run is gone and needs neither a start nor an end.
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
  if (body.type === "run_agent_background") return await (isDead ? failRun(body, env) : startRun(body, env));
  if (body.type === "fire_schedule") return await (isDead ? retryDeadFiring : fireSchedule)(body, env, Date.now());
  if (body.type === "close_account") await closeAccount(body, env, accountParts);
  else if (body.type === "pause_account") await pauseAccount(body, env, accountParts);
  else await (body.type === "revoke_made" ? finishRevocation(body, env) : deleteSandbox(body, env));
  return succeed(null);
}

/**
 * Who of a batch's background runs may not act: one statement for all. None while D1 fails, since runs continue then.
 */
async function findRestingUsers({ messages }: MessageBatch<unknown>, env: Env): Promise<Set<string>> {
  const parsed = messages.map(({ body }) => job.safeParse(body).data);
  const users = new Set(parsed.flatMap((data) => (data?.type === "run_agent_background" ? [data.user_id] : [])));
  if (users.size === 0) return users;
  try {
    return await withinTime(clock, RESTING_LIMIT_MS, "D1", findResting(env.DB, [...users]));
  } catch (error) {
    logWarning("resting_users_unknown", { error: describeError(error) });
    return new Set();
  }
}

function startRun({ user_id, thread_id, invocation_id }: RunJob, env: Env): Promise<Result<null>> {
  const key = { user_id, thread_id };
  return callThread(env, key, (stub) => stub.start(key, invocation_id));
}

function failRun({ user_id, thread_id, invocation_id }: RunJob, env: Env): Promise<Result<null>> {
  const key = { user_id, thread_id };
  return callThread(env, key, (stub) => stub.failDeadLetteredRun(key, invocation_id));
}

function retry(message: Message<unknown>, reason: string): void {
  const delaySeconds = Math.ceil(backoffDelay(message.attempts, RETRIES) / 1_000);
  logWarning("job_retried", { message_id: message.id, attempts: message.attempts, reason });
  message.retry({ delaySeconds });
}
