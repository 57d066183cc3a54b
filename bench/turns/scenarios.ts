// What is measured on each target. Every measurement has a server process of its own that has taken 100 turns before.
// A figure is null where it can't be measured: only Linux reports CPU time and memory.
import type { LoadResult, LoadTask } from "../load/load.ts";
import type { Order } from "../load/order.ts";
import type { Turn } from "../load/turn.ts";
import { readCpu, readMemoryKib } from "../processes/process-usage.ts";
import type { NodeProgram } from "../processes/programs.ts";
import type { Server } from "../targets/servers.ts";
import type { TargetName } from "../targets/targets.ts";
import { difference, median } from "./figures.ts";

export interface Subject {
  server: Server;
  client: NodeProgram;
}

export type Figures = Partial<Record<FigureName, number | null>>;

export type FigureName =
  | `first_token_${1 | 10 | 50 | 200}`
  | "first_token_of_new_thread"
  | "turns_200"
  | "tokens_1"
  | "tokens_50"
  | "cpu_per_token"
  | "cpu_per_paced_token"
  | "short_turn"
  | "step_turn"
  | "cpu_of_steps"
  | `turn_${10 | 100 | 1000 | 10_000}`
  | "cpu_of_turns"
  | "peak_memory"
  | "memory_of_stream";

/** A scenario measures one subject; `id` makes the names of its threads unique. */
export interface Scenario {
  title: string;
  targets: readonly TargetName[];
  /** Skipped with `--short`. */
  long?: true;
  /** Each round gets the data of the one before. */
  keeps?: true;
  measure(subject: Subject, id: string): Promise<Figures>;
}

/** Steps of a turn with tools. They only view the plan, and the product ends a run at its fifteenth such step. */
export const STEPS = 10;

const loops = ["loop", "taskloom", "node", "agents"] as const;
const servers = ["pass-through", ...loops] as const;
const all = ["direct", ...servers] as const;
const withAgUi = [...all, "ag-ui"] as const;

const still: Order = { tokens: 20, rate: 0, steps: 0 };

/** A quarter of a second of text: a client that sends its next message at once takes four turns a second. */
const paced: Order = { tokens: 12, rate: 50, steps: 0 };
const PACED_MS = 240;

export const scenarios: Scenario[] = [
  {
    title: "1 client",
    targets: withAgUi,
    async measure(subject, id) {
      const [turns = []] = (await load(subject, id, { turns: 60, order: still })).clients;
      return { first_token_1: median(turns.slice(5).map(({ first }) => first)) };
    },
  },
  ...([10, 50, 200] as const).map(
    (clients): Scenario => ({
      title: `${clients} clients`,
      targets: all,
      ...(clients === 50 ? {} : { long: true as const }),
      async measure(subject, id) {
        const demand = { clients, turns: clients === 10 ? 12 : 8, order: paced, stagger_ms: PACED_MS / clients };
        const result = await load(subject, id, demand);
        const later = result.clients.flatMap((turns) => turns.slice(1));
        return { [`first_token_${clients}`]: median(later.map(({ first }) => first)) };
      },
    }),
  ),
  {
    title: "new threads",
    targets: all,
    async measure(subject, id) {
      const result = await load(subject, id, { clients: 40, order: still, stagger_ms: 30 });
      return { first_token_of_new_thread: median(result.clients.flat().map(({ first }) => first)) };
    },
  },
  {
    title: "turns of 200 clients",
    targets: all,
    long: true,
    async measure(subject, id) {
      const order = { tokens: 10, rate: 0, steps: 0 };
      const { total } = await load(subject, id, { clients: 200, turns: 4, order });
      return { turns_200: 800_000 / total };
    },
  },
  {
    title: "one stream",
    targets: withAgUi,
    async measure(subject, id) {
      const order = { tokens: 2000, rate: 0, steps: 0 };
      const [turns = []] = (await load(subject, id, { turns: 9, order })).clients;
      return { tokens_1: median(turns.slice(2).map(({ tokens, first, last }) => (tokens / (last - first)) * 1000)) };
    },
  },
  {
    title: "50 streams",
    targets: withAgUi,
    async measure(subject, id) {
      const order = { tokens: 1000, rate: 0, steps: 0 };
      const { result, cpu } = await loadWithCpu(subject, id, { clients: 50, order });
      return { tokens_50: (result.tokens / result.total) * 1000, cpu_per_token: divide(cpu, result.tokens) };
    },
  },
  {
    title: "50 streams at 200 tokens/s",
    targets: withAgUi,
    async measure(subject, id) {
      const order = { tokens: 600, rate: 200, steps: 0 };
      const { result, cpu } = await loadWithCpu(subject, id, { clients: 50, order, stagger_ms: 5 });
      return { cpu_per_paced_token: divide(cpu, result.tokens) };
    },
  },
  {
    title: "tool steps",
    targets: ["direct", ...loops],
    async measure(subject, id) {
      const brief = { tokens: 1, rate: 0, steps: 0 };
      const short_turn = median(
        (await load(subject, `${id}-brief`, { turns: 20, order: brief })).clients.flat().map(end),
      );
      // The model's own short turn is what one call of it costs.
      if (subject.server.name === "direct") return { short_turn };
      const { result, cpu } = await loadWithCpu(subject, id, { turns: 20, order: { ...brief, steps: STEPS } });
      return { short_turn, step_turn: median(result.clients.flat().map(end)), cpu_of_steps: divide(cpu, 20_000) };
    },
  },
  // Two hundred turns in five rounds, in the middle of which each thread has so many messages.
  lengthScenario("turn_10", { threads: 20, before: 4, measured: 2 }),
  lengthScenario("turn_100", { threads: 4, before: 45, measured: 10 }),
  lengthScenario("turn_1000", { threads: 1, before: 480, measured: 40 }),
  {
    title: "turn_10000",
    // The Agents SDK would take an hour to fill it: its time for a turn grows with the thread.
    targets: ["loop", "taskloom", "node"],
    long: true,
    keeps: true,
    async measure(subject, id) {
      const order = { tokens: 5, rate: 0, steps: 0 };
      // The first round fills the thread: with five rounds it has 10,000 messages in the middle of the third.
      if (id.endsWith("-0")) await load(subject, LONG_THREAD, { turns: 4900, order });
      const [turns = []] = (await load(subject, LONG_THREAD, { turns: 40, order })).clients;
      return { turn_10000: median(turns.map(end)) };
    },
  },
  {
    title: "1,000 turns of 50 tokens",
    targets: servers,
    long: true,
    async measure(subject, id) {
      const order = { tokens: 50, rate: 0, steps: 0 };
      const { cpu } = await loadWithCpu(subject, id, { clients: 10, turns: 100, order });
      return { cpu_of_turns: divide(cpu, 1_000_000), peak_memory: divide(memoryOf(subject, "peak"), 1024) };
    },
  },
  {
    title: "500 open streams",
    targets: servers,
    long: true,
    async measure(subject, id) {
      const before = memoryOf(subject, "now");
      const order = { tokens: 6, rate: 1, steps: 0 };
      const open = load(subject, id, { clients: 500, order, stagger_ms: 4 });
      // All have begun after two seconds, and the first ends after five.
      await new Promise((resolve) => setTimeout(resolve, 4_000));
      const grown = difference(memoryOf(subject, "now"), before);
      await open;
      return { memory_of_stream: divide(grown, 500) };
    },
  },
];

