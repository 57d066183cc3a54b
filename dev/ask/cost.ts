// What a run took and cost, as a line of text. Pure.
import type { Usage } from "../../src/protocol/run.ts";
import { formatMoney } from "../../src/web/client/money.ts";

export function costLine(usage: Usage): string {
  const { input_tokens, cached_input_tokens, output_tokens, cost_usd, estimated } = usage;
  const cached = cached_input_tokens > 0 ? ` (${count(cached_input_tokens)} cached)` : "";
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
