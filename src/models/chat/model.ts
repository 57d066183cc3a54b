// A `Model` over the chat completions API of OpenAI and compatible servers, whatever their dialect of it: a profile says
// how to ask, and a refusal that names what it objects to is heeded at once. All other repeats and their delays are the
// loop's.
import OpenAI from "openai";
import type { Model, ModelDelta, ModelMemory, ModelOutcome, ModelRequest } from "../../agent/model.ts";
import { chooseProfile } from "../profiles/choose.ts";
import { familyOf } from "../profiles/families.ts";
import { readObjection } from "../profiles/learn.ts";
import { keyOf, knownRules, rememberRule } from "../profiles/memory.ts";
import { applyRules, knownEnds, type Rule, refusedImages } from "../profiles/rules.ts";
import { readAddress } from "./address.ts";
import { fetchBounded } from "./bounded-fetch.ts";
import { type Attempt, type Exchange, type OpenAiLimits, sendRequest } from "./exchange.ts";
import { MAX_REPLY_CHARACTERS } from "./reply/reply-limits.ts";
import { listImages, type WireContext } from "./request/messages.ts";
import { optionalFields } from "./request/request-body.ts";

export interface OpenAiOptions {
  api_key: string;
  base_url: string;
  /** The server's profile by name; without it, the address and the model's name decide. */
  profile?: string | null;
  /** Opens Cloudflare's AI Gateway, and goes nowhere else. */
  gateway_token?: string | null;
  /** The operation to ask at; without it, the profile decides. */
  api?: "chat" | "responses" | null;
  /** The operator's own, with every request. */
  headers?: Readonly<Record<string, string>>;
  /** The operator's own fields of every request. An agent's win over them. */
  extra_body?: Readonly<Record<string, unknown>>;
  /** Keeps what refusals teach; without it, only this isolate does. */
  memory?: ModelMemory;
  fetch?: typeof fetch;
  limits?: Partial<OpenAiLimits>;
}

const defaultLimits: OpenAiLimits = {
  first_byte_ms: 600_000,
  idle_ms: 300_000,
  // The longest replies of reasoning models take about this long. A server that takes longer only trickles.
  total_ms: 30 * 60_000,
  reply_characters: MAX_REPLY_CHARACTERS,
};

interface Setup extends Exchange {
  base_url: string;
  profile: string | null;
  memory: ModelMemory | undefined;
}

// The SDK's User-Agent begins with the name of its class, which a bundle without names lacks (`keep_names`, wrangler.toml).
Object.defineProperty(OpenAI, "name", { value: "OpenAI" });

export function createOpenAiModel(options: OpenAiOptions): Model {
  const setup = openSetup(options);
  return { stream: (request, onDelta, signal) => streamReply(setup, request, onDelta, signal) };
}

function openSetup({ profile = null, gateway_token = null, memory, ...options }: OpenAiOptions): Setup {
  const limits = { ...defaultLimits, ...options.limits };
  const address = readAddress(options.base_url);
  const request = options.fetch ?? ((input, init) => fetch(input, init));
  // Sets everything that the SDK would read from the environment, so that only the deployment's settings count.
  const client = new OpenAI({
    apiKey: options.api_key,
    baseURL: address.base_url,
    defaultQuery: address.query,
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
    maxRetries: 0,
    // Our own timer fires first. The SDK's timer stops at the response head and does not cover the body.
    timeout: limits.first_byte_ms * 2,
    logLevel: "off",
    fetch: (input, init) => fetchBounded(request, input, init),
  });
  const secrets = [options.api_key, gateway_token, ...address.secrets].filter((secret) => secret !== null);
  const keys = { api_key: options.api_key, gateway_token };
  return {
    client,
    keys,
    provider: { host: address.host, secrets },
    limits,
    base_url: address.base_url,
    profile,
    memory,
  };
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
  const key = keyOf(setup.provider.host, request.model);
  const known = knownRules(key, setup.memory);
  let learned: Rule[] = [];
  const tried = new Set<string>();
  for (let lessons = 0; ; lessons++) {
    const context = openContext(setup, request.model, [...known, ...learned]);
    const attempt = await sendRequest(setup, request, context, onDelta, signal);
    const rules = lessons < MAX_LESSONS ? findRules(attempt, request, known, tried) : null;
    if (rules === null) {
      remember(key, attempt, learned, setup.memory);
      return attempt.outcome;
    }
    tried.add(rules.join());
    // Another image is blamed in place of one whose absence did not help.
    const isOther = (rule: Rule) => !rule.startsWith("image:") || !rules.some((each) => each.startsWith("image:"));
    learned = [...learned.filter(isOther), ...rules];
  }
}

/** A lesson counts if the request succeeded with it. Never throws: a reply is worth more than what was learned. */
function remember(key: string, { outcome, unknown_end }: Attempt, learned: Rule[], memory: Setup["memory"]): void {
  try {
    if (outcome.kind === "reply") for (const rule of learned) rememberRule(key, rule, memory);
    // An end that comes a second time with the same word is this server's way to end.
    if (unknown_end !== null) rememberRule(key, `end:${unknown_end.slice(0, MAX_END_CHARACTERS)}`, memory);
  } catch {
    // The thread's storage has failed, and its next transaction says so.
  }
}

const MAX_END_CHARACTERS = 60;

function openContext({ profile, base_url }: Setup, model: string, rules: string[]): WireContext {
  return {
    profile: applyRules(chooseProfile(profile, base_url, model), rules),
    origin: `${base_url.replace(/^\w+:\/\/(?:[^/@]*@)?/, "")} ${familyOf(model)}`,
    refused_images: refusedImages(rules),
    ends: knownEnds(rules),
  };
}

/** The most likely thing that the refusal teaches, of those that were not tried yet; null if there is none. */
function findRules(
  { objection, body, profile }: Attempt,
  { model, messages }: ModelRequest,
  known: readonly string[],
  tried: ReadonlySet<string>,
): Rule[] | null {
  if (objection === null) return null;
  const refused = refusedImages(known);
  const images = profile.images ? listImages(messages).filter(({ hash }) => !refused.has(hash)) : [];
  const readings = readObjection(objection, { profile, model, optional_fields: optionalFields(body), images });
  return readings.find((rules) => rules.length > 0 && !tried.has(rules.join())) ?? null;
}
