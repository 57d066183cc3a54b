// The rows of the table and the chart: what each says, from the figures of a round.
import type { TargetName } from "../targets/targets.ts";
import { difference } from "./figures.ts";
import type { Round } from "./rounds.ts";
import { type FigureName, type Figures, STEPS } from "./scenarios.ts";

export interface Row {
  title: string;
  /** A shorter one, for rows that the chart has. */
  label?: string;
  scenario: string;
  /** Null where the round lacks a figure. */
  value(of: Figures, direct: Figures | undefined): number | null;
  digits: number;
  /** For the chart: which direction is good. */
  better: "less" | "more";
}

function plain(name: FigureName): Row["value"] {
  return (of) => of[name] ?? null;
}

/** Above what the model itself took in the same round. */
function added(name: FigureName): Row["value"] {
  return (of, direct) => difference(of[name], direct?.[name]);
}

function perStep(of: Figures, direct: Figures | undefined): number | null {
  const steps = difference(of.step_turn, of.short_turn);
  return steps === null ? null : difference(steps / STEPS, direct?.short_turn);
}

const less = "less" as const;
const more = "more" as const;

export const rows: Row[] = [
  {
    title: "added time to first token, 1 client, ms",
    label: "first token, 1 client",
    scenario: "1 client",
    value: added("first_token_1"),
    digits: 2,
    better: less,
  },
  ...([10, 50, 200] as const).map(
    (clients): Row => ({
      title: `added time to first token, ${clients} clients, ms`,
      ...(clients === 50 ? { label: "first token, 50 clients" } : {}),
      scenario: `${clients} clients`,
      value: added(`first_token_${clients}`),
      digits: 2,
      better: less,
    }),
  ),
  ...([50, 200] as const).map(
    (clients): Row => ({
      title: `time to first token, ${clients} clients, p95 ms`,
      scenario: `${clients} clients`,
      value: plain(`late_first_token_${clients}`),
      digits: 1,
      better: less,
    }),
  ),
  {
    title: "turns/s that 50 clients got, of 200",
    scenario: "50 clients",
    value: plain("turns_50"),
    digits: 0,
    better: more,
  },
  {
    title: "added time to first token, first turn of a thread, ms",
    label: "first token of a new thread",
    scenario: "new threads",
    value: added("first_token_of_new_thread"),
    digits: 2,
    better: less,
  },
  {
    title: "turns/s, 200 clients at full speed",
    label: "turns/s, 200 clients",
    scenario: "turns of 200 clients",
    value: plain("turns_200"),
    digits: 0,
    better: more,
  },
  {
    title: "one stream at full speed, tokens/s",
    label: "one stream, tokens/s",
    scenario: "one stream",
    value: plain("tokens_1"),
    digits: 0,
    better: more,
  },
  {
    title: "50 streams at full speed, tokens/s in all",
    label: "50 streams, tokens/s",
    scenario: "50 streams",
    value: plain("tokens_50"),
    digits: 0,
    better: more,
  },
  {
    title: "CPU µs per token, 50 streams at full speed",
    scenario: "50 streams",
    value: plain("cpu_per_token"),
    digits: 1,
    better: less,
  },
  {
    title: "CPU µs per token, 50 streams at 200 tokens/s",
    label: "CPU per token, 200 tokens/s",
    scenario: "50 streams at 200 tokens/s",
    value: plain("cpu_per_paced_token"),
    digits: 1,
    better: less,
  },
  {
    title: "added ms per tool step",
    label: "tool step",
    scenario: "tool steps",
    value: perStep,
    digits: 2,
    better: less,
  },
  {
    title: `CPU ms of a turn with ${STEPS} steps`,
    scenario: "tool steps",
    value: plain("cpu_of_steps"),
    digits: 1,
    better: less,
  },
  ...([10, 100, 1000, 10_000] as const).map(
    (messages): Row => ({
      title: `turn in a thread of ${messages.toLocaleString("en")} messages, ms`,
      ...(messages === 1000 ? { label: "turn after 1,000 messages" } : {}),
      scenario: `${messages.toLocaleString("en")} messages`,
      value: plain(`turn_${messages}`),
      digits: 2,
      better: less,
    }),
  ),
  {
    title: "first turn after a restart, 10,000 messages, ms",
    scenario: "10,000 messages",
    value: plain("waking_turn_10000"),
    digits: 1,
    better: less,
  },
  {
    title: "CPU s of 1,000 turns of 50 tokens",
    label: "CPU of 1,000 turns",
    scenario: "1,000 turns of 50 tokens",
    value: plain("cpu_of_turns"),
    digits: 2,
    better: less,
  },
  {
    title: "CPU s of D1's own process meanwhile",
    scenario: "1,000 turns of 50 tokens",
    value: plain("database_cpu_of_turns"),
    digits: 2,
    better: less,
  },
  {
    title: "peak memory under these 1,000 turns, MiB",
    label: "peak memory",
    scenario: "1,000 turns of 50 tokens",
    value: plain("peak_memory"),
    digits: 0,
    better: less,
  },
  {
    title: "KiB per open stream, 500 new threads",
    label: "memory per open stream",
    scenario: "500 open streams",
    value: plain("memory_of_stream"),
    digits: 0,
    better: less,
  },
];

/** The row's value for a target in each quiet round of its scenario that has one. */
export function valuesOf(rounds: Round[], row: Row, name: TargetName): (number | null)[] {
  return quietRounds(rounds, row).map(({ figures }) => {
    const { [name]: of, direct } = figures;
    return of === undefined ? null : row.value(of, direct);
  });
}

export function quietRounds(rounds: Round[], { scenario }: Row): Round[] {
  return rounds.filter((round) => round.scenario === scenario && !round.noisy);
}
