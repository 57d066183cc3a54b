// How costs grow with the threads that are alive in a server process: workerd is set to keep them, since it would
// remove each after ten seconds. Each point has a process and a database of its own, so that D1 too has so many threads
// and no more. A further process counts rows.
import type { Order } from "../load/order.ts";
import type { Turn } from "../load/turn.ts";
import type { Disturbance } from "../processes/foreign-load.ts";
import type { Parts } from "../targets/servers.ts";
import { load, type Served } from "../turns/subject.ts";
import { memoryMib, type Stage, startParts, type TurnTimes, timesOf, withServer } from "./stage.ts";
import { type TurnRows, withRowCounter } from "./turn-rows.ts";

const counts = [1, 10, 100, 1000, 5000];

/** The most with `--short`. */
const SHORT_COUNT = 100;

const order: Order = { tokens: 20, rate: 0, steps: 0 };

/** Threads are made by so many clients at a time. */
const AT_ONCE = 10;

/** How many turns are timed, and how many are counted. */
const TIMED = 40;
const COUNTED = 20;

export interface ThreadsPoint {
  threads: number;
  new_thread: TurnTimes;
  existing_thread: TurnTimes;
  memory_mib: number | null;
  /** By so much the process is larger than before it had threads, for each of them. */
  kib_per_thread: number | null;
  /** How long it took to make all threads, in s. */
  made_in: number;
  rows_new: TurnRows;
  rows_existing: TurnRows;
  disturbance: Disturbance;
}

export async function measureThreads(stage: Stage, short: boolean): Promise<ThreadsPoint[]> {
  const points: ThreadsPoint[] = [];
  for (const threads of counts.filter((count) => !short || count <= SHORT_COUNT)) {
    console.error(`growth: ${threads} threads`);
    const { parts, stop } = await startParts(stage, `threads-${threads}`);
    const data = `threads-${threads}`;
    const point = { parts: { ...parts, stays: true }, name: "taskloom", data, id: data } as const;
    const { result, disturbance } = await withServer(stage, point, (subject) =>
      stage.watch.during(() => measurePoint(subject, threads)),
    );
    points.push({ threads, ...result, ...(await countRows(stage, parts, threads)), disturbance });
    await stop();
  }
  return points;
}

type Timed = Pick<ThreadsPoint, "new_thread" | "existing_thread" | "memory_mib" | "kib_per_thread" | "made_in">;

async function measurePoint(subject: Served, threads: number): Promise<Timed> {
  const before = memoryMib(subject);
  const begun = performance.now();
  await makeThreads(subject, threads);
  const made_in = (performance.now() - begun) / 1000;
  const memory_mib = memoryMib(subject);
  const grown = before === null || memory_mib === null ? null : memory_mib - before;
  const existing_thread = timesOf(await takeTurns(subject, "made", chooseThreads(threads, TIMED)));
  const new_thread = timesOf(await takeTurns(subject, "timed", chooseThreads(TIMED, TIMED)));
  return {
    new_thread,
    existing_thread,
    memory_mib,
    kib_per_thread: grown === null ? null : (grown * 1024) / threads,
    made_in,
  };
}

/** All have one turn: the threads `made-0`, `made-1` and so on. */
async function makeThreads(subject: Served, threads: number): Promise<void> {
  for (let made = 0; made < threads; made += AT_ONCE) {
    await load(subject, "made", { first_client: made, clients: Math.min(AT_ONCE, threads - made), order });
  }
}

/** Spread over all. Where there are fewer than `count`, some come more than once. */
function chooseThreads(threads: number, count: number): number[] {
  const step = Math.max(1, Math.floor(threads / count));
  return Array.from({ length: count }, (_, turn) => (turn * step) % threads);
}

/** One turn at a time, in the threads of these numbers. */
async function takeTurns(subject: Served, prefix: string, threads: number[]): Promise<Turn[]> {
  const turns: Turn[] = [];
  for (const first_client of threads) {
    turns.push(...(await load(subject, prefix, { first_client, order })).clients.flat());
  }
  return turns;
}

/**
 * Of a first and of a second turn, while D1 has all threads. Their objects have new data: those of the timed process
 * would be woken by their alarms meanwhile, and be counted.
 */
async function countRows(
  stage: Stage,
  parts: Parts,
  threads: number,
): Promise<Pick<ThreadsPoint, "rows_new" | "rows_existing">> {
  return withRowCounter(stage, parts, `counted-threads-${threads}`, async ({ subject, count }) => {
    const chosen = chooseThreads(COUNTED, COUNTED);
    const names = chosen.map((thread) => `counted-${thread}`);
    const countTurns = (): Promise<TurnRows> => count(names, COUNTED, () => takeTurns(subject, "counted", chosen));
    await takeTurns(subject, "first", [0]);
    const rows_new = await countTurns();
    return { rows_new, rows_existing: await countTurns() };
  });
}
