// A user who sends twice what the quotas allow, beside one who works. The rounds with and without the flood take turns,
// so that what else the machine does falls on both. With SHOW_TIMES=1 the figures are printed.
import { afterAll, beforeAll, expect, it } from "vitest";
import { quotas } from "../../src/protocol/money/quotas.ts";
import { clientOf, type ServerClient } from "../setup/server-client.ts";
import { startTaskloom, type Taskloom } from "./harness.ts";

const ROUNDS = 4;
const TURNS = 40;
/** Of the others' p95. The machine is shared, and so is the one isolate: far beyond it, turns wait for the flood. */
const MOST_TIMES = 3;
const MANY_STREAMS = 200;
const LONG = "x".repeat(49_000);

let taskloom: Taskloom;

beforeAll(async () => {
  // The usual quotas, as `npm start` has them.
  taskloom = await startTaskloom({ QUOTAS: "" });
});
afterAll(() => taskloom.close());

async function addUser(user_id: string): Promise<ServerClient> {
  const { api_key } = await taskloom.json<{ api_key: string }>("POST", "/v1/users", { user_id });
  return clientOf({ url: taskloom.url, key: api_key });
}

/** The times of some turns, one after another, in milliseconds. */
async function work(user: ServerClient, thread: string): Promise<number[]> {
  const times: number[] = [];
  for (let turn = 0; turn < TURNS; turn++) {
    const before = performance.now();
    await user.json("POST", `/v1/threads/${thread}/runs?wait=1`, { message: "What is a Durable Object?" });
    times.push(performance.now() - before);
  }
  return times;
}

const startOf = (count: number) =>
  [`/v1/threads/flood-${count}/runs`, { message: "What is D1?", background: count % 2 === 0 }] as const;
const changeOf = (count: number) => ({ instructions: LONG + String(count) });

/** Sends until both quotas are used up. */
async function fill(user: ServerClient): Promise<void> {
  await user.json("POST", "/v1/threads", { thread_id: "flood" });
  for (let count = 0; (await user.request("POST", ...startOf(count))).status === 202; count++);
  for (let count = 0; (await user.request("PATCH", "/v1/agents/agent-flood", changeOf(count))).status === 200; count++);
}

interface Flood {
  statuses: Map<string, number>;
  stop(): Promise<void>;
}

/** Sends each kind of request at twice the rate that its quota allows, and keeps streams open. */
function flood(user: ServerClient): Flood {
  const statuses = new Map<string, number>();
  const under: Promise<unknown>[] = [];
  const open = new AbortController();
  let sent = 0;
  const send = (what: string, ask: () => Promise<Response>): void => {
    const asked = ask().then(
      async (answer) => {
        statuses.set(`${what} ${answer.status}`, (statuses.get(`${what} ${answer.status}`) ?? 0) + 1);
        await answer.arrayBuffer().catch(() => null);
      },
      () => undefined,
    );
    under.push(asked);
  };
  const every = (per_minute: number, ask: () => void) => setInterval(ask, 60_000 / (2 * per_minute));
  let streams = 0;
  const timers = [
    every(quotas.runs_per_minute.usual, () => {
      sent += 1;
      send("run", () => user.request("POST", ...startOf(sent)));
    }),
    every(quotas.changes_per_minute.usual, () =>
      send("change", () => user.request("PATCH", "/v1/agents/agent-flood", changeOf(sent))),
    ),
    every(quotas.changes_per_minute.usual, () => {
      if (streams++ > MANY_STREAMS) return;
      send("stream", () =>
        fetch(`${taskloom.url}/v1/threads/flood/events`, { signal: open.signal, headers: keyOf(user) }),
      );
    }),
  ];
  return {
    statuses,
    async stop() {
      for (const timer of timers) clearInterval(timer);
      open.abort();
      await Promise.all(under);
    },
  };
}

const keys = new WeakMap<ServerClient, string>();
const keyOf = (user: ServerClient) => ({ authorization: `Bearer ${keys.get(user) ?? ""}` });

function percentile(times: number[], part: number): number {
  return times.toSorted((one, other) => one - other)[Math.floor(times.length * part)] ?? Number.NaN;
}

it("a user beside one who floods at its limits has the turns of before", async () => {
  const { api_key } = await taskloom.json<{ api_key: string }>("POST", "/v1/users", { user_id: "user_flood" });
  const flooding = clientOf({ url: taskloom.url, key: api_key });
  keys.set(flooding, api_key);
  await flooding.json("POST", "/v1/agents", { agent_id: "agent-flood", name: "flood", instructions: "Answer." });
  const [alone, beside]: [number[], number[]] = [[], []];
  const statuses = new Map<string, number>();
  await work(await addUser("user_warm"), "thread-warm");
  await fill(flooding);
  for (let round = 0; round < ROUNDS; round++) {
    // Each round has a user of its own, who stays within the quota.
    alone.push(...(await work(await addUser(`user_alone_${round}`), `thread-alone-${round}`)));
    const user = await addUser(`user_beside_${round}`);
    const stopped = flood(flooding);
    beside.push(...(await work(user, `thread-beside-${round}`)));
    await stopped.stop();
    for (const [name, count] of stopped.statuses) statuses.set(name, (statuses.get(name) ?? 0) + count);
  }
  const ratio = percentile(beside, 0.95) / percentile(alone, 0.95);
  if (process.env.SHOW_TIMES !== undefined) {
    const show = (times: number[]) => [0.5, 0.95].map((part) => `${percentile(times, part).toFixed(1)} ms`).join(", ");
    console.log(`p50, p95 alone: ${show(alone)}; beside a flood: ${show(beside)}; ratio of p95: ${ratio.toFixed(2)}`);
    console.log(JSON.stringify(Object.fromEntries(statuses)));
  }
  expect([...statuses.keys()].some((name) => name.endsWith(" 429"))).toBe(true);
  expect(ratio).toBeLessThan(MOST_TIMES);
});
