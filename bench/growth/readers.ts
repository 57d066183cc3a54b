// How the cost of a token grows with the readers of its stream. Each point has a server process of its own. The product
// refuses more than 500 readers of a thread, so the last point asks for more and says how many read. Rows are counted in
// a further process.
import type { Order } from "../load/order.ts";
import type { OpenedReaders, OpenReaders, ReadResult, ReadRun } from "../load/readers.ts";
import type { Disturbance } from "../processes/foreign-load.ts";
import { readCpu } from "../processes/process-usage.ts";
import type { Parts } from "../targets/servers.ts";
import { difference, present } from "../turns/figures.ts";
import { ask, type Served } from "../turns/subject.ts";
import { memoryMib, type Spread, type Stage, spreadOf, startParts, withServer, worstOf } from "./stage.ts";
import { type TurnRows, withRowCounter } from "./turn-rows.ts";

const counts = [1, 3, 10, 30, 100, 300, 1000];

/** The most with `--short`. */
const SHORT_COUNT = 10;

/** What the readers read. */
export function orderOf(short: boolean): Order {
  return { tokens: short ? 100 : 600, rate: 100, steps: 0 };
}

interface ReadersRound extends OpenedReaders, ReadResult {
  /** The server's, in µs, for each token that the model sent. */
  cpu_per_token: number | null;
  memory_mib: number | null;
}

export interface ReadersPoint {
  asked: number;
  open: number;
  refused: number;
  statuses: number[];
  cpu_per_token: Spread | null;
  spread_ms: Spread;
  memory_mib: Spread | null;
  /** The share of its time in which the client's process was busy. */
  client_busy: Spread;
  /** Of the run that is read. */
  rows: TurnRows;
  disturbance: Disturbance;
}

export async function measureReaders(stage: Stage, short: boolean, rounds: number): Promise<ReadersPoint[]> {
  const { parts, stop } = await startParts(stage, "readers");
  const points: ReadersPoint[] = [];
  for (const asked of counts.filter((count) => !short || count <= SHORT_COUNT)) {
    const measured: ReadersRound[] = [];
    const disturbances: Disturbance[] = [];
    for (let round = 0; round < rounds; round++) {
      console.error(`growth: ${asked} readers, round ${round + 1}`);
      const id = `readers-${asked}-${round}`;
      const { result, disturbance } = await withServer(stage, { parts, name: "taskloom", data: id, id }, (subject) =>
        stage.watch.during(() => measureRound(subject, id, asked, orderOf(short))),
      );
      measured.push(result);
      disturbances.push(disturbance);
    }
    const rows = await countRows(stage, parts, asked, orderOf(short));
    points.push({ ...summarize(asked, measured, worstOf(disturbances)), rows });
  }
  await stop();
  return points;
}

async function measureRound(subject: Served, id: string, readers: number, run: Order): Promise<ReadersRound> {
  const { client, server } = subject;
  const opening: OpenReaders = { kind: "open-readers", url: server.url, thread: `${id}-read`, readers };
  const opened = await ask<OpenedReaders>(client, opening);
  const before = server.pid === null ? null : readCpu(server.pid);
  const reading: ReadRun = { kind: "read-run", order: run };
  const read = await ask<ReadResult>(client, reading);
  const cpu = difference(server.pid === null ? null : readCpu(server.pid), before);
  return { ...opened, ...read, cpu_per_token: cpu === null ? null : cpu / run.tokens, memory_mib: memoryMib(subject) };
}

function countRows(stage: Stage, parts: Parts, readers: number, run: Order): Promise<TurnRows> {
  const id = `counted-readers-${readers}`;
  return withRowCounter(stage, parts, id, ({ subject, count }) =>
    count([`${id}-read`], 1, () => measureRound(subject, id, readers, run)),
  );
}

function summarize(asked: number, rounds: ReadersRound[], disturbance: Disturbance): Omit<ReadersPoint, "rows"> {
  const [first] = rounds;
  const spreadOfAll = (values: (number | null)[]): Spread | null => {
    const known = present(values);
    return known.length === 0 ? null : spreadOf(known);
  };
  return {
    asked,
    open: first?.open ?? 0,
    refused: first?.refused ?? 0,
    statuses: first?.statuses ?? [],
    cpu_per_token: spreadOfAll(rounds.map(({ cpu_per_token }) => cpu_per_token)),
    spread_ms: spreadOf(rounds.map(({ spread }) => spread)),
    memory_mib: spreadOfAll(rounds.map(({ memory_mib }) => memory_mib)),
    client_busy: spreadOf(rounds.map(({ client_cpu, total }) => client_cpu / (total * 1000))),
    disturbance,
  };
}
