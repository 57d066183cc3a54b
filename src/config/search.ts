// Which services search the web for agents, in the order in which they are asked. As with models, a setting that is
// wrong becomes `problem`: half of the services, or another order than was meant, would be found out too late.
import { modelName, problem, SettingProblem, secret } from "./model-servers.ts";
import { readModelSettings } from "./models.ts";

/** In the order in which they are asked without SEARCH_ORDER. */
export const searchServices = ["tavily", "brave", "exa", "serper", "searxng", "bocha", "model"] as const;
export type SearchServiceName = (typeof searchServices)[number];

const settingOf = {
  tavily: "TAVILY_API_KEY",
  brave: "BRAVE_API_KEY",
  exa: "EXA_API_KEY",
  serper: "SERPER_API_KEY",
  searxng: "SEARXNG_URL",
  bocha: "BOCHA_API_KEY",
  model: "SEARCH_MODEL",
} as const satisfies Record<SearchServiceName, string>;

/** `access` is the key, or the address of a SearXNG without a trailing slash. */
export interface SearchServiceSetting {
  name: SearchServiceName;
  access: string;
  /** Of `model`: the server of models, which of its models searches, and the name that it has here, with its price. */
  base_url?: string;
  model?: string;
  full_name?: string;
}

export interface SearchSettings {
  /** In the order in which they are asked. Empty without a search. */
  services: SearchServiceSetting[];
  /** Origins in private networks whose pages agents may see, such as `http://wiki.internal`. */
  private_origins: string[];
  /** What is wrong with a setting, in a sentence for the operator that holds no secret. */
  problem: string | null;
}

/** An operator's own sites. More would be a network, which belongs behind a proxy of its own. */
const MAX_ORIGINS = 32;

export function readSearchSettings(env: object): SearchSettings {
  const given = new Map(
    Object.entries(env).map(([name, value]) => [name, typeof value === "string" ? value.trim() : ""]),
  );
  const read = (name: string) => given.get(name) ?? "";
  try {
    const services = readServices(read, env);
    return { services, private_origins: readOrigins(read("WEB_PRIVATE_ORIGINS")), problem: null };
  } catch (error) {
    if (!(error instanceof SettingProblem)) throw error;
    return { services: [], private_origins: [], problem: error.message };
  }
}

function readServices(read: (name: string) => string, env: object): SearchServiceSetting[] {
  const set = searchServices.flatMap((name): SearchServiceSetting[] => {
    const setting = settingOf[name];
    const given = read(setting);
    if (given === "") return [];
    if (name === "model") return [{ name, ...readModel(setting, given, env) }];
    return [{ name, access: name === "searxng" ? readAddress(setting, given) : readKey(setting, given) }];
  });
  const order = readOrder(read("SEARCH_ORDER"));
  if (order === null) return set;
  return order.map((name) => {
    const found = set.find((service) => service.name === name);
    if (found === undefined) throw problem("SEARCH_ORDER", `names ${name}, which needs ${settingOf[name]}`);
    return found;
  });
}

/** A model as elsewhere: `name` at OPENAI_BASE_URL, or `server/name`. */
function readModel(setting: string, given: string, env: object): Omit<SearchServiceSetting, "name"> {
  const { servers, default_server } = readModelSettings(env);
  const slash = given.indexOf("/");
  const named = slash > 0 ? servers.get(given.slice(0, slash)) : undefined;
  const server = named ?? default_server;
  if (!modelName.safeParse(given).success) throw problem(setting, "must be a model's name without spaces");
  if (server === null)
    throw problem(setting, "needs OPENAI_API_KEY, or the name of a server in MODEL_SERVERS and a slash");
  if (URL.parse(server.base_url)?.search !== "") throw problem(setting, "needs a server whose address has no query");
  const model = named === undefined ? given : given.slice(slash + 1);
  return {
    access: server.api_key ?? "",
    base_url: server.base_url.replace(/(?<!\/)\/+$/, ""),
    model,
    full_name: given,
  };
}

function readKey(setting: string, given: string): string {
  const read = secret.safeParse(given);
  if (!read.success) throw problem(setting, read.error.issues[0]?.message ?? "is not a key");
  return read.data;
}

/** People also copy the address of the search itself, so that ending is taken off. */
function readAddress(setting: string, given: string): string {
  const url = given.length > 2048 ? null : URL.parse(given);
  if (url === null || !/^https?:$/.test(url.protocol)) throw problem(setting, "must be an http or https address");
  if (url.username !== "" || url.password !== "") throw problem(setting, "may not have a user name or password in it");
  if (url.search !== "" || url.hash !== "") throw problem(setting, "may not have a query or a fragment");
  return `${url.origin}${url.pathname.replace(/(?<!\/)\/+$/, "").replace(/\/search$/, "")}`;
}

/** Null if it is not set. A value that names no service may be a key, so it is never shown. */
function readOrder(given: string): SearchServiceName[] | null {
  const words = listOf(given.toLowerCase());
  const names = words.map((word) => searchServices.find((name) => name === word));
  const wrong = names.indexOf(undefined);
  if (wrong >= 0) {
    throw problem("SEARCH_ORDER", `has no service's name at place ${wrong + 1}: ${searchServices.join(", ")}`);
  }
  return names.length === 0 ? null : [...new Set(names.filter((name) => name !== undefined))];
}

function readOrigins(given: string): string[] {
  const setting = "WEB_PRIVATE_ORIGINS";
  const words = listOf(given);
  if (words.length > MAX_ORIGINS) throw problem(setting, `may have ${MAX_ORIGINS} origins at most`);
  return words.map((word, place) => {
    const url = URL.parse(word);
    const isOrigin = url !== null && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`;
    if (!isOrigin) throw problem(setting, `has no origin such as http://wiki.internal at place ${place + 1}`);
    return url.origin;
  });
}

function listOf(given: string): string[] {
  return given
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
}
