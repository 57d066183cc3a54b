// How a turn's cost grows with the messages of its thread. Short lengths need several threads for enough turns; from
// 300 on it is one thread, filled by turns and measured on its way. Each length has a server process of its own, which
// takes the turns that are missing to it. A further process counts rows, since that costs time.
import type { Order } from "../load/order.ts";
import type { Turn } from "../load/turn.ts";
import type { Disturbance } from "../processes/foreign-load.ts";
import type { Parts } from "../targets/servers.ts";
import { load, type Served } from "../turns/subject.ts";
import { folderOf, memoryMib, type Stage, startParts, type TurnTimes, timesOf, withServer } from "./stage.ts";
import { readStoredThread, type Stored } from "./stored-rows.ts";
import { type TurnRows, withRowCounter } from "./turn-rows.ts";

const targets = ["taskloom", "loop"] as const;

interface Length {
  messages: number;
  threads: number;
  /** Turns of each thread, in the middle of which it has so many messages. */
  measured: number;
}

const lengths: Length[] = [
  { messages: 10, threads: 20, measured: 2 },
  { messages: 30, threads: 10, measured: 4 },
  { messages: 100, threads: 4, measured: 10 },
  ...[300, 1000, 3000, 10_000].map((messages) => ({ messages, threads: 1, measured: 40 })),
];

/** The longest with `--short`. */
const SHORT_LENGTH = 100;

export interface Measured {
  times: TurnTimes;
  memory_mib: number | null;
  disturbance: Disturbance;
}

export interface MessagesPoint {
  messages: number;
  taskloom: Measured;
  loop: Measured;
  rows: TurnRows;
  stored: Stored;
}

const order: Order = { tokens: 5, rate: 0, steps: 0 };

/** Turns whose rows are counted, after one that wakes the object. */
const COUNTED = 5;

export async function measureMessages(stage: Stage, short: boolean): Promise<MessagesPoint[]> {
  const { parts, stop } = await startParts(stage, "messages");
  const points: MessagesPoint[] = [];
  const taken = new Map<string, number>();
  for (const length of lengths.filter(({ messages }) => !short || messages <= SHORT_LENGTH)) {
    console.error(`growth: a thread of ${length.messages} messages`);
    points.push(await measurePoint(stage, parts, length, taken));
  }
  await stop();
  return points;
}

/** `taken` has the turns that each thread has had. */
async function measurePoint(
  stage: Stage,
  parts: Parts,
  length: Length,
  taken: Map<string, number>,
): Promise<MessagesPoint> {
  const measured: Partial<Record<(typeof targets)[number], Measured>> = {};
  for (const name of targets) {
    const point = { parts, name, data: `messages-${name}`, id: `${name}-${length.messages}` };
    measured[name] = await withServer(stage, point, (subject) => measureLength(stage, subject, length, taken));
  }
  const { taskloom, loop } = measured;
  if (taskloom === undefined || loop === undefined) throw new Error("a target was not measured");
  const [prefix = ""] = prefixesOf("taskloom", length);
  const stored = readStoredThread(folderOf(stage, "messages-taskloom"), `${prefix}-0`);
  const rows = await countRows(stage, parts, prefix);
  taken.set(prefix, (taken.get(prefix) ?? 0) + 1 + COUNTED);
  return { messages: length.messages, taskloom, loop, rows, stored };
}

async function measureLength(
  { watch }: Stage,
  subject: Served,
  length: Length,
  taken: Map<string, number>,
): Promise<Measured> {
  const before = length.messages / 2 - Math.floor(length.measured / 2);
  const { result: turns, disturbance } = await watch.during(async () => {
    const turns: Turn[] = [];
    for (const prefix of prefixesOf(subject.server.name, length)) {
      const missing = before - (taken.get(prefix) ?? 0);
      const [all = []] = (await load(subject, prefix, { turns: missing + length.measured, order })).clients;
      taken.set(prefix, before + length.measured);
      turns.push(...all.slice(missing));
    }
    return turns;
  });
  return { times: timesOf(turns), memory_mib: memoryMib(subject), disturbance };
}

/** A load's only thread has its prefix and `-0` as its name. */
function prefixesOf(target: string, { messages, threads }: Length): string[] {
  if (threads === 1) return [`${target}-long`];
  return Array.from({ length: threads }, (_, thread) => `${target}-of-${messages}-${thread}`);
}

async function countRows(stage: Stage, parts: Parts, prefix: string): Promise<TurnRows> {
  return withRowCounter(stage, parts, "messages-taskloom", async ({ subject, count }) => {
    await load(subject, prefix, { order });
    return count([`${prefix}-0`], COUNTED, () => load(subject, prefix, { turns: COUNTED, order }));
  });
}
