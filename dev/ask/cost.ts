// What a request took and cost, as a line of text. Pure.
import type { Run, Usage } from "../../src/protocol/run.ts";
import { formatMoney } from "../../src/web/client/money.ts";

/** An answer to a question is a run of its own, and a request ends with the last of them. Null if none could be read. */
export function sumUsage(runs: (Pick<Run, "usage"> | null)[]): Usage | null {
  const [first, ...others] = runs.flatMap((run) => (run === null ? [] : [run.usage]));
  return first === undefined ? null : others.reduce(addUp, first);
}

/** Sums what is known of the costs. */
function addUp(sum: Usage, more: Usage): Usage {
  const calls = (sum.estimated?.calls ?? 0) + (more.estimated?.calls ?? 0);
  const known = addCosts(sum.estimated?.cost_usd ?? null, more.estimated?.cost_usd ?? null);
  return {
    ...addTokens(sum, more),
    cost_usd: addCosts(sum.cost_usd, more.cost_usd),
    ...(calls > 0 && { estimated: { calls, ...addTokens(sum.estimated, more.estimated), cost_usd: known } }),
  };
}

function addTokens(sum: Partial<Usage> = {}, more: Partial<Usage> = {}) {
  return {
    input_tokens: (sum.input_tokens ?? 0) + (more.input_tokens ?? 0),
    cached_input_tokens: (sum.cached_input_tokens ?? 0) + (more.cached_input_tokens ?? 0),
    output_tokens: (sum.output_tokens ?? 0) + (more.output_tokens ?? 0),
  };
}

function addCosts(one: number | null, other: number | null): number | null {
  return one === null || other === null ? (one ?? other) : one + other;
}

export function costLine(usage: Usage): string {
  const { input_tokens, cached_input_tokens, output_tokens, cost_usd, estimated } = usage;
  const cached = cached_input_tokens > 0 ? ` (${count(cached_input_tokens)} cached)` : "";
  if (input_tokens + output_tokens === 0) return "No tokens used.";
  const tokens = `${count(input_tokens)} tokens in${cached}, ${count(output_tokens)} out`;
  const cost = cost_usd === null ? "cost unknown" : money(cost_usd);
  return `${tokens}, ${cost}${estimated === undefined ? "" : describeEstimate(estimated)}`;
}

/** What no provider has counted is charged at the most that it can have been. */
function describeEstimate({ calls, cost_usd }: NonNullable<Usage["estimated"]>): string {
  const what = calls === 1 ? "1 call that broke off is" : `${calls} calls that broke off are`;
  return `; ${what} estimated${cost_usd === null ? "" : `, at most ${money(cost_usd)}`}`;
}

function count(tokens: number): string {
  return tokens.toLocaleString("en-US");
}

const money = (usd: number): string => formatMoney("en-US", usd);
