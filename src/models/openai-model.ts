// A `Model` over the API of OpenAI and compatible servers, whatever their dialect of it: a profile says at which of its
// two operations and how to ask, and a refusal that names what it objects to is followed at once. All other repeats and
// their delays are the loop's.
import type { Model, ModelDelta, ModelMemory, ModelOutcome, ModelRequest } from "../agent/model.ts";
import { isRecord } from "../lib/is-record.ts";
import { logWarning } from "../lib/log.ts";
import { putNewest } from "../lib/memory/newest.ts";
import { chatWire } from "./chat/wire.ts";
import { type Address, readAddress } from "./exchange/address.ts";
import { optionalFields, pathsOf } from "./exchange/body.ts";
import { fetchBounded } from "./exchange/bounded-fetch.ts";
import type { Client } from "./exchange/client.ts";
import { type Attempt, type Exchange, type OpenAiLimits, sendRequest } from "./exchange/exchange.ts";
import { charge, isFree } from "./exchange/failure/failure.ts";
import type { SettingNames } from "./exchange/failure/redaction.ts";
import { listImages } from "./exchange/messages.ts";
import { MAX_REPLY_CHARACTERS } from "./exchange/reply.ts";
import type { Body, Wire, WireContext } from "./exchange/wire.ts";
import { familyOf } from "./profiles/families.ts";
import { readObjection } from "./profiles/learn.ts";
import type { Api, Profile } from "./profiles/profile.ts";
import { applyRules, keyOf, knownRules, type Rule, rememberLesson, rememberRule, valuesOf } from "./profiles/rules.ts";
import { chooseProfile } from "./profiles/servers.ts";
import { newestItem } from "./responses/request/items.ts";
import { responsesWire } from "./responses/wire.ts";

export interface OpenAiOptions {
  /** Its name in the settings: two servers may be two accounts at one address. Null is the default server. */
  server_name?: string | null;
  /** Null for a server that wants none. */
  api_key: string | null;
  base_url: string;
  /** The server's profile by name; without it, the address and the model's name decide. */
  profile?: string | null;
  /** Opens Cloudflare's AI Gateway, and goes nowhere else. */
  gateway_token?: string | null;
  /** The operation to ask at; without it, the profile decides. */
  api?: Api | null;
  /** The operator's own, with every request. */
  headers?: Readonly<Record<string, string>>;
  /** The operator's own fields of every request. An agent's win over them. */
  extra_body?: Readonly<Record<string, unknown>>;
  /** How sentences for people name this server's settings. */
  settings?: SettingNames;
  /** Keeps what refusals teach; without it, only this isolate does. */
  memory?: ModelMemory;
  fetch?: typeof fetch;
  limits?: Partial<OpenAiLimits>;
  /**
   * Models with the same object share one client, since it takes time to make. All their other options are the same,
   * without the memory.
   */
  shared?: object;
}

const defaultSettings: SettingNames = { key: "OPENAI_API_KEY", base_url: "OPENAI_BASE_URL", model: "OPENAI_MODEL" };

const wires: Record<Api, Wire> = { chat: chatWire, responses: responsesWire };

const defaultLimits: OpenAiLimits = {
  first_byte_ms: 600_000,
  idle_ms: 300_000,
  // The longest replies of reasoning models take about this long. A server that takes longer only trickles.
  total_ms: 30 * 60_000,
  reply_characters: MAX_REPLY_CHARACTERS,
};

interface Setup extends Exchange {
  options: OpenAiOptions;
  /** The name and the host, which what is learned belongs to. */
  place: string;
  address: Address;
  contexts: Map<string, Contexts>;
  memory: ModelMemory | undefined;
}

export function createOpenAiModel(options: OpenAiOptions): Model {
  const { shared, memory } = options;
  const server = (shared && sharedSetups.get(shared)) ?? openServer(options);
  if (shared !== undefined) sharedSetups.set(shared, server);
  const setup = { ...server, memory };
  return { stream: (request, onDelta, signal) => streamReply(setup, request, onDelta, signal) };
}

