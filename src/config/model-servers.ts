// One model server of the operator's, and the settings in JSON: MODEL_SERVERS, MODEL_HEADERS, MODEL_EXTRA_BODY. They
// hold keys, so no sentence here quotes a value, and a parser's own words are never repeated.
import { z } from "zod";
import { isRecord } from "../lib/is-record.ts";
import { findBodyFault } from "../protocol/agents/body-fields.ts";
import { findRepeatedName } from "./repeated-name.ts";

/** The operation that a server is asked at. */
export const modelApis = ["chat", "responses"] as const;
export type ModelApi = (typeof modelApis)[number];

export interface ModelServer {
  /** Null for a local server that wants none. */
  api_key: string | null;
  base_url: string;
  /** Names the kind of server where its address and the model's name don't show it. */
  profile: string | null;
  api: ModelApi | null;
  /** Opens Cloudflare's AI Gateway. */
  gateway_token: string | null;
  /** Sent with every request. */
  headers: Record<string, string>;
  /** Fields of every request. */
  extra_body: Record<string, unknown>;
  /** The models that may be chosen; null means any. */
  models: string[] | null;
  /** How many tokens one call may take, for any model; null derives it from the model's name. */
  context_tokens: number | null;
}

/** Thrown within this folder, and turned into `problem`: a sentence for the operator, which users read too. */
export class SettingProblem extends Error {}

/** More than anybody has accounts for. Cloudflare limits a variable to 5 KB, which holds about this many. */
const MAX_SERVERS = 32;
const serverName = /^[a-z0-9][a-z0-9_-]{0,31}$/;
/** What `GET /v1/models` calls the server of OPENAI_BASE_URL. */
export const DEFAULT_SERVER = "default";

/** As many as a person can choose from, and a setting has room for. */
const MAX_MODELS = 500;
const MAX_HEADERS = 32;

/** The system prompt and the tools alone take more than half of the minimum. No model reads as much as the maximum. */
export const MIN_CONTEXT_TOKENS = 8_000;
export const MAX_CONTEXT_TOKENS = 100_000_000;

/** What Taskloom or the runtime sets, and what would change how a request is read. */
const setByUs =
  /^(?:authorization|host|connection|keep-alive|te|trailers?|transfer-encoding|upgrade|expect|accept|accept-encoding|cookie|cf-aig-authorization|content-.*|proxy-.*|sec-.*)$/i;
const headerName = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$/;
const headerValue = /^[\x21-\x7e](?:[\x20-\x7e]{0,4094}[\x21-\x7e])?$/;

/** A key of the default server. It may have spaces within. */
export const headerText = z.string().regex(headerValue, "must be 1 to 4096 printable ASCII characters");

/** `z.string()` in the words of a sentence about the field. */
const text = () => z.string({ error: ({ input }) => (input === undefined ? "is missing" : "must be a text") });

export const secret = text()
  .trim()
  .regex(/^[\x21-\x7e]{1,4096}$/, "must be 1 to 4096 visible ASCII characters without spaces");

/** As long as providers' servers accept one. */
const MAX_ADDRESS = 2048;

export const address = text()
  .trim()
  .refine(
    (url) => url.length <= MAX_ADDRESS && /^https?:$/.test(URL.parse(url)?.protocol ?? ""),
    "must be an http or https address",
  );

/** A name as people choose it. It is shown to them, so it has nothing that hides or breaks a line. */
export const modelName = text()
  .trim()
  .regex(/^[^\s\p{C}]{1,160}$/u, "must be a model's name without spaces");

const headers = z.unknown().transform((given, issues) => take(readHeaders(given), issues));
const extraBody = z.unknown().transform((given, issues) => take(readBodyFields(given), issues));

const listed = `must be a list of 1 to ${MAX_MODELS} names`;
const tokens = `must be a whole number from ${MIN_CONTEXT_TOKENS} to ${MAX_CONTEXT_TOKENS}`;
const profile = "must be the name of a profile";

const entry = z.strictObject(
  {
    base_url: address,
    key: secret.optional(),
    provider: text().trim().toLowerCase().min(1, profile).max(64, profile).optional(),
    api: z.enum(modelApis, `must be ${modelApis.join(" or ")}`).optional(),
    headers: headers.optional(),
    extra_body: extraBody.optional(),
    models: z.array(modelName, listed).min(1, listed).max(MAX_MODELS, listed).optional(),
    context_tokens: z.int(tokens).min(MIN_CONTEXT_TOKENS, tokens).max(MAX_CONTEXT_TOKENS, tokens).optional(),
    gateway_token: secret.optional(),
  },
  "must be an object of fields",
);

