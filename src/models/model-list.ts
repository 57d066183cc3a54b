// Which models may be chosen: the operator's lists, and what a server without a list says of itself. Of such an answer
// only ids are taken, since the rest is between the operator and the provider.
import type { ModelServer } from "../config/model-servers.ts";
import { DEFAULT_SERVER, modelName } from "../config/model-servers.ts";
import type { ModelSettings } from "../config/models.ts";
import { isRecord } from "../lib/is-record.ts";
import { readBoundedText } from "../lib/network/bounded-body.ts";
import { readAddress } from "./exchange/address.ts";
import { hideSecrets } from "./exchange/failure/redaction.ts";
import { chooseProfile } from "./profiles/servers.ts";
import { findRoute } from "./servers.ts";

export interface ModelList {
  data: { id: string; is_default: boolean }[];
  /** Names of servers whose models are not all in the list; the one of OPENAI_BASE_URL is `default`. */
  incomplete: string[];
}

export interface ListOptions {
  fetch?: typeof fetch;
  now?: () => number;
  /** How long one server may take, and all together. */
  limits?: { answer_ms: number; all_ms: number };
}

/** A router's list of 400 models with descriptions and prices is about 1 MiB. */
const MAX_BYTES = 4 * 1024 * 1024;
const MAX_IDS = 1000;
/** Somebody waits with a form open. */
const usualLimits = { answer_ms: 5_000, all_ms: 10_000 };
/** A Worker has six connections at a time. */
const MAX_PARALLEL = 6;
/** Providers add a model in a week, and a server that was down is back in a minute. */
const KEEP_MS = 5 * 60_000;
const KEEP_FAILURE_MS = 30_000;

interface Offered {
  ids: string[];
  is_complete: boolean;
}

/** Of this isolate. The settings, and so the servers in them, are the same objects for its whole life. */
const asked = new WeakMap<ModelServer, Offered & { until: number }>();

export async function listModels(settings: ModelSettings, options: ListOptions = {}): Promise<ModelList> {
  const servers: (readonly [string, ModelServer])[] = [...settings.servers];
  if (settings.default_server !== null) servers.unshift([DEFAULT_SERVER, settings.default_server]);
  const all = AbortSignal.timeout((options.limits ?? usualLimits).all_ms);
  const offers: Offered[] = [];
  const left = servers.entries();
  const work = async (): Promise<void> => {
    for (const [place, [, server]] of left) offers[place] = await findOffered(server, all, options);
  };
  await Promise.all(Array.from({ length: MAX_PARALLEL }, work));
  const names = servers.flatMap(([name, server], place) => {
    const isDefault = server === settings.default_server;
    const ids = offers[place]?.ids ?? [];
    if (isDefault) return ids.filter((id) => isAtDefault(settings, id));
    return ids.map((id) => `${name}/${id}`).filter((id) => findRoute(settings, id).ok);
  });
  const { default_model } = settings;
  const hasDefault = default_model !== null && findRoute(settings, default_model).ok;
  const ids = new Set(hasDefault ? [default_model, ...names] : names);
  return {
    data: Array.from(ids, (id) => ({ id, is_default: id === default_model })),
    incomplete: servers.flatMap(([name], place) => (offers[place]?.is_complete ? [] : [name])),
  };
}

/** `deepseek/…` of a router is another model once MODEL_SERVERS names a server `deepseek`. */
function isAtDefault(settings: ModelSettings, id: string): boolean {
  const routing = findRoute(settings, id);
  return routing.ok && routing.route.server_name === null;
}

async function findOffered(
  server: ModelServer,
  all: AbortSignal,
  { fetch: request = fetch, now = Date.now, limits = usualLimits }: ListOptions,
): Promise<Offered> {
  if (server.models !== null) return { ids: server.models, is_complete: true };
  const known = asked.get(server);
  if (known !== undefined && known.until > now()) return known;
  const found = await ask(server, AbortSignal.any([all, AbortSignal.timeout(limits.answer_ms)]), request);
  // The time that others took says nothing of this server. The next list begins with it, since theirs is known by then.
  if (all.aborted && !found.is_complete) return found;
  asked.set(server, { ...found, until: now() + (found.is_complete ? KEEP_MS : KEEP_FAILURE_MS) });
  return found;
}

/** Never rejects: one server's failure is its own. Redirects are not followed, since the request carries the key. */
async function ask(server: ModelServer, signal: AbortSignal, request: typeof fetch): Promise<Offered> {
  try {
    const { base_url, query } = readAddress(server.base_url);
    const url = new URL(`${base_url}/models`);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const response = await request(url, { headers: headersFor(server), redirect: "manual", signal });
    if (!response.ok) {
      await response.body?.cancel();
      return { ids: [], is_complete: false };
    }
    return readIds(JSON.parse(await readBoundedText(response, MAX_BYTES)), server);
  } catch {
    return { ids: [], is_complete: false };
  }
}

/** What opens the server, beside the headers that the operator wants there. */
export function headersFor({
  api_key,
  base_url,
  profile,
  headers,
  gateway_token,
}: ModelServer): Record<string, string> {
  const { auth, opens_gateway } = chooseProfile(profile, base_url, "");
  return {
    ...headers,
    accept: "application/json",
    ...(api_key === null ? {} : auth === "api-key" ? { "api-key": api_key } : bearerOf(api_key)),
    ...(opens_gateway && gateway_token !== null ? { "cf-aig-authorization": `Bearer ${gateway_token}` } : {}),
  };
}

function bearerOf(api_key: string): Record<string, string> {
  return { authorization: `Bearer ${api_key}` };
}

function readIds(answer: unknown, server: ModelServer): Offered {
  const list: unknown = isRecord(answer) ? answer.data : answer;
  if (!Array.isArray(list)) return { ids: [], is_complete: false };
  const given = list.slice(0, MAX_IDS).map((each) => (isRecord(each) ? each.id : null));
  const ids = given.filter((id) => isShowable(id, server));
  return { ids: [...new Set(ids)].sort(), is_complete: ids.length === list.length };
}

/** A name that people could choose, and that says nothing of where the server is or what opens it. */
function isShowable(id: unknown, { base_url, api_key, gateway_token, headers }: ModelServer): id is string {
  if (typeof id !== "string" || id.trim() !== id || !modelName.safeParse(id).success || id.includes("://"))
    return false;
  const { host, secrets } = readAddress(base_url);
  const keys = [api_key, gateway_token, ...secrets, ...Object.values(headers)].filter((key) => key !== null);
  if (hideSecrets(id, keys) !== id) return false;
  const words = [nameOf(host), ...keys].filter(({ length }) => length >= MIN_HIDDEN_CHARACTERS);
  return !words.some((word) => id.toLowerCase().includes(word.toLowerCase()));
}

/** A name of one word (`ollama:11434`) may be a maker's too, so it counts with its port. */
function nameOf(host: string): string {
  const name = host.replace(/:\d+$/, "");
  return /[.:]/.test(name) ? name : host;
}

/** Shorter words, such as a key "x" of a local server, are in every other name. */
const MIN_HIDDEN_CHARACTERS = 6;
