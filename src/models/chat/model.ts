// A `Model` over the chat completions API of OpenAI and compatible servers. The SDK makes the request and its errors.
// The body is read and parsed here, because that determines the cost of a token. One call is one request: the loop does
// retries and their delays.
import OpenAI from "openai";
import type { ChatCompletionCreateParamsStreaming } from "openai/resources/chat/completions";
import type { Model, ModelDelta, ModelFailure, ModelOutcome, ModelRequest } from "../../agent/model.ts";
import { cutEnd } from "../../lib/truncate.ts";
import { openByteReader } from "./byte-reader.ts";
import { type Ending, ErrorObject, readReply } from "./completion-body.ts";
import { describeError, describeErrorObject, failWith, type Provider } from "./failure.ts";
import { createReplyBuilder, MAX_REPLY_CHARACTERS, type ReplyBuilder, ReplyTooLong } from "./reply-builder.ts";
import { guardRequest, type StopReason, type TimeLimits } from "./request-guard.ts";

export interface OpenAiLimits extends TimeLimits {
  /** Text, reasoning and arguments of one reply together, in characters. */
  reply_characters: number;
}

export interface OpenAiOptions {
  api_key: string;
  base_url: string;
  fetch?: typeof fetch;
  limits?: Partial<OpenAiLimits>;
}

const defaultLimits: OpenAiLimits = {
  first_byte_ms: 120_000,
  idle_ms: 60_000,
  // The longest replies of reasoning models take about this long. A server that takes longer only trickles.
  total_ms: 30 * 60_000,
  reply_characters: MAX_REPLY_CHARACTERS,
};

/** Limits the body of an error: enough for any provider's message. */
const MAX_ERROR_BYTES = 16 * 1024;

interface Setup {
  client: OpenAI;
  provider: Provider;
  limits: OpenAiLimits;
}

// The SDK's User-Agent begins with the name of its class, which a bundle without names lacks (`keep_names`, wrangler.toml).
Object.defineProperty(OpenAI, "name", { value: "OpenAI" });

export function createOpenAiModel(options: OpenAiOptions): Model {
  const limits = { ...defaultLimits, ...options.limits };
  const request = options.fetch ?? ((input, init) => fetch(input, init));
  // Sets everything that the SDK would read from the environment, so that only the deployment's settings count.
  const client = new OpenAI({
    apiKey: options.api_key,
    baseURL: options.base_url,
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
    maxRetries: 0,
    // Our own timer fires first. The SDK's timer stops at the response head and does not cover the body.
    timeout: limits.first_byte_ms * 2,
    logLevel: "off",
    fetch: (input, init) => boundErrorBody(request, input, init),
  });
  const provider = { host: readHost(options.base_url), api_key: options.api_key };
  const setup: Setup = { client, provider, limits };
  return { stream: (modelRequest, onDelta, signal) => streamReply(setup, modelRequest, onDelta, signal) };
}

async function streamReply(
  setup: Setup,
  request: ModelRequest,
  onDelta: (delta: ModelDelta) => void,
  signal: AbortSignal,
): Promise<ModelOutcome> {
  const guard = guardRequest(setup.limits, signal);
  const builder = createReplyBuilder(onDelta, setup.limits.reply_characters);
  let ending: Ending = "cut";
  let failure: ModelFailure | null = null;
  try {
    const response = await setup.client.chat.completions.create(toBody(request), { signal: guard.signal }).asResponse();
    ending = await readReply(response, builder, guard);
  } catch (error) {
    // The error of a request that we stopped only says that it was aborted; the guard's reason says why.
    failure = guard.reason ? null : describeReadError(error, builder, setup.provider);
  } finally {
    guard.release();
  }
  if (guard.reason === "cancelled") return { kind: "aborted", reply: closeReply(builder) };
  if (!failure && (ending === "complete" || builder.finished)) return { kind: "reply", reply: closeReply(builder) };
  return { kind: "failure", failure: failure ?? describeEnding(ending, guard.reason, setup) };
}

function toBody(request: ModelRequest): ChatCompletionCreateParamsStreaming {
  const body: ChatCompletionCreateParamsStreaming = {
    model: request.model,
    messages: request.messages,
    stream: true,
    stream_options: { include_usage: true },
  };
  if (typeof request.temperature === "number") body.temperature = request.temperature;
  // OpenAI refuses an empty list.
  if (request.tools.length > 0) body.tools = request.tools.map((tool) => ({ type: "function", function: tool }));
  return body;
}

function closeReply(builder: ReplyBuilder) {
  builder.close();
  return builder.reply();
}

/** Null if the reply was complete before the connection failed. */
function describeReadError(error: unknown, builder: ReplyBuilder, provider: Provider): ModelFailure | null {
  if (error instanceof ErrorObject) return describeErrorObject(error.value, provider);
  if (error instanceof ReplyTooLong || error instanceof RangeError) {
    return failWith(provider, "The model's reply grew past what is accepted (2 MiB of text or 256 tool calls).", {
      retryable: false,
    });
  }
  if (builder.finished) return null;
  if (error instanceof SyntaxError) {
    return failWith(provider, `The model server at ${provider.host} sent a chunk that is not JSON.`, {
      retryable: true,
    });
  }
  return describeError(error, provider);
}

function describeEnding(ending: Ending, reason: StopReason | null, { provider, limits }: Setup): ModelFailure {
  const late = (message: string, retryable: boolean) =>
    failWith(provider, message, { retryable, code: "model_timeout" });
  const seconds = (milliseconds: number) => `${Math.max(1, Math.round(milliseconds / 1000))} s`;
  if (reason === "no_first_byte") {
    return late(`The model server at ${provider.host} sent nothing for ${seconds(limits.first_byte_ms)}.`, true);
  }
  if (reason === "silent") {
    return late(
      `The model server at ${provider.host} fell silent for ${seconds(limits.idle_ms)} amid its reply.`,
      true,
    );
  }
  if (reason === "too_long") return late(`The model's reply took longer than ${seconds(limits.total_ms)}.`, false);
  if (ending === "foreign") {
    return failWith(
      provider,
      `What answered at ${provider.host} is no chat completion. Check OPENAI_BASE_URL (it usually ends in /v1).`,
      { retryable: false },
    );
  }
  return failWith(provider, `The model server at ${provider.host} cut its reply off before the end.`, {
    retryable: true,
  });
}

/** The SDK reads the body of an error completely, whatever its size, so this bounds it. */
async function boundErrorBody(
  request: typeof fetch,
  input: Parameters<typeof fetch>[0],
  init: Parameters<typeof fetch>[1],
): Promise<Response> {
  const response = await request(input, init);
  if (response.ok || !response.body) return response;
  const reader = openByteReader(response.body);
  const decoder = new TextDecoder();
  let text = "";
  while (text.length < MAX_ERROR_BYTES) {
    const piece = await reader.read();
    if (piece === null) break;
    text += decoder.decode(piece, { stream: true });
  }
  await reader.cancel();
  const headers = new Headers();
  for (const name of ["content-type", "retry-after", "retry-after-ms"]) {
    const value = response.headers.get(name);
    if (value !== null) headers.set(name, value);
  }
  return new Response(cutEnd(text, MAX_ERROR_BYTES), { status: response.status, headers });
}

function readHost(address: string): string {
  return URL.canParse(address) ? new URL(address).host : "the configured address";
}