/** By name. Empty if the setting is. */
export function readModelServers(given: unknown): Map<string, ModelServer> {
  const read = readObject("MODEL_SERVERS", given);
  const servers = new Map<string, ModelServer>();
  const entries = Object.entries(read ?? {});
  if (entries.length > MAX_SERVERS) throw problem("MODEL_SERVERS", `may name ${MAX_SERVERS} servers at most`);
  for (const [place, [name, value]] of entries.entries()) {
    // A name that is none may be a key that was pasted in the wrong place.
    if (!serverName.test(name)) {
      throw problem(
        "MODEL_SERVERS",
        `has a name at place ${place + 1} that is not 1 to 32 of a-z 0-9 _ - with a letter or digit first`,
      );
    }
    if (name === DEFAULT_SERVER) throw problem("MODEL_SERVERS", `may not name a server "${DEFAULT_SERVER}"`);
    servers.set(name, readServer(name, value));
  }
  return servers;
}

function readServer(name: string, value: unknown): ModelServer {
  const read = entry.safeParse(value);
  if (!read.success) throw problem("MODEL_SERVERS", `is wrong at "${name}": ${describeIssue(read.error)}`);
  const { base_url, key, provider, api, headers, extra_body, models, context_tokens, gateway_token } = read.data;
  return {
    ...{ base_url, api_key: key ?? null, profile: provider ?? null, api: api ?? null, headers: headers ?? {} },
    ...{ extra_body: extra_body ?? {}, models: models ? [...new Set(models)] : null },
    ...{ context_tokens: context_tokens ?? null, gateway_token: gateway_token ?? null },
  };
}

/** The field and what it must be. Names of unknown fields are shown only if they look like names. */
function describeIssue({ issues: [issue] }: z.ZodError): string {
  if (issue?.code === "unrecognized_keys") {
    const names = issue.keys.filter((key) => /^[a-z_]{1,32}$/.test(key));
    return `unknown field${names.length > 0 ? ` ${names.join(", ")}` : ""}`;
  }
  const place = issue?.path.map(String).join(".") ?? "";
  return `${place === "" ? "" : `${place} `}${issue?.message ?? "not valid"}`;
}

export function readHeaderSetting(given: unknown): Record<string, string> {
  return unwrap("MODEL_HEADERS", readHeaders(readObject("MODEL_HEADERS", given) ?? {}));
}

export function readBodySetting(given: unknown): Record<string, unknown> {
  return unwrap("MODEL_EXTRA_BODY", readBodyFields(readObject("MODEL_EXTRA_BODY", given) ?? {}));
}

type Reading<Value> = { value: Value } | { fault: string };

function readHeaders(given: unknown): Reading<Record<string, string>> {
  if (!isRecord(given)) return { fault: "must be a JSON object of names and values" };
  const entries = Object.entries(given);
  if (entries.length > MAX_HEADERS) return { fault: `may have ${MAX_HEADERS} headers at most` };
  const read: [string, string][] = [];
  for (const [place, [name, value]] of entries.entries()) {
    if (!headerName.test(name) || name === "__proto__") return { fault: `has no header's name at place ${place + 1}` };
    if (setByUs.test(name)) return { fault: `may not set ${name}` };
    if (typeof value !== "string" || !headerValue.test(value.trim())) {
      return { fault: `must have 1 to 4096 printable ASCII characters as the value of ${name}` };
    }
    if (read.some(([known]) => known.toLowerCase() === name.toLowerCase())) return { fault: `has ${name} twice` };
    read.push([name, value.trim()]);
  }
  return { value: Object.fromEntries(read) };
}

function readBodyFields(given: unknown): Reading<Record<string, unknown>> {
  const fault = findBodyFault(given);
  return fault === null && isRecord(given) ? { value: given } : { fault: fault ?? "must be a JSON object" };
}

function take<Value>(reading: Reading<Value>, issues: z.RefinementCtx): Value {
  if ("value" in reading) return reading.value;
  issues.addIssue({ code: "custom", message: reading.fault });
  return z.NEVER;
}

function unwrap<Value>(setting: string, reading: Reading<Value>): Value {
  if ("value" in reading) return reading.value;
  throw problem(setting, reading.fault);
}

/** `[vars]` of wrangler.toml may hold the object itself. Null if the setting is empty. */
export function readObject(setting: string, given: unknown): Record<string, unknown> | null {
  const value = typeof given === "string" ? parseJson(given.trim()) : (given ?? null);
  if (value !== null && !isRecord(value)) throw problem(setting, "must be a JSON object");
  const repeated = value !== null && typeof given === "string" ? findRepeatedName(given) : null;
  if (repeated === null) return value;
  throw problem(setting, `has ${serverName.test(repeated) ? `"${repeated}"` : "a name"} twice in one object`);
}

function parseJson(text: string): unknown {
  if (text === "") return null;
  try {
    const value: unknown = JSON.parse(text);
    return value ?? false;
  } catch {
    return false;
  }
}

export function problem(setting: string, words: string): SettingProblem {
  return new SettingProblem(`The server's setting ${setting} ${words}.`);
}
