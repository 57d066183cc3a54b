// What is measured on each target. Every measurement has a server process of its own that has taken 100 turns before.
// A figure is null where it can't be measured: only Linux reports CPU time and memory.
import { readCpu, readMemoryKib } from "../processes/process-usage.ts";
import type { TargetName } from "../targets/targets.ts";
import { difference, divide, median, percentile } from "./figures.ts";
import { load, loadWithCpu, memoryOf, order, type Subject } from "./subject.ts";

export type Figures = Partial<Record<FigureName, number | null>>;

export type FigureName =
  | `first_token_${1 | 10 | 50 | 200}`
  | `late_first_token_${50 | 200}`
  | "first_token_of_new_thread"
  | `turns_${50 | 200}`
  | "tokens_1"
  | "tokens_50"
  | "cpu_per_token"
  | "cpu_per_paced_token"
  | "short_turn"
  | "step_turn"
  | "cpu_of_steps"
  | `turn_${10 | 100 | 1000 | 10_000}`
  | "waking_turn_10000"
  | "cpu_of_turns"
  | "database_cpu_of_turns"
  | "peak_memory"
  | "memory_of_stream";

/** A scenario measures one subject; `id` makes the names of its threads unique. */
export interface Scenario {
  title: string;
  targets: readonly TargetName[];
  /** Skipped with `--short`. */
  long?: true;
  /** Before the first round, in a server process that then ends. All rounds get its data. */
  fill?(subject: Subject): Promise<unknown>;
  /** Before the measurement, in the same process. */
  prepare?(subject: Subject, id: string): Promise<unknown>;
  measure(subject: Subject, id: string): Promise<Figures>;
}

/** Steps of a turn with tools. They only view the plan, and the product ends a run at its fifteenth such step. */
export const STEPS = 10;

const loops = ["loop", "taskloom", "node", "agents"] as const;
const servers = ["pass-through", ...loops] as const;
const all = ["direct", ...servers] as const;
const withAgUi = [...all, "ag-ui"] as const;

/** A quarter of a second of text: a client that sends its next message at once takes four turns a second at most. */
const paced = order({ tokens: 12, rate: 50 });
const PACED_MS = 240;

/** Makes the threads, since a first turn costs more than a later one. */
function makeThreads(clients: number): NonNullable<Scenario["prepare"]> {
  return (subject, id) => load(subject, id, { clients, order: order({ tokens: 1 }), stagger_ms: 20 });
}

const firstTokens: Scenario[] = ([1, 10, 50, 200] as const).map((clients) => ({
  title: clients === 1 ? "1 client" : `${clients} clients`,
  targets: clients === 1 ? withAgUi : all,
  ...(clients === 10 || clients === 200 ? { long: true as const } : {}),
  prepare: makeThreads(clients),
  async measure(subject, id) {
    // One client alone sends short turns, so that there are enough of them.
    const demand =
      clients === 1
        ? { turns: 250, order: order({ tokens: 20 }) }
        : { clients, turns: clients === 10 ? 12 : 8, order: paced, stagger_ms: PACED_MS / clients };
    const result = await load(subject, id, demand);
    const first = result.clients.flat().map((turn) => turn.first);
    if (clients < 50) return { [`first_token_${clients}`]: median(first) };
    return {
      [`first_token_${clients}`]: median(first),
      [`late_first_token_${clients}`]: percentile(first, 0.95),
      [`turns_${clients}`]: clients === 50 ? (first.length / result.total) * 1000 : undefined,
    };
  },
}));

const throughput: Scenario[] = [
  {
    title: "new threads",
    targets: all,
    async measure(subject, id) {
      const result = await load(subject, id, { clients: 40, order: order({ tokens: 20 }), stagger_ms: 30 });
      return { first_token_of_new_thread: median(result.clients.flat().map(({ first }) => first)) };
    },
  },
  {
    title: "turns of 200 clients",
    targets: all,
    long: true,
    async measure(subject, id) {
      const { total } = await load(subject, id, { clients: 200, turns: 4, order: order({ tokens: 10 }) });
      return { turns_200: 800_000 / total };
    },
  },
  {
    title: "one stream",
    targets: withAgUi,
    prepare: makeThreads(1),
    async measure(subject, id) {
      const [turns = []] = (await load(subject, id, { turns: 5, order: order({ tokens: 5000 }) })).clients;
      const rates = turns.map((turn) => ((turn.tokens - turn.first_tokens) / (turn.last - turn.first)) * 1000);
      return { tokens_1: median(rates) };
    },
  },
  {
    title: "50 streams",
    targets: withAgUi,
    prepare: makeThreads(50),
    async measure(subject, id) {
      const { result, cpu } = await loadWithCpu(subject, id, { clients: 50, order: order({ tokens: 1000 }) });
      return { tokens_50: (result.tokens / result.total) * 1000, cpu_per_token: divide(cpu, result.tokens) };
    },
  },
  {
    title: "50 streams at 200 tokens/s",
    targets: withAgUi,
    prepare: makeThreads(50),
    async measure(subject, id) {
      const demand = { clients: 50, order: order({ tokens: 600, rate: 200 }), stagger_ms: 5 };
      const { result, cpu } = await loadWithCpu(subject, id, demand);
      return { cpu_per_paced_token: divide(cpu, result.tokens) };
    },
  },
  {
    title: "tool steps",
    targets: ["direct", ...loops],
    async measure(subject, id) {
      const brief = order({ tokens: 1 });
      const short_turn = median(
        (await load(subject, `${id}-brief`, { turns: 20, order: brief })).clients.flat().map(end),
      );
      // The model's own short turn is what one call of it costs.
      if (subject.server.name === "direct") return { short_turn };
      const { result, cpu } = await loadWithCpu(subject, id, { turns: 20, order: order({ tokens: 1, steps: STEPS }) });
      return { short_turn, step_turn: median(result.clients.flat().map(end)), cpu_of_steps: divide(cpu, 20_000) };
    },
  },
];

