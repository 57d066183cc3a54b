// One request and its reply. The SDK makes the request and its errors. The body is read and parsed here, because that
// determines the cost of a token.
import { measureMessages } from "../../agent/context/tokens.ts";
import type { ModelDelta, ModelFailure, ModelOutcome, ModelReply, ModelRequest } from "../../agent/model.ts";
import { SMALL_BYTES, workRoom } from "../../lib/memory/room.ts";
import type { ModelFailureReason } from "../../protocol/run.ts";
import type { Objection } from "../profiles/learn.ts";
import { lacksTools } from "../profiles/learn.ts";
import type { Profile } from "../profiles/profile.ts";
import { toBody, writeBody } from "./body.ts";
import { RefusedResponse } from "./bounded-fetch.ts";
import type { Client } from "./client.ts";
import { describeError, describeErrorObject, failWith } from "./failure/failure.ts";
import { hideAddresses, type Provider, redact } from "./failure/redaction.ts";
import { readRefusal, readRefusedValue } from "./failure/refusal.ts";
import { ReplyTooLong, saysBroken, TOO_LONG } from "./reply.ts";
import { type Ending, ErrorObject, readReply } from "./reply-body.ts";
import { guardRequest, type StopReason, type TimeLimits } from "./request-guard.ts";
import type { Body, BrokenEnd, ReplyBuilder, Wire, WireContext } from "./wire.ts";

export interface OpenAiLimits extends TimeLimits {
  /** Text, reasoning and arguments of one reply together, in characters. */
  reply_characters: number;
}

export interface Exchange {
  connect(): Promise<Pick<Client, "send">>;
  keys: { api_key: string | null; gateway_token: string | null };
  /** The operator's own. */
  headers: Readonly<Record<string, string>>;
  provider: Provider;
  limits: OpenAiLimits;
}

/** How one request ended, and what its server objected to if it did so before a reply began. */
export interface Attempt {
  outcome: ModelOutcome;
  body: Body;
  context: WireContext;
  wire: Wire;
  objection: Objection | null;
  /** A word for the end of the reply that may be one of this server's own. */
  unknown_end: string | null;
  /** For the operator alone. */
  log: { status: number | null; redirects_to?: string };
}

/** Some models think in silence for minutes. While another one could be asked, two minutes are enough. */
const FIRST_BYTE_WITH_FALLBACK_MS = 120_000;

export async function sendRequest(
  exchange: Exchange,
  wire: Wire,
  request: ModelRequest,
  context: WireContext,
  onDelta: (delta: ModelDelta) => void,
  signal: AbortSignal,
): Promise<Attempt> {
  const client = await exchange.connect();
  const { provider } = exchange;
  const limits = limitsFor(request, exchange.limits);
  const weight = weighRequest(request);
  const isSmall = weight < SMALL_BYTES;
  const leave = isSmall ? () => {} : await workRoom.enter(weight, { goOn: () => !signal.aborted });
  const guard = guardRequest(limits, signal);
  const builder = wire.createReply(onDelta, {
    max_characters: limits.reply_characters,
    tool_names: request.tools.map(({ name }) => name),
    ends: context.ends,
  });
  const body = toBody(wire, request, context);
  const sent = isSmall || leave === null ? undefined : setTimeout(leave, SENT_MS);
  let ending: Ending = "cut";
  let failure: ModelFailure | null = null;
  let objection: Objection | null = null;
  let log: Attempt["log"] = { status: null };
  try {
    if (leave !== null) {
      const options = { body: writeBody(wire, body, request, context), signal: guard.signal, stream: true };
      const response = await client.send(wire.path, { ...options, headers: headersFor(context, exchange) });
      // It has been sent.
      leave();
      ending = await readReply(response, wire, builder, guard);
    } else if (!signal.aborted) failure = failWith(provider, null, CROWDED);
  } catch (error) {
    // The error of a request that we stopped only says that it was aborted; the guard's reason says why.
    failure = guard.reason ? null : describeReadError(error, builder, provider);
    const said = failure?.reason ? readError(error, failure.reason) : null;
    log = readLog(error, said);
    if (builder.progress === "waiting") objection = said;
    if (failure && objection && request.tools.length > 0 && lacksTools(objection)) failure.lacks_tools = true;
  } finally {
    guard.release();
    clearTimeout(sent);
    leave?.();
  }
  const outcome = endRequest();
  const word = builder.broken?.word ?? null;
  return { outcome, body, context, wire, objection, unknown_end: word === null || saysBroken(word) ? null : word, log };

  function endRequest(): ModelOutcome {
    if (guard.reason === "cancelled") return { kind: "aborted", reply: cutReply(builder) };
    failure ??= builder.broken && describeBroken(builder.broken, provider);
    if (failure) return { kind: "failure", failure };
    if (ending === "complete" || builder.finished) return { kind: "reply", reply: finishReply(builder, context) };
    return { kind: "failure", failure: describeEnding(ending, guard.reason, wire, provider, limits) };
  }
}

