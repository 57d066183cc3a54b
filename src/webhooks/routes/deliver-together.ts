// Sends the deliveries of a batch. A receiver that does not answer blocks nobody: the queue hands over its next batch,
// with other people's runs in it, when this one is done, so slow tries continue in the background. Their messages are
// acknowledged by then: D1 says what is due, and the sweep finds a try that crashed.
import { logError } from "../../lib/log.ts";
import type { Job } from "../../protocol/job.ts";
import { type DeliveryPorts, deliverWebhook } from "./deliver-webhook.ts";

/** A Worker has six connections at once; one more would wait for its turn and look slow itself. */
const MAX_CONCURRENT = 5;

/** Most receivers have answered by then. */
const ACKNOWLEDGE_AFTER_MS = 250;

/**
 * Limits per isolate, which has a bounded number of sockets, and per webhook and user, who must not take them all. A
 * user's twenty webhooks could.
 */
const MAX_OPEN = 200;
const MAX_OPEN_PER_USER = 50;
const MAX_OPEN_PER_WEBHOOK = 20;

/**
 * Delays when all connections of the batch are taken, and when webhook or user have their maximum of open tries: these
 * are over by then.
 */
const NEXT_BATCH_SECONDS = 1;
const FULL_SECONDS = 10;

export interface DeliveryMessage {
  message: Pick<Message<unknown>, "ack" | "retry">;
  job: Extract<Job, { type: "deliver_webhook" }>;
  /** Called if the delivery fails within the batch. */
  fail(error: unknown): void;
}

/** The numbers of open tries. */
export interface OpenTries {
  users: Map<string, number>;
  webhooks: Map<string, number>;
}

export const noOpenTries = (): OpenTries => ({ users: new Map(), webhooks: new Map() });

const openHere = noOpenTries();

/** Resolves when each message is acknowledged or retried. */
export async function deliverTogether(
  messages: DeliveryMessage[],
  ports: DeliveryPorts,
  waitUntil: (promise: Promise<unknown>) => void,
  open: OpenTries = openHere,
): Promise<void> {
  const waiting = takeTurns(messages);
  const lane = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      // A try that is still open keeps its connection.
      if (!(await deliverOne(next, ports, waitUntil, open))) return;
    }
  };
  await Promise.all(Array.from({ length: MAX_CONCURRENT }, lane));
  for (const { message } of waiting) message.retry({ delaySeconds: NEXT_BATCH_SECONDS });
}

/** The first of each user, then the second ones: a batch may be full of one user's slow deliveries. */
function takeTurns(messages: DeliveryMessage[]): DeliveryMessage[] {
  const turns = new Map<string, number>();
  const placed = messages.map((message) => {
    const { user_id } = message.job;
    const turn = turns.get(user_id) ?? 0;
    turns.set(user_id, turn + 1);
    return { message, turn };
  });
  return placed.toSorted((one, other) => one.turn - other.turn).map(({ message }) => message);
}

/** Returns true if its connection is free again. */
async function deliverOne(
  { message, job, fail }: DeliveryMessage,
  ports: DeliveryPorts,
  waitUntil: (promise: Promise<unknown>) => void,
  open: OpenTries,
): Promise<boolean> {
  const { user_id, webhook_id, delivery_id } = job;
  if (isFull(open, user_id, webhook_id)) {
    message.retry({ delaySeconds: FULL_SECONDS });
    return true;
  }
  count(open.users, user_id, 1);
  count(open.webhooks, webhook_id, 1);
  let isLate = false;
  const done = deliverWebhook({ user_id, webhook_id, delivery_id }, ports)
    .then(
      () => isLate || message.ack(),
      (error: unknown) => {
        if (isLate) logError("delivery_not_noted", error, { user_id, webhook_id, delivery_id });
        else fail(error);
      },
    )
    .finally(() => {
      count(open.users, user_id, -1);
      count(open.webhooks, webhook_id, -1);
    });
  let cancel = (): void => {};
  const late = new Promise<void>((resolve) => {
    cancel = ports.clock.setTimer(() => {
      isLate = true;
      resolve();
    }, ACKNOWLEDGE_AFTER_MS);
  });
  await Promise.race([done, late]);
  cancel();
  if (!isLate) return true;
  message.ack();
  waitUntil(done);
  return false;
}

function isFull({ users, webhooks }: OpenTries, user_id: string, webhook_id: string): boolean {
  const all = [...users.values()].reduce((sum, count) => sum + count, 0);
  const [ofUser, ofWebhook] = [users.get(user_id) ?? 0, webhooks.get(webhook_id) ?? 0];
  return all >= MAX_OPEN || ofUser >= MAX_OPEN_PER_USER || ofWebhook >= MAX_OPEN_PER_WEBHOOK;
}

function count(open: Map<string, number>, name: string, change: number): void {
  const left = (open.get(name) ?? 0) + change;
  if (left > 0) open.set(name, left);
  else open.delete(name);
}
