// Queues and their consumers. A queue has one Worker as its consumer at most.
import { randomUUID } from "node:crypto";
import { type Account, type Consumer, findQueue, findScript, type Queue } from "./account.ts";
import { answer, answerPage, type Exchange, type Handler, readJson } from "./answers.ts";
import { ApiError } from "./api-error.ts";

export const listQueues: Handler = ({ account, query }) => {
  const names = query.getAll("name");
  const list = account.queues.filter(({ queue_name }) => names.length === 0 || names.includes(queue_name));
  return answerPage(list.map(view), query, 100);
};

export const createQueue: Handler = ({ account, body }) => {
  const { queue_name: name } = readJson(body);
  if (typeof name !== "string" || !/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name)) {
    throw new ApiError(400, 11_003, "Queue name is invalid");
  }
  if (findQueue(account, name)) throw new ApiError(409, 11_009, "Queue name is already taken");
  if (!account.is_paid && account.queues.length >= 10) throw new ApiError(400, 11_010, "Too many queues");
  const made: Queue = { queue_id: randomUUID().replaceAll("-", ""), queue_name: name, ...now(), consumers: [] };
  account.queues.push(made);
  return answer(view(made));
};

export const addConsumer: Handler = (exchange) => {
  const queue = findById(exchange);
  if (queue.consumers.length > 0) {
    throw new ApiError(
      409,
      11_004,
      `Queue "${queue.queue_name}" already has a consumer: ${queue.consumers[0]?.script}`,
    );
  }
  const made = { consumer_id: randomUUID().replaceAll("-", ""), ...readConsumer(exchange) };
  queue.consumers.push(made);
  return answer(made);
};

export const changeConsumer: Handler = (exchange) => {
  const queue = findById(exchange);
  const found = queue.consumers.find(({ consumer_id }) => consumer_id === exchange.params.consumer);
  if (found === undefined) throw new ApiError(404, 11_001, "Consumer not found");
  Object.assign(found, readConsumer(exchange));
  return answer(found);
};

/** Bounds as the page on limits of Queues gives them. */
const bounds: Record<string, [least: number, most: number]> = {
  batch_size: [1, 100],
  max_retries: [0, 100],
  max_wait_time_ms: [0, 60_000],
  max_concurrency: [1, 250],
  retry_delay: [0, 43_200],
};

function readConsumer({ account, body }: Exchange): Omit<Consumer, "consumer_id"> {
  const { type, script_name, dead_letter_queue: dead, settings = {} } = readJson(body);
  if (type !== "worker") throw new ApiError(400, 11_005, "Only consumers of the type worker are known here");
  const script = findScript(account, script_name as string);
  if (typeof dead === "string" && !findQueue(account, dead)) {
    throw new ApiError(404, 11_000, `The dead letter queue "${dead}" does not exist`);
  }
  for (const [name, value] of Object.entries(settings as Record<string, unknown>)) {
    const [least, most] = bounds[name] ?? [1, 0];
    if (typeof value !== "number" || value < least || value > most) {
      throw new ApiError(400, 11_006, `Consumer setting ${name} is out of range`);
    }
  }
  return {
    script: script.name,
    ...(typeof dead === "string" ? { dead_letter_queue: dead } : {}),
    settings: settings as Consumer["settings"],
  };
}

function findById({ account, params }: { account: Account; params: Record<string, string> }): Queue {
  const found = account.queues.find(({ queue_id }) => queue_id === params.queue);
  if (found === undefined) throw new ApiError(404, 11_000, "Queue does not exist");
  return found;
}

function now(): { created_on: string } {
  return { created_on: new Date().toISOString() };
}

function view(queue: Queue): object {
  const consumers = queue.consumers.map((consumer) => ({ ...consumer, type: "worker", queue_name: queue.queue_name }));
  return { ...queue, consumers, consumers_total_count: consumers.length, producers: [], producers_total_count: 0 };
}
