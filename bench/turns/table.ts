// Turns the figures of all rounds into the tables of docs/performance.md: medians, with the least and the most.
import { type Disturbance, limits } from "../processes/foreign-load.ts";
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
  const hasRatio = names.includes(divided) && names.includes(divisor);
  const lines = shown.flatMap((row) => {
    // Without a quiet round it has no figures; a scenario that did not run has no row.
    if (!rounds.some(({ scenario }) => scenario === row.scenario)) return [];
    const cells = names.map((name) => {
      const mark = isLimitedByHelpers(rounds, row, name) ? " ‡" : "";
      return formatValues(present(valuesOf(rounds, row, name)), row.digits) + mark;
    });
    // Each round has its own ratio: anything that slowed the machine in a round slowed both.
    const ratios = hasRatio ? [formatValues(present(ratiosOf(rounds, row, divided, divisor)), 2)] : [];
    return [`| ${row.title} | ${[...cells, ...ratios].join(" | ")} | ${quietRounds(rounds, row).length} |`];
  });
  const divisions = hasRatio ? [`${titles[divided]} ÷ ${titles[divisor]}`] : [];
  const head = [...names.map((name) => titles[name]), ...divisions, "rounds"];
  return [`| | ${head.join(" | ")} |`, `|---|${"--:|".repeat(head.length)}`, ...lines].join("\n");
}

export function ratiosOf(rounds: Round[], row: Row, divided: TargetName, divisor: TargetName): (number | null)[] {
  const divisors = valuesOf(rounds, row, divisor);
  return valuesOf(rounds, row, divided).map((value, index) => ratio(value, divisors[index]));
}

/** What disturbed the machine, and which rounds were left out for it. */
export function formatDisturbance(rounds: Round[]): string {
  const noisy = rounds.filter((round) => round.noisy);
  const leftOut = noisy.length === 0 ? "." : `: ${countTitles(noisy)}.`;
  return [
    ...summarizeDisturbance(rounds.map(({ disturbance }) => disturbance)),
    `Left out: ${noisy.length} of ${rounds.length} rounds of a scenario, for foreign load above ${limits.foreign_cores} ` +
      `of a core or fixed work that took over ${limits.slowdown} times its usual time${leftOut}`,
  ].join("\n");
}

export function summarizeDisturbance(all: Disturbance[]): string[] {
  const foreign = present(all.map(({ foreign_cores }) => foreign_cores));
  const slow = all.map(({ slowdown }) => slowdown);
  return [
    foreign.length === 0
      ? "Foreign load was not measured: this system doesn't report it, nor CPU time and memory."
      : `Foreign load: ${median(foreign).toFixed(3)} of a core at the median, ${Math.max(...foreign).toFixed(3)} at most.`,
    `A fixed piece of work took ${median(slow).toFixed(2)} times its usual time at the median, ` +
      `${Math.max(...slow).toFixed(2)} at most.`,
  ];
}

function countTitles(rounds: Round[]): string {
  const counts = new Map<string, number>();
  for (const { scenario } of rounds) counts.set(scenario, (counts.get(scenario) ?? 0) + 1);
  return [...counts].map(([title, count]) => `${title} ${count}`).join(", ");
}

/** Beyond this share of their core, the model, D1 and the clients may be what was measured. */
export const BUSY = 0.9;

function isLimitedByHelpers(rounds: Round[], row: Row, name: TargetName): boolean {
  const shares = present(quietRounds(rounds, row).map(({ helpers_busy }) => helpers_busy[name] ?? null));
  return shares.length > 0 && median(shares) > BUSY;
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
