// What one request costs the processes of the server in CPU.
import { readCpu } from "../processes/process-usage.ts";
import type { NodeProgram } from "../processes/programs.ts";
import { API_KEY } from "../targets/targets.ts";
import { difference, divide } from "../turns/figures.ts";
import type { SendTask } from "./client.ts";
import type { Kind, Sent } from "./requests.ts";

export interface Stage {
  url: string;
  /** The Worker's process. */
  pid: number;
  /** D1's process. */
  database: number;
  client: NodeProgram;
}

/** In µs for each request. */
export interface Cost {
  worker: number | null;
  database: number | null;
}

const AT_ONCE = 8;
/** Compiled code, connections and caches. */
const WARM = 200;
/** A run's rows reach D1 after its end, and the CPU of that is the request's, too. */
const SETTLE_MS = 300;
/** Of guessed keys, some are looked up. */
const NEARLY_ALL = 0.99;
const MANY = 1_000_000_000;

/** What is not measured has room. */
const plenty = {
  ...{ requests_per_minute: MANY, runs_per_minute: MANY, runs_at_once: MANY },
  ...{ stored_bytes: 1_000_000_000_000, things: MANY },
};

/** Makes a user with the kind's quotas, and what its requests ask for. Returns the key. */
export async function prepareUser({ url }: Pick<Stage, "url">, { quotas }: Kind, user_id: string): Promise<string> {
  const send = async (method: string, key: string, path: string, body: object): Promise<Record<string, unknown>> => {
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
    const answer = await fetch(url + path, { method, headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as Record<string, unknown>;
  };
  const { api_key } = await send("POST", API_KEY, "/v1/users", { user_id, quotas: plenty });
  const key = String(api_key);
  for (let count = 0; count < 10; count++) {
    await send("POST", key, "/v1/agents", { agent_id: `a-${count}`, name: "a", instructions: "Answer." });
    await send("POST", key, "/v1/threads", { thread_id: `t-${count}` });
    await send("POST", key, `/v1/threads/t-${count}/runs?wait=1`, { message: "Hello." });
  }
  if (quotas) await send("PATCH", API_KEY, `/v1/users/${user_id}`, { quotas: { ...plenty, ...quotas } });
  return key;
}

export async function measureCost(
  { url, pid, database, client }: Stage,
  { title, sent, status, count, at_once = AT_ONCE }: Pick<Kind, "title" | "sent" | "status" | "count" | "at_once">,
  key: string,
  id: number,
): Promise<Cost> {
  const task = { url, key, sent, at_once };
  await send(client, { ...task, count: WARM, first: id * 20_000 });
  const before = [readCpu(pid), readCpu(database)];
  const statuses = await send(client, { ...task, count, first: id * 20_000 + WARM });
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const [worker, d1] = [readCpu(pid), readCpu(database)].map((now, place) => difference(now, before[place]));
  if ((statuses[status] ?? 0) < count * NEARLY_ALL)
    throw new Error(`${title}: expected ${status}, got ${JSON.stringify(statuses)}`);
  return { worker: divide(worker ?? null, count), database: divide(d1 ?? null, count) };
}

async function send(client: NodeProgram, task: SendTask & { sent: Sent }): Promise<Record<number, number>> {
  const answer = (await client.ask(task)) as { statuses?: Record<number, number>; error?: string };
  if (answer.statuses === undefined) throw new Error(answer.error ?? "the client gave no result");
  return answer.statuses;
}
