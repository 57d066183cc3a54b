// The chart's data, without drawing: every day of the period, sums, and a scale that ends at a round number.
import type { UsageDay } from "../../../protocol/usage.ts";

const dayMs = 24 * 60 * 60 * 1000;

/**
 * The server leaves out days without runs; a chart shows all of them, newest last. Days are in UTC, as the server
 * counts them.
 */
export function fillDays(known: UsageDay[], days: number, now: number): UsageDay[] {
  const byDate = new Map(known.map((day) => [day.date, day]));
  const today = Math.floor(now / dayMs) * dayMs;
  return Array.from({ length: days }, (_, place) => {
    const date = new Date(today - (days - 1 - place) * dayMs).toISOString().slice(0, 10);
    return byDate.get(date) ?? emptyDay(date);
  });
}

/** Sums the known costs; null where none is known. */
export function sumDays(days: UsageDay[]): UsageDay {
  const sum = emptyDay("");
  for (const day of days) {
    sum.runs += day.runs;
    sum.input_tokens += day.input_tokens;
    sum.cached_input_tokens += day.cached_input_tokens;
    sum.output_tokens += day.output_tokens;
    sum.cost_usd = add(sum.cost_usd, day.cost_usd);
    if (day.estimated !== undefined) sum.estimated = addEstimated(sum.estimated, day.estimated);
  }
  return sum;
}

type Estimated = NonNullable<UsageDay["estimated"]>;

function addEstimated(sum: Estimated | undefined, more: Estimated): Estimated {
  if (sum === undefined) return more;
  return {
    calls: sum.calls + more.calls,
    input_tokens: sum.input_tokens + more.input_tokens,
    output_tokens: sum.output_tokens + more.output_tokens,
    cost_usd: add(sum.cost_usd, more.cost_usd),
  };
}

function add(sum: number | null, more: number | null): number | null {
  return more === null ? sum : (sum ?? 0) + more;
}

/** What the bars show. A cost that is not known has no bar. */
export type Measure = "tokens" | "cost";

export function measured(day: UsageDay, measure: Measure): number {
  return measure === "cost" ? (day.cost_usd ?? 0) : tokensOf(day);
}

export interface Bar {
  /** From the bottom up, in percent of the chart's height. */
  cached: number;
  input: number;
  output: number;
}

/** The cached part belongs to the input: the part above it is the rest. */
export function drawBar(day: UsageDay, top: number): Bar {
  const part = (tokens: number): number => (top === 0 ? 0 : (Math.max(0, tokens) / top) * 100);
  const cached = Math.min(day.cached_input_tokens, day.input_tokens);
  return { cached: part(cached), input: part(day.input_tokens - cached), output: part(day.output_tokens) };
}

export function tokensOf(day: UsageDay): number {
  return day.input_tokens + day.output_tokens;
}

/** The least of 1, 2, 2.5, 5 and 10 times a power of ten that is no less than any day; 0 without data. */
export function findTop(days: UsageDay[], measure: Measure = "tokens"): number {
  const max = Math.max(0, ...days.map((day) => measured(day, measure)));
  if (max === 0) return 0;
  const power = 10 ** Math.floor(Math.log10(max));
  const step = [1, 2, 2.5, 5].find((each) => each * power >= max) ?? 10;
  return step * power;
}

/**
 * Which days are labelled below the chart: about five, the newest among them. Where there is little room, every second
 * label is enough.
 */
export function nameRank(place: number, days: number): "main" | "beside" | null {
  const step = Math.ceil(days / 5);
  const back = days - 1 - place;
  if (back % step !== 0) return null;
  return (back / step) % 2 === 0 ? "main" : "beside";
}

function emptyDay(date: string): UsageDay {
  return { date, runs: 0, input_tokens: 0, cached_input_tokens: 0, output_tokens: 0, cost_usd: null };
}
