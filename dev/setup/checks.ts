// Asks each server whether it takes the key that it was given, in the cheapest way that it knows: a list of models, a list
// of one sandbox, a search for one page. No answer is shown: it may quote the key.
import { freeSpending } from "../../src/agent/spending.ts";
import type { ModelServer } from "../../src/config/model-servers.ts";
import { readModelSettings } from "../../src/config/models.ts";
import { readSearchSettings, type SearchServiceName } from "../../src/config/search.ts";
import { readBoundedText } from "../../src/lib/network/bounded-body.ts";
import { readAddress } from "../../src/models/exchange/address.ts";
import { chooseProfile } from "../../src/models/profiles/servers.ts";
import { definitions } from "../../src/tools/web/search/list.ts";
import { openService } from "../../src/tools/web/search/open-service.ts";
import type { Settings } from "../deploy/secrets.ts";

export interface Check {
  /** What was asked, for people. */
  name: string;
  /** The setting to look at. */
  setting: string;
  /** `unknown`: it answered, and said nothing of the key. */
  outcome: "accepted" | "refused" | "unreachable" | "unknown";
  text: string;
}

export interface CheckOptions {
  /** Addresses in place of the services' own, for tests. */
  search_urls?: Partial<Record<SearchServiceName, string>>;
  answer_ms?: number;
}

const ANSWER_MS = 15_000;
/** The longest list of models that a gateway has takes one. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;
const DAYTONA_URL = "https://app.daytona.io/api";

export async function checkKeys(settings: Settings, options: CheckOptions = {}): Promise<Check[]> {
  const { answer_ms = ANSWER_MS } = options;
  const { default_server, servers } = readModelSettings(settings);
  const models = [...servers].map(([name, server]) =>
    checkModels(`models of ${name}`, "MODEL_SERVERS", server, answer_ms),
  );
  if (default_server !== null) {
    const check = checkModels("models", "OPENAI_API_KEY", default_server, answer_ms, settings.OPENAI_MODEL?.trim());
    models.unshift(check.then((each) => atAddress(each, settings, "OPENAI_BASE_URL")));
  }
  const daytona = settings.DAYTONA_API_KEY ? [checkDaytona(settings, answer_ms)] : [];
  return Promise.all([
    ...models,
    ...daytona,
    ...checkSearches(settings, options, answer_ms),
    ...checkIssuer(settings, answer_ms),
  ]);
}

async function checkModels(
  name: string,
  setting: string,
  server: ModelServer,
  answer_ms: number,
  model?: string,
): Promise<Check> {
  const { base_url, query } = readAddress(server.base_url);
  const url = new URL(`${base_url}/models`);
  for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value);
  const { auth, opens_gateway } = chooseProfile(server.profile, server.base_url, "");
  const { api_key, gateway_token } = server;
  const headers: Record<string, string> = { ...server.headers, accept: "application/json" };
  if (api_key !== null && auth === "api-key") headers["api-key"] = api_key;
  else if (api_key !== null) headers.authorization = `Bearer ${api_key}`;
  if (opens_gateway && gateway_token !== null) headers["cf-aig-authorization"] = `Bearer ${gateway_token}`;
  const { check, body } = await ask(name, setting, url, headers, answer_ms);
  if (check.outcome !== "accepted" || !model) return check;
  const list = (body as { data?: { id?: unknown }[] } | null)?.data;
  const isListed = !Array.isArray(list) || list.length === 0 || list.some((each) => each?.id === model);
  if (isListed) return check;
  return { ...check, outcome: "unknown", text: `${check.text}, and lists no model ${model}: correct OPENAI_MODEL` };
}

async function checkDaytona(settings: Settings, answer_ms: number): Promise<Check> {
  const address = (settings.DAYTONA_API_URL?.trim() || DAYTONA_URL).replace(/\/+$/, "");
  const headers = { authorization: `Bearer ${settings.DAYTONA_API_KEY}` };
  const url = URL.parse(`${address}/sandbox/paginated?page=1&limit=1`);
  const [name, setting] = ["sandboxes", "DAYTONA_API_KEY"];
  if (url === null) return { name, setting: "DAYTONA_API_URL", outcome: "unreachable", text: "it is no address" };
  const { check } = await ask(name, setting, url, headers, answer_ms);
  return atAddress(check, settings, "DAYTONA_API_URL");
}

/** What can't be reached has a wrong address, if it has one of its own, and not a wrong key. */
function atAddress(check: Check, settings: Settings, name: string): Check {
  return check.outcome === "unreachable" && settings[name]?.trim() ? { ...check, setting: name } : check;
}

