// What a deployment does at a moment: D1's overview and the queues' backlog. Read for metrics and for the line that the
// clock writes each minute. What fails is missing, and says so.
import { describeError, logWarning } from "../lib/log.ts";
import { type Timers, withinTime } from "../lib/time-limit.ts";
import { type Overview, readOverview } from "../store/monitor/overview.ts";

/** A scraper gives up after ten seconds. */
const PART_MS = 4_000;

type BacklogSource = Pick<Queue<unknown>, "metrics">;

export interface StatePorts {
  database: D1Database;
  /** By what people call them. */
  queues: Record<string, BacklogSource | undefined>;
  timers: Timers;
  now: () => number;
}

export interface Backlog {
  queue: string;
  messages: number;
  bytes: number;
  /** Null if the platform does not say. */
  oldest_ms: number | null;
}

export interface DeploymentState {
  at: number;
  ms: number;
  /** Null while D1 fails. */
  overview: Overview | null;
  /** Without the queues that did not answer. */
  backlogs: Backlog[];
  failed_queues: string[];
}

/** Never rejects. */
export async function readState({ database, queues, timers, now }: StatePorts): Promise<DeploymentState> {
  const at = now();
  const ask = async <T>(part: string, question: () => Promise<T>): Promise<T | null> => {
    try {
      return await withinTime(timers, PART_MS, part, question());
    } catch (error) {
      logWarning("state_not_read", { part, error: describeError(error) });
      return null;
    }
  };
  const sources = Object.entries(queues).flatMap(([name, source]) => (source ? [[name, source] as const] : []));
  const [overview, ...answers] = await Promise.all([
    ask("D1", () => readOverview(database, at)),
    ...sources.map(([name, source]) => ask("the queue", () => readBacklog(name, source))),
  ]);
  const backlogs = answers.filter((backlog) => backlog !== null);
  const failed_queues = sources.flatMap(([name], place) => (answers[place] === null ? [name] : []));
  return { at, ms: now() - at, overview, backlogs, failed_queues };
}

async function readBacklog(queue: string, source: BacklogSource): Promise<Backlog> {
  const { backlogCount, backlogBytes, oldestMessageTimestamp } = await source.metrics();
  const oldest = oldestMessageTimestamp === undefined ? null : new Date(oldestMessageTimestamp).getTime();
  // The platform says 1970 of an empty queue.
  return { queue, messages: backlogCount, bytes: backlogBytes, oldest_ms: backlogCount > 0 ? oldest : null };
}