/** Evaluates the SDK, once in an isolate. */
export const loadClient = () => import("./exchange/client.ts");

const sharedSetups = new WeakMap<object, Omit<Setup, "memory">>();

function openServer({ memory: _, ...options }: OpenAiOptions): Omit<Setup, "memory"> {
  const { api_key, gateway_token = null, headers = {}, settings = defaultSettings } = options;
  const address = readAddress(options.base_url);
  const request = options.fetch ?? ((input, init) => fetch(input, init));
  let client: Client | null = null;
  const connect = async (): Promise<Client> => {
    const { Client } = await loadClient();
    // Sets everything that the SDK would read from the environment, so that only the deployment's settings count.
    client ??= new Client({
      // The SDK has no client without a key. This word is sent nowhere.
      apiKey: api_key ?? "none",
      baseURL: address.base_url,
      defaultQuery: address.query,
      ...{ adminAPIKey: null, organization: null, project: null, webhookSecret: null, maxRetries: 0, logLevel: "off" },
      fetch: (input, init) => fetchBounded(request, input, init),
    });
    return client;
  };
  const secrets = [api_key, gateway_token, ...address.secrets, ...Object.values(headers)];
  return {
    connect,
    keys: { api_key, gateway_token },
    headers,
    provider: { host: address.host, secrets: secrets.filter((secret) => secret !== null), settings },
    limits: { ...defaultLimits, ...options.limits },
    options,
    place: placeOf(options),
    address,
    contexts: new Map(),
  };
}

/** Names a server in what is remembered of it. */
export function placeOf({ server_name = null, base_url }: Pick<OpenAiOptions, "server_name" | "base_url">): string {
  return nameAt(server_name, readAddress(base_url).host);
}

function nameAt(server_name: string | null, address: string): string {
  return server_name === null ? address : `${server_name}@${address}`;
}

/** A server objects to one thing at a time. Whoever objects to more wants another request than ours. */
const MAX_LESSONS = 3;

/** Sends the request, again if its refusal says what to change. What has helped is remembered. */
async function streamReply(
  setup: Setup,
  request: ModelRequest,
  onDelta: (delta: ModelDelta) => void,
  signal: AbortSignal,
): Promise<ModelOutcome> {
  const key = keyOf(setup.place, request.model);
  const known = knownRules(key, setup.memory);
  let learned: Rule[] = [];
  const tried = new Set<string>();
  let areFree = true;
  for (let lessons = 0; ; lessons++) {
    const context = openContext(setup, request, [...known, ...learned]);
    const attempt = await sendRequest(setup, wires[context.profile.api], request, context, onDelta, signal);
    const rules = lessons < MAX_LESSONS ? findRules(setup, attempt, request, { known, learned, tried }) : null;
    if (rules === null) {
      remember(key, attempt, learned, request, setup.memory);
      logFailure(setup, request.model, attempt);
      return areFree ? attempt.outcome : charge(attempt.outcome);
    }
    areFree &&= isFree(attempt.outcome);
    tried.add(rules.join());
    // Another image is blamed in place of one whose absence did not help.
    const isOther = (rule: Rule) => !rule.startsWith("image:") || !rules.some((each) => each.startsWith("image:"));
    learned = [...learned.filter(isOther), ...rules];
  }
}

/** A lesson counts if the request succeeded with it. Never throws: a reply is worth more than what was learned. */
function remember(
  key: string,
  { outcome, unknown_end }: Attempt,
  learned: Rule[],
  request: ModelRequest,
  memory: Setup["memory"],
): void {
  try {
    if (outcome.kind === "reply") for (const rule of learned) rememberLesson(key, rule, request, memory);
    // An end that comes a second time with the same word is this server's way to end.
    if (unknown_end !== null) rememberRule(key, `end:${unknown_end.slice(0, MAX_END_CHARACTERS)}`, memory);
  } catch {
    // The thread's storage has failed, and its next transaction says so.
  }
}

