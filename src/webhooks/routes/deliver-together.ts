// The deliveries of a batch. A receiver that does not answer holds up nobody: the queue hands over its next batch, with other
// people's runs in it, when this one is done, so what takes longer goes on behind it. Its message is acknowledged by then: D1
// says what is due, and the clock finds a try that crashed.
import { logError } from "../../lib/log.ts";
import type { Job } from "../../protocol/job.ts";
import { type DeliveryPorts, deliverWebhook } from "./deliver-webhook.ts";

/** A Worker has six connections at once; one more would wait for its turn and seem to be slow itself. */
const MOST_AT_ONCE = 5;

/** Most receivers have answered by then. */
const PATIENCE_MS = 250;

/** Of this isolate, which has a bounded number of sockets, and of one receiver, which should not take them all. */
const MOST_OPEN = 200;
const MOST_OPEN_OF_ONE = 20;

/** Where all connections of the batch are taken, and where its receiver has as many tries as it may: these are over by then. */
const NEXT_BATCH_SECONDS = 1;
const FULL_SECONDS = 10;

export interface DeliveryMessage {
  message: Pick<Message<unknown>, "ack" | "retry">;
  job: Extract<Job, { type: "deliver_webhook" }>;
  /** What is done where it fails within the batch. */
  fail(error: unknown): void;
}

/** How many tries are under way, by webhook. */
export type OpenTries = Map<string, number>;

const openHere: OpenTries = new Map();

/** Resolves when each message is acknowledged or comes again. */
export async function deliverTogether(
  messages: DeliveryMessage[],
  ports: DeliveryPorts,
  waitUntil: (promise: Promise<unknown>) => void,
  open: OpenTries = openHere,
): Promise<void> {
  const waiting = [...messages];
  const lane = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      // One that is still open keeps its connection.
      if (!(await deliverOne(next, ports, waitUntil, open))) return;
    }
  };
  await Promise.all(Array.from({ length: MOST_AT_ONCE }, lane));
  for (const { message } of waiting) message.retry({ delaySeconds: NEXT_BATCH_SECONDS });
}

/** Whether its connection is free again. */
async function deliverOne(
  { message, job, fail }: DeliveryMessage,
  ports: DeliveryPorts,
  waitUntil: (promise: Promise<unknown>) => void,
  open: OpenTries,
): Promise<boolean> {
  const { user_id, webhook_id, delivery_id } = job;
  const all = [...open.values()].reduce((sum, count) => sum + count, 0);
  if (all >= MOST_OPEN || (open.get(webhook_id) ?? 0) >= MOST_OPEN_OF_ONE) {
    message.retry({ delaySeconds: FULL_SECONDS });
    return true;
  }
  count(open, webhook_id, 1);
  let isLate = false;
  const done = deliverWebhook({ user_id, webhook_id, delivery_id }, ports)
    .then(
      () => isLate || message.ack(),
      (error: unknown) => {
        if (isLate) logError("delivery_not_noted", error, { user_id, webhook_id, delivery_id });
        else fail(error);
      },
    )
    .finally(() => count(open, webhook_id, -1));
  let cancel = (): void => {};
  const late = new Promise<void>((resolve) => {
    cancel = ports.clock.setTimer(() => {
      isLate = true;
      resolve();
    }, PATIENCE_MS);
  });
  await Promise.race([done, late]);
  cancel();
  if (!isLate) return true;
  message.ack();
  waitUntil(done);
  return false;
}

function count(open: OpenTries, webhook_id: string, change: number): void {
  const left = (open.get(webhook_id) ?? 0) + change;
  if (left > 0) open.set(webhook_id, left);
  else open.delete(webhook_id);
}
