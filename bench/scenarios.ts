// The measurements that each target gets in a round. A figure is null where it can't be measured: the model itself has
// no process that is watched, and only Linux reports CPU time.
import type { LoadResult, LoadTask } from "./load.ts";
import type { Order } from "./order.ts";
import { readCpu, readMemoryKib } from "./process-usage.ts";
import type { Program } from "./programs.ts";
import type { Target } from "./targets.ts";

export interface Subject {
  target: Target;
  /** Its workerd, where it can be measured. */
  runtime: number | null;
  client: Program;
}

export type Figures = Partial<Record<FigureName, number | null>>;

export type FigureName =
  | "first_token"
  | "first_token_of_new_thread"
  | "first_token_50"
  | "turns_200"
  | "tokens_1"
  | "tokens_50"
  | "cpu_per_token"
  | "cpu_per_turn"
  | "short_turn"
  | "step_turn"
  | "long_turn"
  | "memory";

/** A scenario measures one subject; `round` makes the names of its threads unique. */
export interface Scenario {
  title: string;
  /** Skipped with `--short`. */
  long?: true;
  measure(subject: Subject, round: string): Promise<Figures>;
}

/**
 * Steps of a turn with tools. They only view the plan, and the server ends a run at its fifteenth step without
 * progress.
 */
export const STEPS = 12;

const still: Order = { tokens: 20, rate: 0, steps: 0 };

export const scenarios: Scenario[] = [
  {
    title: "500 open streams",
    long: true,
    async measure(subject, round) {
      // Memory grows only in a young process; a later round finds memory that is already reserved.
      if (round !== "0") return {};
      const before = readMemoryKib(subject.runtime);
      const order = { tokens: 5, rate: 1, steps: 0 };
      const open = load(subject, `open-${round}`, { clients: 500, order, stagger_ms: 2 });
      await new Promise((resolve) => setTimeout(resolve, 3_000));
      const grown = difference(readMemoryKib(subject.runtime), before);
      await open;
      return { memory: grown === null ? null : grown / 500 };
    },
  },
  {
    title: "one client",
    async measure(subject, round) {
      const [turns = []] = (await load(subject, `one-${round}`, { turns: 25, order: still })).clients;
      return { first_token: median(turns.slice(5).map(({ first }) => first)) };
    },
  },
  {
    title: "new threads",
    async measure(subject, round) {
      const result = await load(subject, `new-${round}`, { clients: 15, order: still, stagger_ms: 30 });
      return { first_token_of_new_thread: median(result.clients.flat().map(({ first }) => first)) };
    },
  },
  {
    title: "50 clients",
    async measure(subject, round) {
      // Two seconds of text each, started 40 ms apart: 25 turns a second, which leaves every target idle time.
      const order = { tokens: 20, rate: 10, steps: 0 };
      const demand = { clients: 50, turns: 2, order, stagger_ms: 40 };
      const { clients } = await load(subject, `fifty-${round}`, demand);
      return { first_token_50: median(clients.flatMap((turns) => turns.slice(1)).map(({ first }) => first)) };
    },
  },
  {
    title: "turns of 50 tokens",
    async measure(subject, round) {
      const order = { tokens: 50, rate: 0, steps: 0 };
      const before = readCpu(subject.runtime);
      await load(subject, `turns-${round}`, { clients: 10, turns: 40, order });
      const used = difference(readCpu(subject.runtime), before);
      return { cpu_per_turn: used === null ? null : used / 1000 / (10 * 40) };
    },
  },
  {
    title: "one stream",
    async measure(subject, round) {
      const order = { tokens: 2000, rate: 0, steps: 0 };
      const [turns = []] = (await load(subject, `stream-${round}`, { turns: 8, order })).clients;
      return { tokens_1: median(turns.slice(3).map(({ first, last }) => (order.tokens / (last - first)) * 1000)) };
    },
  },
  {
    title: "50 streams",
    async measure(subject, round) {
      const order = { tokens: 1000, rate: 0, steps: 0 };
      const result = await load(subject, `streams-${round}`, { clients: 50, order });
      return { tokens_50: (result.tokens / result.total) * 1000 };
    },
  },
  {
    title: "50 streams at 200 tokens/s",
    async measure(subject, round) {
      const before = readCpu(subject.runtime);
      const order = { tokens: 600, rate: 200, steps: 0 };
      const result = await load(subject, `paced-${round}`, { clients: 50, order, stagger_ms: 5 });
      const used = difference(readCpu(subject.runtime), before);
      return { cpu_per_token: used === null ? null : used / result.tokens };
    },
  },
  {
    title: "200 clients",
    long: true,
    async measure(subject, round) {
      const order = { tokens: 10, rate: 0, steps: 0 };
      const result = await load(subject, `crowd-${round}`, { clients: 200, turns: 3, order });
      return { turns_200: 600_000 / result.total };
    },
  },
  {
    title: "tool steps",
    async measure(subject, round) {
      const ends = async (prefix: string, steps: number): Promise<number> => {
        const order = { tokens: 1, rate: 0, steps };
        const [turns = []] = (await load(subject, `${prefix}-${round}`, { turns: 6, order })).clients;
        return median(turns.slice(2).map(({ end }) => end));
      };
      const short_turn = await ends("brief", 0);
      // The model's own short turn is the cost of one call; only targets with a loop have steps.
      const loops = subject.target.name === "loop" || subject.target.name === "taskloom";
      return { short_turn, step_turn: loops ? await ends("steps", STEPS) : null };
    },
  },
  {
    title: "a thread of 1,000 messages",
    long: true,
    async measure(subject, round) {
      if (round === "0") await fillLongThread(subject);
      const order = { tokens: 5, rate: 0, steps: 0 };
      const [turns = []] = (await load(subject, LONG_THREAD, { turns: 5, order })).clients;
      return { long_turn: median(turns.map(({ end }) => end)) };
    },
  },
];

const LONG_THREAD = "thousand";

/** Runs turns until the long thread has its 1,000 messages. */
async function fillLongThread(subject: Subject): Promise<void> {
  await load(subject, LONG_THREAD, { turns: 500, order: { tokens: 5, rate: 0, steps: 0 } });
}

type Demand = Partial<LoadTask> & { order: Order };

export async function load({ client, target }: Subject, prefix: string, demand: Demand): Promise<LoadResult> {
  const task: LoadTask = { target, prefix, clients: 1, turns: 1, stagger_ms: 0, ...demand };
  const answer = (await client.ask(task)) as { result?: LoadResult; error?: string };
  if (answer.result === undefined) throw new Error(answer.error ?? "the load client gave no result");
  return answer.result;
}

export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/** Null where either value is missing. */
export function difference(one: number | null | undefined, other: number | null | undefined): number | null {
  return one == null || other == null ? null : one - other;
}