const MAX_END_CHARACTERS = 60;

/** The one place that says which server it was: its name is not for users. */
function logFailure({ provider }: Setup, model: string, { outcome, log }: Attempt): void {
  // Without tools of its own, the model is asked to write its calls as text.
  if (outcome.kind !== "failure" || outcome.failure.lacks_tools) return;
  logWarning("model_failed", { host: provider.host, model, reason: outcome.failure.reason ?? null, ...log });
}

/** By model and rules: all that depends on a server's own settings is the same for each call. */
function openContext(setup: Setup, { model, is_limit_needed }: ModelRequest, rules: string[]): WireContext {
  const { contexts } = setup;
  const key = JSON.stringify([model, ...rules]);
  const known = contexts.get(key) ?? makeContexts(setup, model, rules);
  putNewest(contexts, key, known, MAX_CONTEXTS);
  return is_limit_needed ? known.limited : known.usual;
}

/** More than the models that a deployment uses of a server, with what was learned of each. */
const MAX_CONTEXTS = 100;

/** A limit stands beside the messages, so both are written alike. */
interface Contexts {
  usual: WireContext;
  limited: WireContext;
}

function makeContexts({ options, address }: Setup, model: string, rules: string[]): Contexts {
  const { server_name = null, extra_body = {} } = options;
  const { base_url } = address;
  const chosen = chooseProfile(options.profile ?? null, base_url, model);
  const known = applyRules(address.api === null ? chosen : { ...chosen, api: address.api }, rules);
  const profile = options.api == null ? known : { ...known, api: options.api };
  const usual: WireContext = {
    shape: {},
    profile,
    origin: `${nameAt(server_name, base_url.replace(/^\w+:\/\/(?:[^/@]*@)?/, ""))} ${familyOf(model)}`,
    refused_images: new Set(valuesOf("image", rules)),
    refused_items: new Set(valuesOf("items", rules)),
    ends: valuesOf("end", rules),
    extra_body,
  };
  return { usual, limited: { ...usual, profile: keepLimit(profile) } };
}

/** A server that takes no limit under any name can't be asked: its reply could cost more than was allowed. */
function keepLimit(profile: Profile): Profile {
  const field = wires[profile.api].limitField(profile);
  const omits = profile.omits.filter((path) => path !== field);
  return { ...profile, omits, limit: { ...profile.limit, required: true } };
}

/** The most likely thing that the refusal teaches, of those that were not tried yet; null if there is none. */
function findRules(
  { options: { api = null, extra_body } }: Setup,
  { objection, body, context, wire }: Attempt,
  { model, messages, options }: ModelRequest,
  { known, learned, tried }: { known: readonly string[]; learned: readonly string[]; tried: ReadonlySet<string> },
): Rule[] | null {
  if (objection === null) return null;
  const { profile } = context;
  const refused = new Set(valuesOf("image", known));
  const images = profile.images ? listImages(messages).filter(({ hash }) => !refused.has(hash)) : [];
  const readings = readObjection(objection, {
    profile,
    model,
    optional_fields: optionalFields(wire, body),
    images,
    rules: [...known, ...learned],
    lessons: learned,
    is_api_set: api !== null,
    limit_field: wire.limitField(profile),
    is_effort_set: isEffortSet(body, profile),
    chosen_fields: pathsOf({ ...extra_body, ...options?.extra_body }),
    newest_item: profile.api === "responses" ? newestItem(messages, context) : null,
  });
  return readings.find((rules) => rules.length > 0 && !tried.has(rules.join())) ?? null;
}

/** Whether an agent or the operator has chosen an effort. */
function isEffortSet({ reasoning_effort, reasoning }: Body, { adds }: Profile): boolean {
  if (isRecord(reasoning) && reasoning.effort !== undefined) return true;
  return reasoning_effort !== undefined && reasoning_effort !== adds.reasoning_effort;
}