const ofSearch = {
  ...{ tavily: "TAVILY_API_KEY", brave: "BRAVE_API_KEY", exa: "EXA_API_KEY", serper: "SERPER_API_KEY" },
  ...{ searxng: "SEARXNG_URL", bocha: "BOCHA_API_KEY", model: "SEARCH_MODEL" },
} as const satisfies Record<SearchServiceName, string>;

/** A search with a model is paid by tokens: its server was asked for models. */
function checkSearches(settings: Settings, { search_urls = {} }: CheckOptions, answer_ms: number): Promise<Check>[] {
  const services = readSearchSettings(settings).services.filter(({ name }) => name !== "model");
  return services.map(async ({ name, ...at }): Promise<Check> => {
    const base_url = search_urls[name];
    const service = openService(definitions[name], base_url === undefined ? at : { ...at, base_url });
    const request = { query: "Cloudflare Workers", count: 1, freshness: null, domains: [] };
    const { signal } = new AbortController();
    const options = { now: Date.now(), limit_ms: answer_ms, spending: freeSpending, signal };
    const found = await service.search(request, options);
    const check = { name: `search ${name}`, setting: ofSearch[name] };
    if (found.ok) return { ...check, outcome: "accepted", text: "it found pages" };
    const { reason, status } = found.failure;
    const said = status === null ? reason : `${reason}, status ${status}`;
    if (reason === "rate_limited")
      return { ...check, outcome: "accepted", text: "it is busy (429), and knows the key" };
    const isUnreachable = ["unreachable", "timeout", "unavailable"].includes(reason);
    return { ...check, outcome: isUnreachable ? "unreachable" : "refused", text: said };
  });
}

function checkIssuer(settings: Settings, answer_ms: number): Promise<Check>[] {
  const issuer = settings.OIDC_ISSUER?.trim().replace(/\/+$/, "");
  const url = issuer ? URL.parse(`${issuer}/.well-known/openid-configuration`) : null;
  if (url === null) return [];
  return [ask("sign-in", "OIDC_ISSUER", url, {}, answer_ms).then(({ check }) => check)];
}

/** Redirects are not followed, since the request carries the key. A page in place of JSON is of something else. */
async function ask(
  name: string,
  setting: string,
  url: URL,
  headers: Record<string, string>,
  answer_ms: number,
): Promise<{ check: Check; body: unknown }> {
  const end = (outcome: Check["outcome"], text: string, body: unknown = null) => ({
    check: { name, setting, outcome, text },
    body,
  });
  if (url.username !== "" || url.password !== "") {
    return end("refused", `the address of ${url.host} has a user or a password in it, which no request may have`);
  }
  try {
    const signal = AbortSignal.timeout(answer_ms);
    const response = await fetch(url, { headers, redirect: "manual", signal });
    const text = await readBoundedText(response, MAX_ANSWER_BYTES);
    const { status } = response;
    const body = parse(text);
    if (response.ok && body === null) {
      return end("refused", `${url.host} answers something else than JSON: correct the address`);
    }
    if (response.ok) return end("accepted", `${url.host} takes the key`, body);
    if (status === 429) return end("accepted", `${url.host} is busy (429), and knows the key`);
    if (status === 401 || status === 403) return end("refused", `${url.host} refuses the key (${status})`);
    if (status >= 500) return end("unreachable", `${url.host} fails (${status})`);
    if (status >= 300 && status < 400)
      return end("refused", `${url.host} leads elsewhere (${status}): correct the address`);
    return end("unknown", `${url.host} has no list (${status}), so the key could not be checked`);
  } catch (error) {
    return end("unreachable", describeFailure(error, url.host, answer_ms));
  }
}

const reasons: Record<string, string> = {
  ECONNREFUSED: "nothing listens there",
  ECONNRESET: "the connection was cut",
  ENOTFOUND: "no such name is known",
  EAI_AGAIN: "its name can't be looked up now",
  EHOSTUNREACH: "no way leads there",
  ENETUNREACH: "no way leads there",
  UND_ERR_CONNECT_TIMEOUT: "it does not answer in time",
  CERT_HAS_EXPIRED: "its certificate has expired",
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is not trusted",
  SELF_SIGNED_CERT_IN_CHAIN: "its certificate is not trusted",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its certificate is not trusted",
};

function describeFailure(error: unknown, host: string, answer_ms: number): string {
  const { cause, name: kind } = error as Error & { cause?: { code?: string; message?: string } };
  if (kind === "TimeoutError") return `${host} does not answer within ${answer_ms / 1000} s`;
  if (kind === "RangeError") return `${host} answers more than ${MAX_ANSWER_BYTES / 1024 / 1024} MB`;
  const code = cause?.code ?? "";
  return `${host} can't be reached: ${reasons[code] ?? (code || cause?.message || kind)}`;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
