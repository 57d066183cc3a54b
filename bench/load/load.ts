// The clients, in a process of their own: receives a task, runs its turns, and replies with the measurements.
import type { Order } from "./order.ts";
import { type OpenReaders, openReaders, type ReadRun, readRun } from "./readers.ts";
import { type Address, openThreads, type Turn, takeTurn } from "./turn.ts";

export interface LoadTask {
  address: Address;
  clients: number;
  /** Turns of each client, one after another on its own thread. */
  turns: number;
  order: Order;
  /** The threads' names: `<prefix>-<client>`. */
  prefix: string;
  /** The number of the first client, where an earlier task made threads with the same prefix. */
  first_client?: number;
  /** The time between the starts of two clients, in ms. */
  stagger_ms: number;
}

export interface LoadResult {
  /** The turns of each client, in order. */
  clients: Turn[][];
  /** In ms, from the first request to the end of the last stream. */
  total: number;
  tokens: number;
}

async function runClient(task: LoadTask, client: number): Promise<Turn[]> {
  await new Promise((resolve) => setTimeout(resolve, client * task.stagger_ms));
  const thread = threadOf(task, client);
  const turns: Turn[] = [];
  for (let count = 0; count < task.turns; count++) turns.push(await takeTurn(task.address, thread, task.order));
  return turns;
}

function threadOf({ prefix, first_client = 0 }: LoadTask, client: number): string {
  return `${prefix}-${first_client + client}`;
}

async function runTask(task: LoadTask): Promise<LoadResult> {
  const all = Array.from({ length: task.clients }, (_, client) => client);
  const threads = all.map((client) => threadOf(task, client));
  await openThreads(task.address, threads);
  const begun = performance.now();
  const clients = await Promise.all(all.map((client) => runClient(task, client)));
  const total = performance.now() - begun;
  return { clients, total, tokens: clients.flat().reduce((sum, { tokens }) => sum + tokens, 0) };
}

function run(task: LoadTask | OpenReaders | ReadRun): Promise<object> {
  if (!("kind" in task)) return runTask(task);
  return task.kind === "open-readers" ? openReaders(task) : readRun(task);
}

process.on("message", (task: LoadTask | OpenReaders | ReadRun) => {
  run(task).then(
    (result) => process.send?.({ result }),
    (error: unknown) => process.send?.({ error: String(error) }),
  );
});
process.on("disconnect", () => process.exit());
process.send?.({ ready: true });
