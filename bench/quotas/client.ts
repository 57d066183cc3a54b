// The client, in a process of its own: receives what to send, sends it, and replies with how many got which status.
import { Agent, request } from "node:http";
import type { Sent } from "./requests.ts";

export interface SendTask {
  url: string;
  /** Unless the request has its own. */
  key: string;
  sent: Sent;
  count: number;
  at_once: number;
  /** Of the first request. */
  first: number;
}

const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
/** Keys have 26 characters before the secret, of which this is the end. */
const DIGITS = 6;

async function send({ url, key, sent }: SendTask, number: number): Promise<number> {
  const fill = (text: string): string =>
    text.replaceAll("{n}", String(number).padStart(DIGITS, "0")).replaceAll("{ten}", String(number % 10));
  const used = sent.key === undefined ? key : sent.key;
  const body = sent.body === undefined ? undefined : fill(sent.body);
  const headers = {
    ...(used === null ? {} : { authorization: `Bearer ${fill(used)}` }),
    ...(body === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(body) }),
    ...(sent.accept === undefined ? {} : { accept: sent.accept }),
  };
  return await new Promise((resolve, reject) => {
    const asked = request(url + fill(sent.path), { agent, method: sent.method, headers }, (response) => {
      const { statusCode = 0 } = response;
      if (sent.isLeft) {
        // A quiet stream says nothing for some seconds.
        response.once("error", () => {}).destroy();
        resolve(statusCode);
        return;
      }
      response.resume();
      response.on("error", reject);
      response.on("end", () => resolve(statusCode));
    });
    asked.on("error", reject);
    asked.end(body);
  });
}

async function run(task: SendTask): Promise<Record<number, number>> {
  const statuses: Record<number, number> = {};
  let next = 0;
  const work = async (): Promise<void> => {
    for (let count = next++; count < task.count; count = next++) {
      const status = await send(task, task.first + count);
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: task.at_once }, work));
  return statuses;
}

process.on("message", (task: SendTask) => {
  run(task).then(
    (statuses) => process.send?.({ statuses }),
    (error: unknown) => process.send?.({ error: String(error) }),
  );
});
process.on("disconnect", () => process.exit());
process.send?.({ ready: true });
