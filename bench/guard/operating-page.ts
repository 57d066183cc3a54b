// The part of docs/operating.md that is made from the code: what models cost, which caps and quotas there are.
// `npm run check -- --record` writes it, and so does this file alone: `node bench/guard/operating-page.ts`.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { listPrices, pricedHosts, pricePages } from "../../src/models/index.ts";
import type { CapName, CapScope } from "../../src/protocol/money/caps.ts";
import type { Rates } from "../../src/protocol/money/price.ts";
import { fixedLimits, type Limit, quotas } from "../../src/protocol/money/quotas.ts";

const page = join(import.meta.dirname, "../../docs/operating.md");

const START = "<!-- prices, caps and quotas: written by `npm run check -- --record` -->";
const END = "<!-- end of prices, caps and quotas -->";

/** What people set a cap on, and what it holds for. The lists of the code say which there must be. */
const scopes: Record<CapScope, [set: string, holds: string]> = {
  run: ["the body of `POST …/runs` and of `/resume`, AG-UI's `forwardedProps`", "one run"],
  agent: ["the agent", "each of its runs"],
  trigger: ["the trigger", "each run that it starts"],
  project: ["the project", "all its runs together, for ever"],
  user: ["`caps` of the user; `USER_DAY_CAPS`, `USER_MONTH_CAPS` for all others", "a day and a month in UTC"],
  deployment: ["`DEPLOYMENT_DAY_CAPS`, `DEPLOYMENT_MONTH_CAPS`", "a day and a month in UTC"],
};

const caps: Record<CapName, string> = {
  max_cost_usd: "US dollars. A model without a price is refused with `price_unknown`",
  max_total_tokens: "tokens of input and output together. What came from a cache is input",
  max_minutes: "minutes in which the server works on it, without waits for people",
};

const places: Record<Limit["counted"], string> = {
  D1: "exactly, in D1",
  location: "about, for each of Cloudflare's locations",
  isolate: "about, for each instance of the Worker",
};

export function describeMoney(): string {
  return [describePrices(), describeCaps(), describeQuotas(), describeFixed()].join("\n\n");
}

function describePrices(): string {
  const rows = Object.entries(pricedHosts).flatMap(([host, server]) =>
    listPrices(server).map(({ models, price, from, as_of }, _, all) => {
      const names = models.map((name) => `\`${name}\``).join(", ");
      const { long } = price;
      const more = long === undefined ? "" : `over ${long.over.toLocaleString("en-US")}: ${showRates(long)}`;
      const later = all.find((other) => other.from > from && other.models[0] === models[0])?.from;
      const until = later === undefined ? "" : ` before ${later}`;
      const since = Date.parse(from) > 0 ? ` from ${from}` : "";
      return [`[${host}](${pricePages[server]})`, `${names}${since}${until}`, showRates(price), more, as_of];
    }),
  );
  return `### Prices\n\n${table(["At", "Models", "Input / cached / output", "Long input", "As of"], rows)}`;
}

function showRates({ input, cached_input, cache_write, output }: Rates): string {
  const written = cache_write === undefined ? "" : `; cache writes ${cache_write}`;
  return `${input} / ${cached_input ?? "—"} / ${output}${written}`;
}

function describeCaps(): string {
  const names = table(
    ["Cap", "Counts"],
    rowsOf(caps, (counts) => [counts]),
  );
  const held = table(
    ["Scope", "Set in", "Holds for"],
    rowsOf(scopes, (words) => words),
  );
  return `### What each cap holds for\n\n${names}\n\n${held}`;
}

function describeQuotas(): string {
  return `### Quotas\n\n${describeLimits("Quota", quotas)}`;
}

function describeFixed(): string {
  return `### Fixed limits\n\n${describeLimits("Limit", fixedLimits)}`;
}

function describeLimits(word: string, all: Record<string, Limit>): string {
  const rows = rowsOf(all, ({ usual, counts, counted, is_rate, waits = false, reason, of }) => [
    `${usual.toLocaleString("en-US")}${of === undefined ? "" : ` of \`${of}\``}`,
    counts,
    places[counted],
    waits ? "nothing: the rest waits" : is_rate ? "429" : "409",
    reason,
  ]);
  return table([word, "Usual", "Counts", "Counted", "Refused with", "Why"], rows);
}

function rowsOf<Value>(values: Record<string, Value>, show: (value: Value) => string[]): string[][] {
  return Object.entries(values).map(([name, value]) => [`\`${name}\``, ...show(value)]);
}

function table(head: string[], rows: string[][]): string {
  const lines = [head, head.map(() => "---"), ...rows];
  return lines.map((cells) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`).join("\n");
}

/** The page with this part as the code has it. Throws if the page has no place for it. */
export function writeMoney(document: string): string {
  const start = document.indexOf(START) + START.length;
  const end = document.indexOf(END);
  if (start < START.length || end < start) throw new Error("docs/operating.md has no place for prices");
  return `${document.slice(0, start)}\n\n${describeMoney()}\n\n${document.slice(end)}`;
}

export async function writeOperatingPage(): Promise<void> {
  await writeFile(page, writeMoney(await readFile(page, "utf8")));
}

if (process.argv[1] === import.meta.filename) await writeOperatingPage();
