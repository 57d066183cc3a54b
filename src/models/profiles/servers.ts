// What servers need, by their addresses or by names of models that only they have, and the profile that this makes with
// what the model's family needs. The setting MODEL_PROFILE names a server where an address says nothing.
import { putNewest } from "../../lib/memory/newest.ts";
import { findFamily } from "./families.ts";
import { type Api, type Profile, type ProfileChange, plainProfile } from "./profile.ts";

export interface Server {
  name: string;
  hosts?: RegExp;
  /** Names of models that no other server has. */
  models?: RegExp;
  /** Which models are asked at its Responses API: all that reason, or those that can't be asked otherwise. */
  responses?: "better" | "needed";
  /** Its name in an address or a model's name of Cloudflare's AI Gateway, where that is another. */
  gateway_name?: string;
  /** A model of it, for names that say nothing: a deployment's, a proxy's. */
  example?: string;
  change: ProfileChange;
  /** What differs by the model's family. */
  families?: Record<string, ProfileChange>;
}

const keepsNothing = {
  reasoning: { field: null, on: "calls", required: false },
  keeps_reasoning: false,
  details: false,
  signatures: "no",
} as const;

/** Their templates decide what a model sees of it. */
const returnsReasoning = { field: "reasoning_content", on: "all", required: false } as const;

/**
 * Templates of local servers are the strictest about the order of roles, and merged messages suit all of them. Their
 * Responses API encrypts nothing and shows thoughts without being asked to.
 */
const local = { merges_messages: true, details: false, reasons: false } as const;

const servers: Server[] = [
  {
    name: "openai",
    example: "gpt-5",
    hosts: /(?:^|\.)api\.openai\.com$/,
    responses: "better",
    change: { ...keepsNothing, ids: "forty", cache_key: true },
  },
  {
    // Not every region and version has the Responses API.
    name: "azure",
    responses: "needed",
    gateway_name: "azure-openai",
    example: "gpt-5",
    hosts: /\.(?:openai\.azure|cognitiveservices\.azure|services\.ai\.azure|azure-api)\.(?:com|net|us|cn)$/,
    change: { ids: "forty", auth: "api-key" },
  },
  { name: "deepseek", example: "deepseek-v4-pro", hosts: /(?:^|\.)api\.deepseek\.com$/, change: {} },
  { name: "kimi", example: "kimi-k2.6", hosts: /(?:^|\.)(?:moonshot\.(?:ai|cn)|kimi\.(?:com|ai))$/, change: {} },
  {
    // Of models up to Qwen 3.7, `max_tokens` may leave the thoughts unlimited:
    // https://www.alibabacloud.com/help/en/model-studio/api-compatibility-upgrade-notice
    name: "qwen",
    example: "qwen3",
    hosts: /(?:^dashscope[\w-]*|\.maas)\.aliyuncs\.com$/,
    change: { limit: { field: "max_completion_tokens", required: false } },
    families: { qwen: { cache_marks: "parts" } },
  },
  {
    // Without the field it holds a call's arguments back until they are whole.
    name: "glm",
    example: "glm-5",
    hosts: /(?:^|\.)(?:z\.ai|bigmodel\.cn)$/,
    change: { adds: { tool_stream: true } },
  },
  { name: "minimax", example: "minimax-m2", hosts: /(?:^|\.)(?:minimax\.io|minimaxi\.com|minimax\.chat)$/, change: {} },
  {
    // It has one form for the reasoning of all its models, and translates ids and limits.
    name: "openrouter",
    hosts: /(?:^|\.)openrouter\.ai$/,
    change: { reasoning: { field: null, on: "calls", required: false }, keeps_reasoning: false, adds: {} },
    families: { qwen: { cache_marks: "parts" } },
  },
  {
    name: "gemini",
    gateway_name: "google-ai-studio",
    example: "gemini-3",
    hosts: /(?:^|\.|-)(?:generativelanguage|aiplatform)\.googleapis\.com$/,
    change: { details: false },
  },
  {
    // This endpoint caches nothing and returns no thoughts.
    name: "anthropic",
    example: "claude",
    hosts: /(?:^|\.)api\.anthropic\.com$/,
    change: { ...keepsNothing, ids: "plain", cache_marks: "none", limit: { field: "max_tokens", required: true } },
  },
  {
    // GPT-5.5 has the Responses API alone there. What gpt-oss thinks stands in its text, as `<reasoning>`.
    name: "bedrock",
    example: "gpt-oss",
    hosts: /^bedrock-(?:runtime|mantle)\.[\w-]+\.(?:amazonaws\.com|api\.aws)$/,
    responses: "needed",
    change: { ...keepsNothing, ids: "forty" },
  },
  {
    name: "mistral",
    example: "mistral",
    hosts: /(?:^|\.)(?:api|codestral)\.mistral\.ai$/,
    // It counts tokens without being asked to, and has refused the question.
    change: {
      ...keepsNothing,
      reasoning: { field: "thinking", on: "all", required: false },
      ids: "nine",
      bridges_results: true,
      merges_messages: true,
      omits: ["stream_options"],
    },
  },
  { name: "groq", hosts: /(?:^|\.)api\.groq\.com$/, change: keepsNothing },
  {
    name: "cerebras",
    hosts: /(?:^|\.)api\.cerebras\.ai$/,
    change: { ...keepsNothing, reasoning: { field: "reasoning", on: "calls", required: false } },
  },
  {
    // A reply ends after 256 tokens unless a limit is sent.
    name: "workers-ai",
    hosts: /^api\.cloudflare\.com$/,
    models: /^@(?:cf|hf)\//,
    change: { ...keepsNothing, empty_content: "text", limit: { field: "max_tokens", required: true } },
  },
  // What it needs beside what the server behind it needs.
  { name: "ai-gateway", hosts: /^gateway\.ai\.cloudflare\.com$/, change: { opens_gateway: true } },
  {
    // A mark in a part of a result ends up in a place where Claude refuses it.
    name: "litellm",
    change: {},
    families: { claude: { cache_marks: "messages" } },
  },
  { name: "vllm", change: { ...local, reasoning: { ...returnsReasoning, field: "reasoning" } } },
  { name: "llama-cpp", change: { ...local, reasoning: returnsReasoning } },
  {
    name: "ollama",
    hosts: /(?:^|\.)ollama\.com$/,
    change: { ...local, reasoning: { ...returnsReasoning, field: "reasoning" } },
  },
];

