// Turns the figures of all rounds into the tables of docs/performance.md: medians, with the least and the most.
import { limits } from "../processes/foreign-load.ts";
import { type TargetName, titles } from "../targets/targets.ts";
import { median, present, ratio } from "./figures.ts";
import type { Round } from "./rounds.ts";
import { quietRounds, type Row, valuesOf } from "./rows.ts";

/** Columns for `names`, and one that divides `divided` by `divisor` round by round. Rows without a figure are left out. */
export function formatTable(
  rounds: Round[],
  shown: Row[],
  names: TargetName[],
  divided: TargetName,
  divisor: TargetName,
): string {
  const lines = shown.flatMap((row) => {
    const cells = names.map((name) => formatValues(present(valuesOf(rounds, row, name)), row.digits));
    if (cells.every((cell) => cell === NONE)) return [];
    // Each round has its own ratio: anything that slowed the machine in a round slowed both.
    const ratios = present(ratiosOf(rounds, row, divided, divisor));
    return [
      `| ${row.title} | ${[...cells, formatValues(ratios, 2)].join(" | ")} | ${quietRounds(rounds, row).length} |`,
    ];
  });
  const head = [...names.map((name) => titles[name]), `${titles[divided]} ÷ ${titles[divisor]}`, "rounds"];
  return [`| | ${head.join(" | ")} |`, `|---|${"--:|".repeat(head.length)}`, ...lines].join("\n");
}

export function ratiosOf(rounds: Round[], row: Row, divided: TargetName, divisor: TargetName): (number | null)[] {
  const divisors = valuesOf(rounds, row, divisor);
  return valuesOf(rounds, row, divided).map((value, index) => ratio(value, divisors[index]));
}

/** What disturbed the machine, and which rounds were left out for it. */
export function formatDisturbance(rounds: Round[]): string {
  const noisy = rounds.filter((round) => round.noisy);
  const foreign = rounds.map(({ disturbance }) => disturbance.foreign_cores);
  const slow = rounds.map(({ disturbance }) => disturbance.slowdown);
  const lines = [
    `Foreign load: ${median(foreign).toFixed(3)} of a core in the median round, ${Math.max(...foreign).toFixed(3)} at most.`,
    `A fixed piece of work took ${median(slow).toFixed(2)} times its usual time in the median round, ` +
      `${Math.max(...slow).toFixed(2)} at most.`,
    `Left out: ${noisy.length} of ${rounds.length} rounds of a scenario, since foreign load was above ` +
      `${limits.foreign_cores} of a core or the fixed work took over ${limits.slowdown} times its usual time` +
      `${noisy.length === 0 ? "." : `: ${countTitles(noisy)}.`}`,
  ];
  return lines.join("\n");
}

function countTitles(rounds: Round[]): string {
  const counts = new Map<string, number>();
  for (const { scenario } of rounds) counts.set(scenario, (counts.get(scenario) ?? 0) + 1);
  return [...counts].map(([title, count]) => `${title} ${count}`).join(", ");
}

const NONE = "–";

function formatValues(values: number[], digits: number): string {
  if (values.length === 0) return NONE;
  const middle = formatValue(median(values), digits);
  if (values.length === 1) return middle;
  return `${middle} (${formatValue(Math.min(...values), digits)}–${formatValue(Math.max(...values), digits)})`;
}

function formatValue(value: number, digits: number): string {
  return Math.abs(value) >= 10_000 ? `${(value / 1000).toFixed(1)}k` : value.toFixed(digits);
}
