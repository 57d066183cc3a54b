// Turns failures into responses. Expected ones are thrown as a `Problem` and answered with their code. Anything else is
// answered as `internal`: its reason is logged and never sent.
import type { MiddlewareHandler } from "hono";
import { matchedRoutes, routePath } from "hono/route";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { logError, logWarning } from "../lib/log.ts";
import { type Failure, type ProblemCode, problems, type Result, statusOf } from "../protocol/error.ts";
import { isDatabaseFull, lacksTables } from "../store/server/full.ts";
import type { AppContext, AppEnv } from "./context.ts";
import { hintFor, type MethodsAt } from "./paths/methods.ts";
import { takeLine, takeNotice, takeOne } from "./quotas/quotas.ts";

/** How the clients of a protocol read an error. */
export interface ErrorForm {
  type: "application/json" | "application/problem+json";
  /** Adds fields to those that every error has. */
  fields?: (failure: Failure) => Record<string, unknown>;
}

export const usualErrors: ErrorForm = { type: "application/problem+json" };

const forms = new WeakMap<object, ErrorForm>();

/**
 * Marks the handler of a route. Errors of the route's requests then have this form, also if they are thrown before the
 * handler is called: the key check comes first.
 */
export function withErrors<H extends MiddlewareHandler<AppEnv>>(form: ErrorForm, handle: H): H {
  forms.set(handle, form);
  return handle;
}

function formOf(context: AppContext): ErrorForm {
  const marked = matchedRoutes(context).findLast(({ handler }) => forms.has(handler));
  return (marked && forms.get(marked.handler)) ?? usualErrors;
}

export class Problem extends Error {
  readonly failure: Failure;
  /** False for what a flood would repeat: a line for each would cost the operator more than the sender. */
  readonly isLogged: boolean;

  constructor(code: ProblemCode, detail: string, isLogged = true, retry_after_s?: number) {
    // Nobody reads where it was thrown, and to note that is a tenth of what a refused request costs.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(code);
    Error.stackTraceLimit = stackTraceLimit;
    this.name = "Problem";
    this.failure = { code, detail, ...(retry_after_s === undefined ? {} : { retry_after_s }) };
    this.isLogged = isLogged;
  }
}

/** Returns the value of a result, and throws its failure. */
export function unwrap<T>(result: Result<T>): T {
  if (result.ok) return result.value;
  throw problemOf(result.error);
}

/** Quotas are logged where they are counted. */
export function problemOf({ code, detail, retry_after_s }: Failure): Problem {
  return new Problem(code, detail, code !== "quota_exceeded", retry_after_s);
}

/** For requests that fit again once others are answered. */
const RETRY_SECONDS = 5;

export function overloaded(what: "requests" | "answers"): Problem {
  const detail = `The server has as many long ${what} as it can hold. Send the request again in a few seconds.`;
  return new Problem("overloaded", detail, true, RETRY_SECONDS);
}

const databaseFull: Failure = {
  code: "database_full",
  detail:
    "The server's database is full, so nothing was changed. Runs continue, reading works, and so does deleting threads and projects. An operator has to make room.",
};

export const tablesMissing = {
  code: "not_configured",
  detail:
    "The database has no tables, or not all of them. Run the migrations: `npx wrangler d1 migrations apply taskloom --remote`.",
} as const;

export function answerError(error: unknown, context: AppContext): Response {
  if (error instanceof Problem) {
    if (error.isLogged) log(context, error.failure);
    return answerProblem(context, error.failure);
  }
  // The client has left, and that is all that went wrong. nginx's status for it; nobody reads the answer.
  const { signal } = context.req.raw;
  if (signal.aborted && error === signal.reason) return new Response(null, { status: 499 });
  if (isDatabaseFull(error)) {
    log(context, databaseFull);
    return answerProblem(context, databaseFull);
  }
  const failure = lacksTables(error)
    ? tablesMissing
    : ({ code: "internal", detail: "The server failed; the request id finds the reason in its log." } as const);
  logError("request_failed", error, describeRequest(context, failure));
  return answerProblem(context, failure);
}

/** With a key, it counts as its user's request. */
export async function answerNotFound(context: AppContext, methodsAt: MethodsAt = () => []): Promise<Response> {
  const caller = context.get("caller");
  const refusal = caller ? await takeOne(context.env, caller, "requests_per_minute") : null;
  if (refusal !== null) return answerProblem(context, refusal);
  const { method, path } = context.req;
  const detail = `There is no ${method} on this path. ${hintFor(path, methodsAt)}`;
  const failure = { code: "not_found", detail } as const;
  log(context, failure);
  return answerProblem(context, failure);
}

function answerProblem(context: AppContext, failure: Failure): Response {
  const { code, detail, retry_after_s } = failure;
  const { title } = problems[code];
  const status = statusOf(failure);
  const { type, fields } = formOf(context);
  const body = {
    type: `urn:taskloom:problem:${code}`,
    title,
    status,
    detail,
    code,
    request_id: context.get("request_id"),
    ...fields?.(failure),
  };
  const headers = {
    "content-type": type,
    ...(retry_after_s === undefined ? {} : { "retry-after": String(retry_after_s) }),
  };
  return context.body(JSON.stringify(body), status as ContentfulStatusCode, headers);
}

/** Each user's failures have lines of their own, and those without a key have some together. */
function log(context: AppContext, failure: Failure): void {
  const { env } = context;
  const user_id = context.get("caller")?.user_id ?? null;
  const key = `lines/${user_id ?? ""}`;
  if (takeLine(env, key)) logWarning("request_failed", describeRequest(context, failure));
  else if (takeNotice(env, key)) logWarning("requests_failed", { user_id });
}

/** Logs the route and not the path: a client may have put a secret into the path by mistake. */
function describeRequest(context: AppContext, failure: Failure): Record<string, string | number | null> {
  return {
    request_id: context.get("request_id"),
    method: context.req.method,
    route: routePath(context, -1),
    status: statusOf(failure),
    code: failure.code,
    user_id: context.get("caller")?.user_id ?? null,
  };
}