const LONG_THREAD = "thread-of-10000";

interface Length {
  threads: number;
  /** Turns of each thread before those that are measured. A turn makes two messages. */
  before: number;
  measured: number;
}

function lengthScenario(figure: `turn_${10 | 100 | 1000}`, { threads, before, measured }: Length): Scenario {
  return {
    title: figure,
    targets: loops,
    long: true,
    async measure(subject, id) {
      const order = { tokens: 5, rate: 0, steps: 0 };
      const turns: Turn[] = [];
      for (let thread = 0; thread < threads; thread++) {
        const demand = { turns: before + measured, order };
        const [taken = []] = (await load(subject, `${id}-${thread}`, demand)).clients;
        turns.push(...taken.slice(before));
      }
      return { [figure]: median(turns.map(end)) };
    },
  };
}

/** Compiled code, connections and caches are what a server has that is not just started. */
export async function warmUp(subject: Subject, id: string): Promise<void> {
  await load(subject, `${id}-warm`, { clients: 5, turns: 20, order: still });
}

type Demand = Partial<LoadTask> & { order: Order };

export async function load({ client, server }: Subject, prefix: string, demand: Demand): Promise<LoadResult> {
  const address = { name: server.name, url: server.url };
  const task: LoadTask = { address, prefix, clients: 1, turns: 1, stagger_ms: 0, ...demand };
  const answer = (await client.ask(task)) as { result?: LoadResult; error?: string };
  if (answer.result === undefined) throw new Error(answer.error ?? "the load client gave no result");
  return answer.result;
}

/** `cpu` is the server's time in µs. */
async function loadWithCpu(
  subject: Subject,
  prefix: string,
  demand: Demand,
): Promise<{ result: LoadResult; cpu: number | null }> {
  const { pid } = subject.server;
  const before = pid === null ? null : readCpu(pid);
  const result = await load(subject, prefix, demand);
  return { result, cpu: difference(pid === null ? null : readCpu(pid), before) };
}

function memoryOf({ server }: Subject, which: "now" | "peak"): number | null {
  return server.pid === null ? null : readMemoryKib(server.pid, which);
}

function divide(value: number | null, by: number): number | null {
  return value === null ? null : value / by;
}

function end(turn: Turn): number {
  return turn.end;
}
