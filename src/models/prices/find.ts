// What a model costs at its server. The same name costs otherwise at a router, a cloud or on a machine of one's own, so
// only addresses count whose prices were read. A server that nobody knows has no price, unless the operator says one.
import { findRule } from "../../config/model-prices.ts";
import type { ModelServer } from "../../config/model-servers.ts";
import type { ModelSettings } from "../../config/models.ts";
import { putNewest } from "../../lib/memory/newest.ts";
import { whyNotPublic } from "../../lib/public-url.ts";
import type { Price, Rates } from "../../protocol/money/price.ts";
import { findServerBehind } from "../profiles/servers.ts";
import { findRoute } from "../servers.ts";
import { priceLists } from "./table.ts";

/** Addresses that charge in US dollars. Those for China charge in RMB, and those of other regions add something. */
export const pricedHosts: Record<string, string> = {
  "api.openai.com": "openai",
  "api.anthropic.com": "anthropic",
  "generativelanguage.googleapis.com": "gemini",
  "api.deepseek.com": "deepseek",
  "api.moonshot.ai": "kimi",
  "api.z.ai": "glm",
  "api.minimax.io": "minimax",
  "dashscope-intl.aliyuncs.com": "qwen",
  "api.mistral.ai": "mistral",
  "api.x.ai": "xai",
  "api.groq.com": "groq",
  "api.cloudflare.com": "workers-ai",
};

/** Their tokens cost nothing on a machine of one's own. Elsewhere somebody may charge for them. */
const ownServers = ["ollama", "llama-cpp", "vllm"];

/** By the name that a run has for the model. Null if nobody has said what it costs there. */
export function findPrice(settings: ModelSettings, name: string, now = Date.now()): Price | null {
  const own = findRule(settings.prices, name);
  if (own !== null) return own;
  const routing = findRoute(settings, name);
  return routing.ok ? findListed(routing.route.server, routing.route.model, now) : null;
}

/** Of what OpenAI and Anthropic list for their faster tiers, the most in proportion to the usual price. */
const DEARER_FACTOR = 2.5;

/** The price of a call whose agent asks for more than the usual service: the most that it can cost. */
export function findCallPrice(settings: ModelSettings, name: string, extra_body?: Body, now?: number): Price | null {
  const price = findPrice(settings, name, now);
  if (price === null || !asksForMore(extra_body)) return price;
  const { long, ...rates } = price;
  return { ...dearer(rates), ...(long === undefined ? {} : { long: { ...dearer(long), over: long.over } }) };
}

function dearer({ input, cached_input = input, cache_write = input, output }: Rates): Rates {
  const most = (rate: number) => rate * DEARER_FACTOR;
  return {
    input: most(input),
    cached_input: most(cached_input),
    cache_write: most(cache_write),
    output: most(output),
  };
}

type Body = Readonly<Record<string, unknown>>;

/** Words for what the table has, or less. */
const usual = [undefined, null, "auto", "default", "standard", "standard_only", "on_demand", "flex", "batch", "global"];

/** Whether fields of requests may ask for a service that costs more than the table says: faster, or in one region. */
function asksForMore({ service_tier, speed, inference_geo }: Body = {}): boolean {
  return [service_tier, speed, inference_geo].some((word) => !usual.some((each) => each === word));
}

function findListed({ base_url, profile, extra_body }: ModelServer, model: string, now: number): Price | null {
  if (profile !== null && ownServers.includes(profile) && whyNotPublic(base_url) !== null)
    return { input: 0, output: 0 };
  const server = findSeller(base_url, model);
  if (server === null || asksForMore(extra_body)) return null;
  // Some name the maker, a gateway the server.
  const named = model.toLowerCase().split("/").at(-1) ?? "";
  const names = [named, named.replace(/-(?:\d{4}-\d\d-\d\d|\d{8})$/, "")];
  const rows = listPrices(server);
  for (const each of names) {
    const row = rows.find(({ models, from }) => models.includes(each) && Date.parse(from) <= now);
    if (row !== undefined) return row.price;
  }
  return null;
}

const sellers = new Map<string, string | null>();
const MAX_SELLERS = 200;

/** Each call asks for its price several times, and to read an address takes longer than all else of it. */
function findSeller(base_url: string, model: string): string | null {
  const key = `${base_url} ${model}`;
  const known = sellers.get(key);
  if (known !== undefined) return known;
  const seller = readSeller(base_url, model);
  putNewest(sellers, key, seller, MAX_SELLERS);
  return seller;
}

/** Plans for coding have a price a month at addresses of their own. */
function readSeller(base_url: string, model: string): string | null {
  const url = URL.parse(base_url);
  if (url === null || url.pathname.includes("/coding/")) return null;
  if (url.hostname !== "gateway.ai.cloudflare.com") return pricedHosts[url.hostname] ?? null;
  // What a gateway passes on with the provider's key costs what it does there. Only at `compat` the model's name says
  // who that is: a router behind the gateway has names of others, too.
  const isByName = url.pathname.split("/")[4] === "compat";
  return findServerBehind(base_url, isByName ? model : "")?.name ?? null;
}

export interface Row {
  models: string[];
  price: Price;
  /** The day from which on it holds. */
  from: string;
  as_of: string;
}

const rowsOf = new Map<string, Row[]>();

/** The lines about one server. They are read once: every call of a model asks for its price several times. */
export function listPrices(server: string): readonly Row[] {
  const known = rowsOf.get(server) ?? readRows(server);
  if (known.length > 0) rowsOf.set(server, known);
  return known;
}

function readRows(server: string): Row[] {
  return Object.entries(priceLists).flatMap(([title, text]) => {
    const [name, as_of = ""] = title.split(" ");
    return name === server
      ? text
          .trim()
          .split("\n")
          .map((line) => readRow(line, as_of))
      : [];
  });
}

function readRow(line: string, as_of: string): Row {
  const [whole = "", from = "1970-01-01"] = line.trim().split(" @ ");
  const [plain = "", more] = whole.split(" > ");
  const [names = "", written = ""] = plain.split(": ");
  const rates = written.split(" ");
  const price = toRates(rates, 1, 1);
  const [over = 0, input = 1, output = 1] = more?.split(" ").map(Number) ?? [];
  const long = more === undefined ? {} : { long: { over, ...toRates(rates, input, output) } };
  return { models: names.split(" "), price: { ...price, ...long }, from, as_of };
}

/** A product of decimal fractions has dust. */
function toRates([input, cached = "-", output, written]: string[], more: number, moreOutput: number): Rates {
  const times = (rate: string | undefined, factor: number) => Number((Number(rate) * factor).toFixed(6));
  return {
    input: times(input, more),
    ...(cached === "-" ? {} : { cached_input: times(cached, more) }),
    ...(written === undefined ? {} : { cache_write: times(written, more) }),
    output: times(output, moreOutput),
  };
}
