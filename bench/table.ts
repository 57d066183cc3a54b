// Turns the figures of all rounds into the table of docs/performance.md.
import { difference, type FigureName, type Figures, median, STEPS } from "./scenarios.ts";
import { type RowCounts, type TargetName, targetNames } from "./targets.ts";

/** One round: the figures of each target, measured one after another. */
export type Round = Partial<Record<TargetName, Figures>>;

const servers = targetNames.filter((name) => name !== "direct");

interface Row {
  title: string;
  /** Null where the round lacks the figure. */
  value(of: Figures, direct: Figures): number | null;
  digits: number;
}

function plain(name: FigureName): Row["value"] {
  return (of) => of[name] ?? null;
}

function added(name: FigureName): Row["value"] {
  return (of, direct) => difference(of[name], direct[name]);
}

const rows: Row[] = [
  { title: "added time to first token, p50 ms, 1 client", value: added("first_token"), digits: 2 },
  { title: "the same, 50 clients", value: added("first_token_50"), digits: 2 },
  { title: "the same, first turn of a thread", value: added("first_token_of_new_thread"), digits: 2 },
  { title: "turns/s, 200 clients", value: plain("turns_200"), digits: 0 },
  { title: "one stream, tokens/s", value: plain("tokens_1"), digits: 0 },
  { title: "50 streams, tokens/s in all", value: plain("tokens_50"), digits: 0 },
  { title: "CPU µs per token (50 streams of 200 tokens/s)", value: plain("cpu_per_token"), digits: 1 },
  { title: "CPU ms per turn of 50 tokens", value: plain("cpu_per_turn"), digits: 2 },
  {
    title: "added ms per tool step",
    value: (of, direct) => {
      const steps = difference(of.step_turn, of.short_turn);
      return steps === null ? null : difference(steps / STEPS, direct.short_turn);
    },
    digits: 2,
  },
  { title: "turn in a thread of 1,000 messages, added ms", value: added("long_turn"), digits: 1 },
  { title: "KiB per open stream (500 open)", value: plain("memory"), digits: 0 },
];

export function formatTable(rounds: Round[]): string {
  const lines = rows.flatMap((row) => {
    const medians = servers.map((name) => medianOf(rounds, row, name));
    if (medians.every((value) => value === null)) return [];
    // Each round has its own ratio: anything that slowed the machine in a round slowed both.
    const ratio = medianOfDefined(rounds.map((round) => ratioOf(round, row)));
    const cells = [...medians.map((value) => format(value, row.digits)), format(ratio, 2)];
    return [`| ${row.title} | ${cells.join(" | ")} |`];
  });
  return [`| | ${servers.join(" | ")} | taskloom ÷ loop |`, "|---|--:|--:|--:|--:|", ...lines].join("\n");
}

export function formatRows(counts: { title: string; rows: RowCounts }[]): string {
  const lines = counts.map(({ title, rows: { object_rows, object_writes, database_rows, database_calls } }) => {
    const cells = [object_rows, object_writes, database_rows, database_calls].map((value) => String(+value.toFixed(1)));
    return `| ${title} | ${cells.join(" | ")} |`;
  });
  const head = "| | object: rows written | in statements | D1: rows written | in batches |";
  return [head, "|---|--:|--:|--:|--:|", ...lines].join("\n");
}

function figureOf(round: Round, row: Row, name: TargetName): number | null {
  const { [name]: of, direct } = round;
  return of === undefined || direct === undefined ? null : row.value(of, direct);
}

function ratioOf(round: Round, row: Row): number | null {
  const product = figureOf(round, row, "taskloom");
  const loop = figureOf(round, row, "loop");
  return product === null || loop === null || loop === 0 ? null : product / loop;
}

function medianOf(rounds: Round[], row: Row, name: TargetName): number | null {
  return medianOfDefined(rounds.map((round) => figureOf(round, row, name)));
}

function medianOfDefined(values: (number | null)[]): number | null {
  const defined = values.filter((value) => value !== null);
  return defined.length === 0 ? null : median(defined);
}

function format(value: number | null, digits: number): string {
  if (value === null) return "–";
  return value >= 10_000 ? `${(value / 1000).toFixed(1)}k` : value.toFixed(digits);
}