/** Up to two bytes a character of the text and of what it is joined from, and its encoded copy. */
const BYTES_PER_TOKEN = 8;
/** A model that thinks may answer after minutes. Its request has long been sent, and others may come in. */
const SENT_MS = 10_000;
const CROWDED = "The server has no memory left for so long a request.";

function weighRequest({ messages }: ModelRequest): number {
  const { tokens, images } = measureMessages(messages);
  return images.reduce((sum, { url }) => sum + url.length * 3, tokens * BYTES_PER_TOKEN);
}

function limitsFor({ has_fallback }: ModelRequest, limits: OpenAiLimits): OpenAiLimits {
  if (!has_fallback) return limits;
  return { ...limits, first_byte_ms: Math.min(limits.first_byte_ms, FIRST_BYTE_WITH_FALLBACK_MS) };
}

/** The same object for each call, by which the client knows requests that differ in their bodies only. */
const headersOf = new WeakMap<WireContext, Record<string, string | null>>();

function headersFor(context: WireContext, exchange: Exchange): Record<string, string | null> {
  const headers = headersOf.get(context) ?? makeHeaders(context.profile, exchange);
  headersOf.set(context, headers);
  return headers;
}

/** The operator's come last, so that nothing replaces them. */
function makeHeaders(profile: Profile, { keys, headers }: Exchange): Record<string, string | null> {
  const { api_key, gateway_token } = keys;
  return {
    ...(profile.auth === "api-key" || api_key === null ? { Authorization: null } : {}),
    ...(profile.auth === "api-key" ? { "api-key": api_key } : {}),
    ...(profile.opens_gateway && gateway_token ? { "cf-aig-authorization": `Bearer ${gateway_token}` } : {}),
    ...headers,
  };
}

/** A count that came before the end is one of several: more was written after it. */
function cutReply(builder: ReplyBuilder): ModelReply {
  builder.close();
  return builder.finished ? builder.reply() : { ...builder.reply(), usage: null };
}

function finishReply(builder: ReplyBuilder, { profile, origin }: WireContext): ModelReply {
  builder.close();
  const extras = builder.extras(profile, origin);
  return extras === undefined ? builder.reply() : { ...builder.reply(), extras };
}

function readError(error: unknown, reason: ModelFailureReason): Objection | null {
  if (error instanceof ErrorObject) return { ...readRefusedValue(error.value), reason };
  return error instanceof RefusedResponse ? { ...readRefusal(error.answer), reason } : null;
}

function readLog(error: unknown, objection: Objection | null): Attempt["log"] {
  const host = error instanceof RefusedResponse ? error.redirect_host : null;
  return { status: objection?.status || null, ...(host === null ? {} : { redirects_to: host }) };
}

/** Null if the reply was complete before the connection failed. */
function describeReadError(error: unknown, builder: ReplyBuilder, provider: Provider): ModelFailure | null {
  if (error instanceof ErrorObject) return describeErrorObject(error.value, provider, error.is_first);
  if (error instanceof ReplyTooLong || error instanceof RangeError) {
    return failWith(provider, "reply_too_long", TOO_LONG, { retryable: false });
  }
  if (builder.finished) return null;
  if (error instanceof SyntaxError) {
    return failWith(provider, "broken_reply", "The model server sent a chunk that is not JSON.");
  }
  return describeError(error, provider);
}

function describeBroken({ word, too_long }: BrokenEnd, provider: Provider): ModelFailure {
  const said = JSON.stringify(hideAddresses(redact(word, provider.secrets), provider.host).slice(0, 60));
  if (!too_long) return failWith(provider, "broken_reply", `The model server broke its reply off (${said}).`);
  const message = `The conversation and the reply are longer than the model can read (${said}).`;
  return failWith(provider, "context_too_long", message, { retryable: false, too_long });
}

function describeEnding(
  ending: Ending,
  reason: StopReason | null,
  { reply_name }: Wire,
  provider: Provider,
  limits: OpenAiLimits,
): ModelFailure {
  const seconds = (milliseconds: number) => `${Math.max(1, Math.round(milliseconds / 1000))} s`;
  const late: Partial<Record<StopReason, string>> = {
    no_first_byte: `The model server sent nothing for ${seconds(limits.first_byte_ms)}.`,
    silent: `The model server fell silent for ${seconds(limits.idle_ms)} during its reply.`,
    too_long: `The model's reply took longer than ${seconds(limits.total_ms)}.`,
  };
  const message = reason === null ? undefined : late[reason];
  if (message !== undefined) {
    return failWith(provider, "timeout", message, { code: "model_timeout", retryable: reason !== "too_long" });
  }
  if (ending !== "foreign") {
    return failWith(provider, "broken_reply", "The model server cut its reply off before the end.");
  }
  const foreign = `What answered is no ${reply_name}. Check ${provider.settings.base_url} (it usually ends in /v1).`;
  return failWith(provider, "model_not_found", foreign, { retryable: false });
}