/** The names that MODEL_PROFILE may have. */
export const serverNames = servers.map(({ name }) => name);

/** Null for a server of no known address. */
export function findServer(name: string | null, base_url: string, model: string): Server | null {
  if (name !== null) return servers.find((server) => server.name === name) ?? null;
  const host = URL.canParse(base_url) ? new URL(base_url).hostname : "";
  const byHost = servers.find(({ hosts }) => hosts?.test(host));
  return byHost ?? servers.find(({ models }) => models?.test(model)) ?? null;
}

/**
 * The server behind the gateway, by the address (`/v1/ACCOUNT/GATEWAY/workers-ai/v1`) or, where that is `compat`, by the
 * model's name (`workers-ai/@cf/…`).
 */
export function findServerBehind(base_url: string, model: string): Server | null {
  const path = URL.canParse(base_url) ? new URL(base_url).pathname.split("/")[4] : undefined;
  const names = [path, model.split("/")[0]];
  return servers.find((server) => names.includes(server.gateway_name ?? server.name)) ?? findServer(null, "", model);
}

/** Each call of a model asks for it, and it depends on settings and a name only. */
const chosen = new Map<string, Profile>();
/** More than a deployment has in use; people may name any model. */
const MAX_CHOSEN = 200;

/** `name` is the setting MODEL_PROFILE; null derives the server from the address and the model's name. */
export function chooseProfile(name: string | null, base_url: string, model: string): Profile {
  const key = `${name} ${base_url} ${model}`;
  const known = chosen.get(key);
  if (known !== undefined) return known;
  const profile = findProfile(name, base_url, model);
  putNewest(chosen, key, profile, MAX_CHOSEN);
  return profile;
}

function findProfile(name: string | null, base_url: string, model: string): Profile {
  const found = findServer(name, base_url, model);
  const behind = found?.change.opens_gateway ? findServerBehind(base_url, model) : null;
  const family = findFamily(model) ?? findFamily((behind ?? found)?.example ?? "");
  const ofServers = [behind, found].flatMap((server) => [server?.change, server?.families?.[family?.name ?? ""]]);
  let profile: Profile = { ...plainProfile, api: chooseApi(found, behind, base_url, model) };
  for (const change of [family?.change, ...ofServers]) profile = { ...profile, ...change };
  return profile;
}

/** By the model's own name: one that says nothing may be of a model that the Responses API doesn't have. */
function chooseApi(found: Server | null, behind: Server | null, base_url: string, model: string): Api {
  const path = URL.canParse(base_url) ? new URL(base_url).pathname : "";
  // Azure's older addresses end in a deployment, and its Responses API is not below them. The gateway's address for all
  // providers has chat completions.
  if (/\/deployments\/|\/compat$|\/azure-openai\//.test(path)) return "chat";
  const has = (behind ?? found)?.responses;
  const wants = findFamily(model)?.responses;
  return wants !== undefined && (has === "better" || (has === "needed" && wants === "needed")) ? "responses" : "chat";
}
