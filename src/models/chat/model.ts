// A `Model` over the chat completions API of OpenAI and compatible servers. The SDK makes the request and its errors.
// The body is read and parsed here, because that determines the cost of a token. One call is one request: the loop does
// retries and their delays.
import OpenAI, { APIError } from "openai";
import type { Model, ModelDelta, ModelFailure, ModelMemory, ModelOutcome, ModelRequest } from "../../agent/model.ts";
import { cutEnd } from "../../lib/truncate.ts";
import { chooseProfile } from "../profiles/choose.ts";
import { familyOf } from "../profiles/families.ts";
import { type Objection, readObjection } from "../profiles/learn.ts";
import { keyOf, knownRules, rememberRule } from "../profiles/memory.ts";
import type { Profile } from "../profiles/profile.ts";
import { applyRules, type Rule } from "../profiles/rules.ts";
import { readAddress } from "./address.ts";
import { openByteReader } from "./byte-reader.ts";
import { type Ending, ErrorObject, readReply } from "./completion-body.ts";
import { selectExtras } from "./extras.ts";
import { describeError, describeErrorObject, failWith, type Provider } from "./failure.ts";
import { listImages, type WireContext } from "./messages.ts";
import { createReplyBuilder, type ReplyBuilder } from "./reply-builder.ts";
import { MAX_REPLY_CHARACTERS, ReplyTooLong } from "./reply-limits.ts";
import { optionalFields, type RequestBody, toRequestBody } from "./request-body.ts";
import { guardRequest, type StopReason, type TimeLimits } from "./request-guard.ts";

export interface OpenAiLimits extends TimeLimits {
  /** Text, reasoning and arguments of one reply together, in characters. */
  reply_characters: number;
}

export interface OpenAiOptions {
  api_key: string;
  base_url: string;
  /** The server's profile by name; without it, the address and the model's name decide. */
  profile?: string | null;
  /** Keeps what refusals teach; without it, only this isolate does. */
  memory?: ModelMemory;
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
  base_url: string;
  /** The setting MODEL_PROFILE. */
  server: string | null;
  memory: ModelMemory | undefined;
}

// The SDK's User-Agent begins with the name of its class, which a bundle without names lacks (`keep_names`, wrangler.toml).
Object.defineProperty(OpenAI, "name", { value: "OpenAI" });

export function createOpenAiModel(options: OpenAiOptions): Model {
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
    fetch: (input, init) => boundErrorBody(request, input, init),
  });
  const provider = { host: address.host, api_key: options.api_key };
  const setup: Setup = {
    client,
    provider,
    limits,
    base_url: address.base_url,
    server: options.profile ?? null,
    memory: options.memory,
  };
  return { stream: (modelRequest, onDelta, signal) => streamReply(setup, modelRequest, onDelta, signal) };
}

/** How one request ended, and what its server objected to, if it said so before its reply began. */
interface Attempt {
  outcome: ModelOutcome;
  body: RequestBody;
  objection: Objection | null;
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
  const chosen = chooseProfile(setup.server, setup.base_url, request.model);
  const rules = knownRules(key, setup.memory);
  const lessons: Rule[] = [];
  for (let attempt = 0; ; attempt++) {
    const context = openContext(setup, request.model, applyRules(chosen, [...rules, ...lessons]), [
      ...rules,
      ...lessons,
    ]);
    const { outcome, body, objection } = await sendRequest(setup, request, context, onDelta, signal);
    const lesson = objection && attempt < MAX_LESSONS && findLesson(objection, request, body, context, lessons);
    if (lesson) lessons.push(...lesson);
    else {
      const isRefused = objection !== null && objection.status < 500 && objection.status !== 429;
      if (!isRefused) for (const rule of lessons) rememberRule(key, rule, setup.memory);
      return outcome;
    }
  }
}

function openContext(setup: Setup, model: string, profile: Profile, rules: string[]): WireContext {
  const images = rules.filter((rule) => rule.startsWith("image:")).map((rule) => rule.slice("image:".length));
  return { profile, origin: `${setup.provider.host} ${familyOf(model)}`, refused_images: new Set(images) };
}

/** What the refusal teaches that is not known yet; null if nothing. */
function findLesson(
  objection: Objection,
  request: ModelRequest,
  body: RequestBody,
  { profile, refused_images }: WireContext,
  known: Rule[],
): Rule[] | null {
  const { images, new_images } = listImages(request.messages);
  const isSent = (hash: string) => profile.images && !refused_images.has(hash);
  const learned = readObjection(objection, {
    profile,
    optional_fields: optionalFields(body),
    images: images.filter(isSent),
    new_images: new_images.filter(isSent),
  }).filter((rule) => !known.includes(rule));
  return learned.length > 0 ? learned : null;
}

async function sendRequest(
  setup: Setup,
  request: ModelRequest,
  context: WireContext,
  onDelta: (delta: ModelDelta) => void,
  signal: AbortSignal,
): Promise<Attempt> {
  const { profile, origin } = context;
  const guard = guardRequest(setup.limits, signal);
  const builder = createReplyBuilder(onDelta, {
    max_characters: setup.limits.reply_characters,
    tool_names: request.tools.map(({ name }) => name),
  });
  const body = toRequestBody(request, context);
  let ending: Ending = "cut";
  let failure: ModelFailure | null = null;
  let objection: Objection | null = null;
  try {
    const headers = profile.auth === "api-key" ? { "api-key": setup.provider.api_key, Authorization: null } : {};
    const response = await setup.client.chat.completions.create(body, { signal: guard.signal, headers }).asResponse();
    ending = await readReply(response, builder, guard);
  } catch (error) {
    // The error of a request that we stopped only says that it was aborted; the guard's reason says why.
    failure = guard.reason ? null : describeReadError(error, builder, setup.provider);
    if (failure && builder.progress === "waiting") objection = readError(error);
  } finally {
    guard.release();
  }
  const end = (outcome: ModelOutcome): Attempt => ({ outcome, body, objection });
  if (guard.reason === "cancelled") return end({ kind: "aborted", reply: closeReply(builder) });
  const isWhole = builder.broken === null && (ending === "complete" || builder.finished);
  if (!failure && isWhole) {
    const extras = selectExtras(builder.extras(), profile, origin);
    return end({ kind: "reply", reply: { ...closeReply(builder), ...(extras ? { extras } : {}) } });
  }
  failure ??=
    builder.broken === null ? describeEnding(ending, guard.reason, setup) : describeBroken(builder.broken, setup);
  return end({ kind: "failure", failure });
}

function describeBroken(word: string, { provider }: Setup): ModelFailure {
  const message = `The model server at ${provider.host} broke its reply off (${JSON.stringify(word.slice(0, 60))}).`;
  return failWith(provider, message, { retryable: true });
}

function readError(error: unknown): Objection | null {
  if (!(error instanceof APIError) || typeof error.status !== "number") return null;
  return { status: error.status, detail: error.message, param: error.param ?? null };
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
