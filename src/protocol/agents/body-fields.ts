// Which fields people may add to the body of a model request. Many servers are proxies that take addresses and keys
// from the body (LiteLLM's `api_base`, `user_config`, `aws_…`; Azure's `data_sources`), so a field could send the
// conversation, and the operator's key, to an address of the user's choice. Names are compared without case, `_` and
// `-`, since a proxy may do that too.

/**
 * At any depth: what a server would run or read, which vLLM also takes out of the objects that it hands on
 * (`chat_template_kwargs`: https://github.com/vllm-project/vllm/pull/25794), and other models, which Vercel's gateway
 * takes out of `providerOptions`.
 */
const deepFields = [
  ...["chat_template", "tokenize", "logits_processors", "custom_logit_processor", "lora_path", "kv_transfer_params"],
  ...["mm_processor_kwargs", "media_io_kwargs", "models", "fallbacks", "model_list"],
];

/** What only Taskloom sets, what a proxy takes for an address or a key, and what would replace the chosen model. */
export const protectedFields: ReadonlySet<string> = new Set([
  // What Taskloom sends itself, and reads the reply by.
  ...deepFields,
  ...["model", "messages", "input", "instructions", "system", "prompt", "tools", "tool_choice"],
  ...["functions", "function_call", "stream", "stream_options", "n", "best_of", "max_tokens", "max_completion_tokens"],
  ...["max_output_tokens", "store", "include", "background", "previous_response_id", "conversation"],
  ...["session_params"],
  ...["modalities", "audio"],
  ...["template", "custom_params"],
  // Other models, and where they are.
  ...["base_url", "api_base", "api_key", "api_version", "api_type", "custom_llm_provider", "organization"],
  ...["context_window_fallbacks", "content_policy_fallbacks", "default_fallbacks", "num_retries", "max_retries"],
  ...["user_config", "model_info", "model_group", "specific_deployment", "deployment_id", "hf_model_name", "preset"],
  ...["route", "prompt_id", "prompt_variables", "prompt_version"],
  // Addresses and keys of others, and what a proxy logs where.
  ...["mcp_servers", "data_sources", "extra_body", "extra_query", "extra_headers", "headers", "default_headers"],
  ...["client", "http_client", "proxy", "proxies", "ssl_verify", "credentials", "tenant_id", "client_id"],
  ...["region_name"],
  ...["callbacks", "success_callback", "failure_callback", "service_callback", "logger_fn", "proxy_server_request"],
  ...["secret_fields", "guardrails", "guardrail_config", "disable_global_guardrails", "permissions", "no-log"],
  ...["mock_response", "mock_tool_calls", "mock_timeout", "input_cost_per_token", "output_cost_per_token"],
  ...["input_cost_per_second", "output_cost_per_second"],
  ...["custom_prompt_dict", "initial_prompt_value", "roles", "cache", "caching", "cache_params"],
]);

/** Enough for any provider's fields. The body goes along with every call, and is kept with every version and run. */
const MAX_CHARACTERS = 8 * 1024;
/** A JSON Schema for `response_format` is about this deep. */
const MAX_LEVELS = 16;

/** What an address or a key is called, at any depth: `aws_sts_endpoint`, `langfuse_host`, `server_url`. */
const addressStart =
  /^(?:aws|azure|vertex|gcs|s3|oci|sagemaker|watsonx|ssl|litellm|langfuse|langsmith|arize|posthog|userapikey)/;
const addressEnd =
  /(?:(?:url|uri|host|hostname|endpoint|apibase|apikey|apiversion|credential|secret|password|header|webhook|callback)s?|(?:access|api|bearer|auth|id|ad|hf|session|security)token|authorization|proxy)$/;
/**
 * With a scheme, or without one before a host; and what LiteLLM replaces by a secret or reads from a file. Parsers of
 * addresses need no slashes after the schemes that they know.
 */
const addressValue = /^(?:(?:[a-z][a-z0-9+.-]*:)?\/\/[^\s/]|(?:https?|wss?|ftps?|file):[^\s]|os\.environ\/|oidc\/)/i;
/** What parsers of addresses drop: white space and control characters before one, and breaks within. */
const dropped = /^[\s\p{C}]+|[\t\n\r]+/gu;

const fieldName = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

/**
 * OpenRouter's plugins that only change a request or its reply. Others ask models of their own choice (`fusion`,
 * routers), at their prices.
 */
const permittedPlugins = ["web", "file-parser", "response-healing", "context-compression", "moderation"];

const protectedNames = new Set(Array.from(protectedFields, plainName));
const deepNames = new Set(deepFields.map(plainName));
/** `analysis_models`, `fallback_models` and what else gateways call lists of them. */
const modelsEnd = /models$/;

function plainName(name: string): string {
  return name
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, "");
}

/** What is wrong with fields for the body of a request, as the end of a sentence; null if they may be sent. */
export function findBodyFault(fields: unknown): string | null {
  if (!isObject(fields)) return "must be a JSON object";
  const deep = findDeepFault(fields, MAX_LEVELS);
  if (deep !== null) return deep;
  const refused = Object.keys(fields).find((name) => protectedNames.has(plainName(name)));
  if (refused !== undefined) return `${quote(refused)} may not be set here`;
  const plugins = Object.entries(fields).filter(([name]) => plainName(name) === "plugins");
  if (!plugins.every(([, value]) => arePermitted(value))) return `"plugins" may only be ${permittedPlugins.join(", ")}`;
  const unknown = Object.keys(fields).find((name) => !fieldName.test(name));
  if (unknown !== undefined) return `${quote(unknown)} is not the name of a field (1 to 64 of A-Z a-z 0-9 _ - .)`;
  const { length } = JSON.stringify(fields);
  return length > MAX_CHARACTERS ? `is larger than ${MAX_CHARACTERS} characters of JSON` : null;
}

function arePermitted(plugins: unknown): boolean {
  return (
    Array.isArray(plugins) &&
    plugins.every((plugin) => isObject(plugin) && permittedPlugins.includes(String(plugin.id)))
  );
}

/** `name` is the field that the value is in, also through lists. */
function findDeepFault(value: unknown, levels: number, name = ""): string | null {
  if (typeof value === "string") return findTextFault(value, name);
  if (typeof value === "number" && !Number.isFinite(value)) return "has a number that JSON can't have";
  if (typeof value !== "object" || value === null) return null;
  if (levels === 0) return `is nested deeper than ${MAX_LEVELS} levels`;
  const isList = Array.isArray(value);
  for (const [key, inner] of Object.entries(value)) {
    const fault = (isList ? null : findNameFault(key)) ?? findDeepFault(inner, levels - 1, isList ? name : key);
    if (fault !== null) return fault;
  }
  return null;
}

function findNameFault(name: string): string | null {
  const plain = plainName(name);
  const isAddress = addressStart.test(plain) || addressEnd.test(plain);
  if (name === "__proto__" || isAddress || deepNames.has(plain) || modelsEnd.test(plain))
    return `${quote(name)} may not be set here`;
  return name.isWellFormed() ? null : "is not well-formed Unicode (a lone surrogate)";
}

function findTextFault(text: string, name: string): string | null {
  if (!text.isWellFormed()) return "is not well-formed Unicode (a lone surrogate)";
  return addressValue.test(text.replace(dropped, "")) ? `${quote(name)} may not be an address` : null;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function quote(name: string): string {
  return JSON.stringify(name.slice(0, 64).toWellFormed());
}
