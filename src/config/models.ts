// Where models are, and which one a run gets that names none: the server of OPENAI_BASE_URL, and those that
// MODEL_SERVERS names. A setting that is wrong becomes `problem`, which every run fails with: half of the servers, or
// other limits than were meant, would be found out too late.
import { z } from "zod";
import { type PriceRule, readModelPrices } from "./model-prices.ts";
import {
  address,
  headerText,
  MAX_CONTEXT_TOKENS,
  MIN_CONTEXT_TOKENS,
  type ModelApi,
  type ModelServer,
  modelApis,
  modelName,
  problem,
  readBodySetting,
  readHeaderSetting,
  readModelServers,
  SettingProblem,
} from "./model-servers.ts";

export interface ModelSettings {
  /** The server of OPENAI_BASE_URL; null without OPENAI_API_KEY. */
  default_server: ModelServer | null;
  /** By the name before the slash of `server/model`. */
  servers: ReadonlyMap<string, ModelServer>;
  /** Patterns of the names that may be chosen beside `default_model`; null is any. */
  allowed: string[] | null;
  /** For runs that name no model and whose agent names none. */
  default_model: string | null;
  /** What the operator says that models cost. */
  prices: readonly PriceRule[];
  /** How long a model may be silent before its reply begins, and during it. */
  limits: { first_byte_ms: number; idle_ms: number };
  /** What is wrong with a setting, in a sentence for the operator that holds no secret. */
  problem: string | null;
}

const text = z.string().trim().optional().catch(undefined);

/** A model call as a whole ends after half an hour (`total_ms` of the model), so no part of it can wait longer. */
const MAX_WAIT_SECONDS = 1800;

/**
 * Reasoning models send nothing while they think, and some servers hold a long call back until it is whole: minutes
 * were seen for both.
 */
const FIRST_BYTE_SECONDS = 600;
const IDLE_SECONDS = 300;

/** In ms. A number out of bounds becomes the nearest bound; a value that is no number counts as not set. */
const seconds = (fallback: number) =>
  z.union([z.number(), text]).transform((value) => {
    const given = value === undefined || value === "" ? Number.NaN : Number(value);
    return 1000 * (Number.isNaN(given) ? fallback : Math.min(MAX_WAIT_SECONDS, Math.max(1, given)));
  });

const contextTokens = z.union([z.number(), text]).transform((value) => {
  const given = value === undefined || value === "" ? Number.NaN : Number(value);
  if (Number.isNaN(given)) return null;
  return Math.floor(Math.min(MAX_CONTEXT_TOKENS, Math.max(MIN_CONTEXT_TOKENS, given)));
});

const settings = z.object({
  OPENAI_API_KEY: text,
  OPENAI_BASE_URL: text,
  OPENAI_MODEL: text,
  OPENAI_MODELS: text,
  MODELS_ALLOWED: z.unknown().optional(),
  MODEL_PROFILE: text,
  MODEL_API: text,
  AI_GATEWAY_TOKEN: text,
  MODEL_FIRST_BYTE_SECONDS: seconds(FIRST_BYTE_SECONDS),
  MODEL_IDLE_SECONDS: seconds(IDLE_SECONDS),
  MODEL_CONTEXT_TOKENS: contextTokens,
  MODEL_SERVERS: z.unknown().optional(),
  MODEL_HEADERS: z.unknown().optional(),
  MODEL_EXTRA_BODY: z.unknown().optional(),
  MODEL_PRICES: z.unknown().optional(),
});
type Values = z.infer<typeof settings>;

export function readModelSettings(env: object): ModelSettings {
  const values = settings.parse(env);
  const { OPENAI_API_KEY, OPENAI_MODEL } = values;
  const limits = { first_byte_ms: values.MODEL_FIRST_BYTE_SECONDS, idle_ms: values.MODEL_IDLE_SECONDS };
  const default_model = OPENAI_MODEL || (OPENAI_API_KEY ? "gpt-5" : null);
  try {
    const servers = readModelServers(values.MODEL_SERVERS);
    const prices = readModelPrices(values.MODEL_PRICES);
    const allowed = readAllowed(values.MODELS_ALLOWED);
    const default_server = readDefaultServer(values);
    return { default_server, servers, allowed, default_model, prices, limits, problem: null };
  } catch (error) {
    if (!(error instanceof SettingProblem)) throw error;
    const none = { default_server: null, servers: new Map(), allowed: null, prices: [] };
    return { ...none, default_model, limits, problem: error.message };
  }
}

/** The settings are read also where the key is missing, so that a wrong one is named. */
function readDefaultServer(values: Values): ModelServer | null {
  const api_key = check("OPENAI_API_KEY", headerText, values.OPENAI_API_KEY);
  const server = {
    base_url: check("OPENAI_BASE_URL", address, values.OPENAI_BASE_URL) ?? "https://api.openai.com/v1",
    profile: values.MODEL_PROFILE?.toLowerCase() || null,
    api: readApi(values.MODEL_API),
    gateway_token: check("AI_GATEWAY_TOKEN", headerText, values.AI_GATEWAY_TOKEN),
    headers: readHeaderSetting(values.MODEL_HEADERS),
    extra_body: readBodySetting(values.MODEL_EXTRA_BODY),
    models: readNames("OPENAI_MODELS", values.OPENAI_MODELS, "names of models without spaces"),
    context_tokens: values.MODEL_CONTEXT_TOKENS,
  };
  return api_key === null ? null : { api_key, ...server };
}

/** Null if it is empty. */
function check(setting: string, schema: z.ZodType<string>, given: string | undefined): string | null {
  if (given === undefined || given === "") return null;
  const read = schema.safeParse(given);
  if (!read.success) throw problem(setting, read.error.issues[0]?.message ?? "is not valid");
  return read.data;
}

function readApi(given: string | undefined): ModelApi | null {
  if (given === undefined || given === "") return null;
  const found = modelApis.find((api) => api === given.toLowerCase());
  if (found === undefined) throw problem("MODEL_API", `must be ${modelApis.join(" or ")}`);
  return found;
}

/** A list in wrangler.toml and commas alone would permit what they were meant to forbid. */
function readAllowed(given: unknown): string[] | null {
  if (typeof given === "string" ? given.trim() === "" : given == null) return null;
  const what = "patterns of models such as gpt-5* or server/*";
  const allowed = readNames("MODELS_ALLOWED", typeof given === "string" ? given : "", what);
  if (allowed === null) throw problem("MODELS_ALLOWED", `must be a text of ${what}, separated by commas`);
  return allowed;
}

function readNames(setting: string, given: string | undefined, what: string): string[] | null {
  const names = (given ?? "").split(",").map((name) => name.trim());
  const named = names.filter((name) => name !== "");
  if (named.some((name) => !modelName.safeParse(name).success)) {
    throw problem(setting, `must be ${what}, separated by commas`);
  }
  return named.length > 0 ? [...new Set(named)] : null;
}
