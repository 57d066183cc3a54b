// One server that is measured, and the load that it gets.
import type { LoadResult, LoadTask } from "../load/load.ts";
import type { Order } from "../load/order.ts";
import { readCpu, readMemoryKib } from "../processes/process-usage.ts";
import type { NodeProgram } from "../processes/programs.ts";
import type { Server } from "../targets/servers.ts";
import { difference } from "./figures.ts";

export interface Served {
  server: Server;
  client: NodeProgram;
}

export interface Subject extends Served {
  /** D1's process. */
  database: number;
}

/** As fast as it is accepted, without steps, unless said otherwise. */
export function order(asked: Partial<Order> & { tokens: number }): Order {
  return { rate: 0, steps: 0, ...asked };
}

/** Compiled code, connections and caches are what a server has that is not just started. */
export async function warmUp(subject: Served, id: string): Promise<void> {
  await load(subject, `${id}-warm`, { clients: 5, turns: 20, order: order({ tokens: 20 }) });
}

type Demand = Partial<LoadTask> & { order: Order };

export async function load({ client, server }: Served, prefix: string, demand: Demand): Promise<LoadResult> {
  const address = { name: server.name, url: server.url };
  return ask<LoadResult>(client, { address, prefix, clients: 1, turns: 1, stagger_ms: 0, ...demand });
}

/** Sends a task to the load process. */
export async function ask<Result>(client: NodeProgram, task: object): Promise<Result> {
  const answer = (await client.ask(task)) as { result?: Result; error?: string };
  if (answer.result === undefined) throw new Error(answer.error ?? "the load client gave no result");
  return answer.result;
}

/** `cpu` is the server's time in µs. */
export async function loadWithCpu(
  subject: Subject,
  prefix: string,
  demand: Demand,
): Promise<{ result: LoadResult; cpu: number | null }> {
  const { pid } = subject.server;
  const before = pid === null ? null : readCpu(pid);
  const result = await load(subject, prefix, demand);
  return { result, cpu: difference(pid === null ? null : readCpu(pid), before) };
}

export function memoryOf({ server }: Pick<Subject, "server">, which: "now" | "peak"): number | null {
  return server.pid === null ? null : readMemoryKib(server.pid, which);
}