// Seventy turns a round, so three rounds have over 200, in the middle of which each thread has so many messages. A turn
// makes two.
const lengths: Scenario[] = [
  measureLength(10, { threads: 35, turns: 2 }),
  measureLength(100, { threads: 7, turns: 10 }),
  measureLength(1000, { threads: 1, turns: 70 }),
  {
    title: "10,000 messages",
    // The Agents SDK would take an hour to fill it: its time for a turn grows with the thread.
    targets: ["loop", "taskloom", "node"],
    long: true,
    // Three rounds have 10,000 messages in the middle of the second.
    fill: (subject) => load(subject, LONG_THREAD, { turns: 4890, order: order({ tokens: 5 }) }),
    async measure(subject) {
      const [turns = []] = (await load(subject, LONG_THREAD, { turns: 71, order: order({ tokens: 5 }) })).clients;
      return { waking_turn_10000: turns[0]?.end ?? null, turn_10000: median(turns.slice(1).map(end)) };
    },
  },
];

const LONG_THREAD = "thread-of-10000";

function measureLength(messages: 10 | 100 | 1000, { threads, turns }: { threads: number; turns: number }): Scenario {
  const each = { clients: threads, order: order({ tokens: 5 }) };
  return {
    title: `${messages.toLocaleString("en")} messages`,
    targets: loops,
    long: true,
    prepare: (subject, id) => load(subject, id, { ...each, turns: messages / 2 - turns / 2 }),
    async measure(subject, id) {
      const taken: number[] = [];
      // One thread at a time.
      for (let first_client = 0; first_client < threads; first_client++) {
        const { clients } = await load(subject, id, { ...each, clients: 1, first_client, turns });
        taken.push(...clients.flat().map(end));
      }
      return { [`turn_${messages}`]: median(taken) };
    },
  };
}

const OPEN_STREAMS = 500;
const OPEN_STAGGER_MS = 16;
/** All have begun after eight seconds, and the first ends after fourteen. */
const OPEN_MS = 11_000;

const usage: Scenario[] = [
  {
    title: "1,000 turns of 50 tokens",
    targets: servers,
    long: true,
    async measure(subject, id) {
      const database = readCpu(subject.database);
      const { cpu } = await loadWithCpu(subject, id, { clients: 10, turns: 100, order: order({ tokens: 50 }) });
      const usesDatabase = subject.server.name === "taskloom";
      const database_cpu = usesDatabase ? divide(difference(readCpu(subject.database), database), 1_000_000) : null;
      const peak_memory = divide(memoryOf(subject, "peak"), 1024);
      return { cpu_of_turns: divide(cpu, 1_000_000), database_cpu_of_turns: database_cpu, peak_memory };
    },
  },
  {
    title: "500 open streams",
    targets: servers,
    long: true,
    async measure(subject, id) {
      const { pid } = subject.server;
      const before = memoryOf(subject, "now");
      const demand = { clients: OPEN_STREAMS, order: order({ tokens: 15, rate: 1 }), stagger_ms: OPEN_STAGGER_MS };
      const read = new Promise<number | null>((resolve) => {
        setTimeout(() => resolve(pid === null ? null : readMemoryKib(pid, "now")), OPEN_MS);
      });
      const [{ clients }, now] = await Promise.all([load(subject, id, demand), read]);
      const turns = clients.flat();
      const begun = Math.min(...turns.map((turn) => turn.begun));
      // Otherwise fewer streams were open when the memory was read.
      const wereOpen = turns.every(
        (turn) => turn.begun + turn.first - begun < OPEN_MS && turn.begun + turn.end - begun > OPEN_MS,
      );
      return { memory_of_stream: wereOpen ? divide(difference(now, before), OPEN_STREAMS) : null };
    },
  },
];

export const scenarios: Scenario[] = [...firstTokens, ...throughput, ...lengths, ...usage];

function end(turn: { end: number }): number {
  return turn.end;
}
