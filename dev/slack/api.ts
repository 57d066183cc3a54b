// Handles one call of the Web API: fault, token, limit, scopes, arguments, then the method.
import type { IncomingMessage, ServerResponse } from "node:http";
import { checkArguments, readCall } from "./arguments.ts";
import type { Caller, Context, LoggedCall, Methods } from "./context.ts";
import { errorBody, SlackError } from "./errors.ts";
import { type Fault, meetFault, waitFor } from "./faults.ts";
import type { Json } from "./json.ts";
import { assistantMethods } from "./methods-assistants.ts";
import { chatMethods } from "./methods-chat.ts";
import { conversationMethods } from "./methods-conversations.ts";
import { streamMethods } from "./methods-streams.ts";
import { viewMethods } from "./methods-views.ts";
import { accountMethods } from "./oauth.ts";

const methods: Methods = {
  ...chatMethods,
  ...streamMethods,
  ...viewMethods,
  ...assistantMethods,
  ...conversationMethods,
  ...accountMethods,
};

const maxCalls = 5000;
/** The values of a call with a longer body are not logged. */
const maxLoggedBody = 64 * 1024;
/** What Slack sends when it names no time. */
const defaultRetryAfter = 1;

interface Answer {
  status: number;
  body: Json;
  headers?: Record<string, string>;
}

export async function serveApi(
  method: string,
  request: IncomingMessage,
  response: ServerResponse,
  query: URLSearchParams,
  body: string,
  context: Context,
  signal: AbortSignal,
): Promise<void> {
  const logged: LoggedCall = { at: context.clock.now(), method, team: undefined, values: {}, status: 200, ok: false };
  context.calls.push(logged);
  if (context.calls.length > maxCalls) context.calls.shift();
  const fault = meetFault(context.faults, method);
  if (fault?.answer === "reset") {
    logged.status = 0;
    request.socket.resetAndDestroy();
    return;
  }
  const answer = answerCall(method, request, query, body, context, logged, fault);
  if (fault?.answer === "slow") await waitFor(fault, context.clock, signal).catch(() => undefined);
  logged.status = fault?.answer === "lost_answer" ? 0 : answer.status;
  logged.ok = answer.body.ok === true;
  if (typeof answer.body.error === "string") logged.error = answer.body.error;
  if (fault?.answer === "lost_answer") request.socket.resetAndDestroy();
  else if (answer.status === 500) response.writeHead(500, { "content-type": "text/html" }).end("<h1>Server Error</h1>");
  else
    response
      .writeHead(answer.status, { "content-type": "application/json; charset=utf-8", ...answer.headers })
      .end(JSON.stringify(answer.body));
}

function limited(seconds: number, logged: LoggedCall): Answer {
  logged.retryAfter = seconds;
  return { status: 429, body: { ok: false, error: "ratelimited" }, headers: { "retry-after": String(seconds) } };
}

function answerCall(
  method: string,
  request: IncomingMessage,
  query: URLSearchParams,
  body: string,
  context: Context,
  logged: LoggedCall,
  fault: Fault | undefined,
): Answer {
  try {
    const found = Object.hasOwn(methods, method) ? methods[method] : undefined;
    if (!found) throw new SlackError("unknown_method", [], { req_method: method });
    const { authorization, "content-type": contentType } = request.headers;
    const call = readCall(method, { authorization, contentType, query, body });
    if (body.length <= maxLoggedBody) logged.values = withoutSecrets(call.values);
    if (fault?.answer === "server_error") return { status: 500, body: { ok: false } };
    if (fault?.answer === "ratelimited") return limited(fault.retryAfter ?? defaultRetryAfter, logged);
    const basic = readBasic(authorization);
    if ("isOpen" in found) {
      if (fault?.answer === "error") throw new SlackError(fault.error ?? "internal_error");
      return { status: 200, body: { ok: true, ...found.run(checkArguments(call, found.arguments), basic, context) } };
    }
    const caller = readCaller(call.token, basic, context);
    logged.team = caller.workspace.id;
    const channel = typeof call.values.channel === "string" ? call.values.channel : undefined;
    const seconds = context.limits.take(method, caller.workspace.id, channel);
    if (seconds > 0) return limited(seconds, logged);
    if (fault?.answer === "error") throw new SlackError(fault.error ?? "internal_error");
    const { scopes } = caller.workspace;
    if (found.scopes.length > 0 && !found.scopes.some((scope) => scopes.includes(scope)))
      throw new SlackError("missing_scope", [], { needed: found.scopes.join(","), provided: scopes.join(",") });
    const headers = { "x-oauth-scopes": scopes.join(","), "x-accepted-oauth-scopes": found.scopes.join(",") };
    const values = checkArguments(call, found.arguments);
    return { status: 200, body: { ok: true, ...found.run(values, caller, context) }, headers };
  } catch (error) {
    if (!(error instanceof SlackError)) throw error;
    return { status: 200, body: errorBody(error) };
  }
}

function withoutSecrets(values: Json): Json {
  const { client_secret: _secret, refresh_token: _refresh, code: _code, ...rest } = values;
  return rest;
}

function readBasic(authorization: string | undefined): Caller["basic"] {
  const encoded = /^Basic (\S+)$/i.exec(authorization ?? "")?.[1];
  if (encoded === undefined) return undefined;
  const [id = "", ...secret] = Buffer.from(encoded, "base64").toString().split(":");
  return { id, secret: secret.join(":") };
}

function readCaller(token: string | undefined, basic: Caller["basic"], { store }: Context): Caller {
  if (token === undefined) throw new SlackError("not_authed");
  const workspace = store.findByToken(token);
  if (!workspace) throw new SlackError(store.deadTokens.get(token) ?? "invalid_auth");
  return { workspace, token, basic };
}
