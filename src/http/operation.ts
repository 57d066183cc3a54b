// An operation is one method on one path, defined once. Its schemas validate requests, and `/openapi.json` is generated
// from them.
import { z } from "@hono/zod-openapi";
import type { Config } from "../config.ts";
import { type Failure, type ProblemCode, problems } from "../protocol/error.ts";
import type { AuditAction } from "../protocol/people/audit.ts";
import { type Late, readLate } from "../protocol/schemas/late.ts";
import type { CountedName } from "../store/quotas/held.ts";
import { auditOperation, type OperationAudit } from "./audit.ts";
import { confirmKey, type NeededScope, nameScopes, requireScope, scopesOf } from "./auth.ts";
import { readJson } from "./body.ts";
import type { App, AppContext } from "./context.ts";
import { type ErrorForm, Problem, problemOf, toFailure, usualErrors, withErrors } from "./errors.ts";
import * as examples from "./examples.ts";
import { requireRoom } from "./ownership.ts";
import { peekOne, takeOne } from "./quotas/quotas.ts";
import { admitRun, peekRun } from "./quotas/runs.ts";
import { problem } from "./schemas.ts";

export interface Answer {
  description: string;
  /** The schema of a JSON body. Without `schema`, `text` and `bytes` there is no body. */
  schema?: Late<z.ZodType>;
  /** The response may have this type too; only this one if there is no schema. */
  text?: "text/event-stream" | "text/html";
  /** The response is bytes of one of these types. */
  bytes?: ("application/octet-stream" | "application/gzip")[];
  headers?: Record<string, string>;
}

export interface Operation<Params, Query, Headers, Body> {
  method: "get" | "post" | "put" | "patch" | "delete";
  /** In OpenAPI's form: `/v1/threads/{thread_id}`. */
  path: string;
  tag: string;
  summary: string;
  description?: string;
  /** The operation needs no key. */
  open?: true;
  /** What the key must be allowed to do, if that is not `read` for a GET, and `write` for any other method. */
  scope?: NeededScope;
  params?: Late<z.ZodObject & z.ZodType<Params>>;
  query?: Late<z.ZodObject & z.ZodType<Query>>;
  /** The headers that the operation reads, in lower case. Others are ignored. */
  headers?: Late<z.ZodObject & z.ZodType<Headers>>;
  body?: Late<z.ZodType<Body>>;
  /** Validates in place of `body` if the schema depends on the settings. `body` then only describes it. */
  bodyFor?: (config: Config) => z.ZodType<Body>;
  /** The body is bytes, which the handler reads itself. */
  takesBytes?: true;
  answers: Record<number, Answer>;
  /** Problems beside those that every operation can answer. */
  problems?: ProblemCode[];
  /** Unknown fields are ignored, because the protocol is not ours. */
  lenient?: true;
  /** The form in which the clients of a protocol read errors. */
  errors?: ErrorForm;
  /**
   * The quota that a call counts for beside its user's requests. Without it, what changes something is a change. A
   * `version` of an agent is one, too. `nothing`, also what only admins may do: it works while somebody floods with a key that leaked.
   */
  counts?: Counts;
  /** What the audit records of each call that is let in and valid. */
  audit?: OperationAudit<Input<Params, Query, Headers, Body>>;
  /** The quota of what the operation makes. Who has no room is refused before anything is written. */
  quota?: CountedName;
  /** Whether it replaces what the user has, and needs no room. Only asked of who has none. */
  replaces?: (context: AppContext, input: Input<Params, Query, Headers, Body>) => Promise<boolean>;
  /** What the handler itself records in the audit (`audited`). */
  records?: AuditAction[];
}

export interface Input<Params, Query, Headers, Body> {
  params: Params;
  query: Query;
  headers: Headers;
  body: Body;
}

/** Adds an operation to the app and to its description. */
export function addOperation<Params, Query, Headers, Body>(
  app: App,
  operation: Operation<Params, Query, Headers, Body>,
  handle: (context: AppContext, input: Input<Params, Query, Headers, Body>) => Response | Promise<Response>,
): void {
  const descriptions = waiting.get(app) ?? [];
  waiting.set(app, descriptions);
  descriptions.push(() => describe(app, operation));
  const answer = async (context: AppContext): Promise<Response> => {
    const { req } = context;
    // Before anything else, for every route: a key without the scope learns and changes nothing.
    if (!operation.open) {
      requireScope(context.get("caller"), scopeOf(operation));
      requireOwnPage(context, operation);
      await requireQuotas(context, countsOf(operation));
    }
    const body = operation.bodyFor?.(context.get("config")) ?? operation.body;
    const given = {
      params: check(operation.params, req.param()),
      query: operation.query || isStrict(operation) ? check(operation.query ?? noQuery, readQuery(req)) : undefined,
      headers: operation.headers && check(operation.headers, req.header()),
      body: body ? check(body, await readJson(req.raw)) : undefined,
    };
    // A body may come slowly, and its key may have ended meanwhile.
    if (body && !operation.open) await confirmKey(context, scopeOf(operation));
    if (operation.counts === "run") requireNone(await admitRun(context.env, context.get("caller")));
    const input = given as Input<Params, Query, Headers, Body>;
    const { audit, quota, replaces } = operation;
    if (quota) await requireRoom(context, quota, async () => (await replaces?.(context, input)) ?? false);
    return await (audit ? auditOperation(context, audit, input, () => handle(context, input)) : handle(context, input));
  };
  const path = operation.path.replaceAll(/\{(\w+)\}/g, ":$1");
  app.on(operation.method.toUpperCase(), path, withErrors(operation.errors ?? usualErrors, answer));
}

/** What `/openapi.json` says of the app's operations. Few processes are asked for it, and each start would pay. */
const waiting = new WeakMap<App, (() => void)[]>();

/** Describes the operations that were added so far. */
export function describeOperations(app: App): void {
  const descriptions = waiting.get(app) ?? [];
  waiting.delete(app);
  for (const describe of descriptions) describe();
}

/** For tests, and for people: which actions of the audit the operation leaves. */
function actionsOf({
  audit,
  records = [],
}: {
  audit?: AuditAction | { action: AuditAction };
  records?: AuditAction[];
}) {
  return audit === undefined ? records : [typeof audit === "string" ? audit : audit.action];
}

type Counts = "run" | "change" | "version" | "sum" | "request" | "nothing";

function countsOf({ counts, scope, method }: { counts?: Counts; scope?: NeededScope; method: string }): Counts {
  if (counts !== undefined) return counts;
  if (scope === "admin") return "nothing";
  return method === "get" ? "request" : "change";
}

/** Before the body is read: a request that is refused costs a look into memory. */
async function requireQuotas({ env, get }: AppContext, counts: Counts): Promise<void> {
  if (counts === "nothing") return;
  const caller = get("caller");
  requireNone(await takeOne(env, caller, "requests_per_minute"));
  // D1 counts versions, which are large: what it has just refused is refused before it is read.
  if (counts === "version") requireNone(peekOne(env, caller, "agent_versions_per_minute"));
  if (counts === "change" || counts === "version") requireNone(await takeOne(env, caller, "changes_per_minute"));
  if (counts === "sum") requireNone(await takeOne(env, caller, "sums_per_minute"));
  // It is counted once its body is valid.
  if (counts === "run") requireNone(peekRun(env, caller));
}

function requireNone(refusal: Failure | null): void {
  if (refusal !== null) throw problemOf(refusal);
}

function scopeOf({ scope, method }: { scope?: NeededScope; method: string }): NeededScope {
  return scope ?? (method === "get" ? "read" : "write");
}

/** A browser that does not say which page asks may read, and no more: some GETs start a sandbox. */
function requireOwnPage(context: AppContext, operation: { scope?: NeededScope; method: string }): void {
  const needed = scopeOf(operation);
  if (!context.get("session")?.is_unclear || needed === "read" || needed === "any") return;
  throw new Problem("unauthorized", "This browser does not say which page asks. Use a newer one, or an API key.");
}

/** For people: pages that show the description leave out what `security` says of a scheme like ours. */
function sayScope(operation: { open?: true; scope?: NeededScope; method: string }): string | null {
  const scope = scopeOf(operation);
  return operation.open || scope === "any" ? null : `Needs the scope ${nameScopes(scope)}.`;
}

function describeSecurity(needed: NeededScope): { key: string[] }[] {
  return needed === "any" ? [{ key: [] }] : scopesOf(needed).map((scope) => ({ key: [scope] }));
}

const noQuery = z.strictObject({});
const bytes = z.string().openapi({ format: "binary" });

/** Open paths accept any query, because health probes may add parameters. */
function isStrict({ open, lenient }: { open?: true; lenient?: true }): boolean {
  return !open && !lenient;
}

/** The parser keeps escapes that are not UTF-8 as text, which could name another file. So this refuses them. */
function readQuery(req: AppContext["req"]): Record<string, string> {
  const [, query = ""] = /\?(.*)/s.exec(req.url) ?? [];
  try {
    decodeURIComponent(query.replace(/%(?![\da-f]{2})/gi, ""));
  } catch {
    throw new Problem("invalid_field", "The query is not UTF-8 where it is percent-encoded.");
  }
  return req.query();
}

function check(schema: Late<z.ZodType> | undefined, value: unknown): unknown {
  if (!schema) return undefined;
  const result = readLate(schema).safeParse(value);
  if (result.success) return result.data;
  const { code, detail } = toFailure(result.error);
  throw new Problem(code, detail);
}

function describe<Params, Query, Headers, Body>(app: App, operation: Operation<Params, Query, Headers, Body>): void {
  const { method, path, tag, summary, description } = operation;
  const params = operation.params && readLate(operation.params);
  const query = operation.query && readLate(operation.query);
  const headers = operation.headers && readLate(operation.headers);
  const body = operation.body && readLate<z.ZodType>(operation.body);
  const actions = actionsOf(operation);
  const said = [description, sayScope(operation)].filter(Boolean).join(" ");
  app.openAPIRegistry.registerPath({
    method,
    path,
    tags: [tag],
    summary,
    ...(said === "" ? {} : { description: said }),
    operationId: nameOf(method, path),
    ...(actions.length > 0 ? { "x-audit": actions } : {}),
    // Roles, as OpenAPI calls them for such a scheme: none for an operation that every key may do.
    security: operation.open ? [] : describeSecurity(scopeOf(operation)),
    request: {
      ...(params ? { params } : {}),
      ...(query ? { query } : {}),
      ...(headers ? { headers } : {}),
      ...(body
        ? { body: { required: !body.safeParse({}).success, content: { "application/json": { schema: body } } } }
        : {}),
      ...(operation.takesBytes ? { body: { content: { "application/octet-stream": { schema: bytes } } } } : {}),
    },
    responses: { ...describeAnswers(operation.answers), ...describeProblems(operation) },
  });
}

/** `get /v1/threads/{thread_id}/runs` is `get_threads_thread_id_runs`. */
function nameOf(method: string, path: string): string {
  const words = path.replace(/^\/v1/, "").split(/\W+/).filter(Boolean);
  return [method, ...words].join("_");
}

interface ResponseDescription {
  description: string;
  headers?: Record<string, { description: string; schema: { type: "string" } }>;
  content?: Record<string, { schema: z.ZodType; example?: unknown }>;
}

function describeAnswers(answers: Record<number, Answer>): Record<number, ResponseDescription> {
  const described: Record<number, ResponseDescription> = {};
  for (const [status, { description, schema, text, bytes: types = [], headers }] of Object.entries(answers)) {
    const named = Object.entries({ "X-Request-Id": "Names the request in the server's log.", ...headers });
    const content = {
      ...(schema ? { "application/json": { schema: readLate(schema) } } : {}),
      ...(text === "text/event-stream" ? { [text]: { schema: z.string(), example: examples.stream } } : {}),
      ...(text === "text/html" ? { [text]: { schema: z.string() } } : {}),
      ...Object.fromEntries(types.map((type) => [type, { schema: bytes }])),
    };
    described[Number(status)] = {
      description,
      headers: Object.fromEntries(
        named.map(([name, text]) => [name, { description: text, schema: { type: "string" } }]),
      ),
      ...(Object.keys(content).length > 0 ? { content } : {}),
    };
  }
  return described;
}

function describeProblems<Params, Query, Headers, Body>(
  operation: Operation<Params, Query, Headers, Body>,
): Record<number, ResponseDescription> {
  const codes = new Set<ProblemCode>(["internal", ...(operation.problems ?? [])]);
  if (!operation.open) codes.add("unauthorized").add("rate_limited").add("not_configured");
  if (!operation.open && scopeOf(operation) !== "any") codes.add("forbidden");
  if (operation.params || operation.body || operation.query) codes.add("invalid_field");
  if (operation.quota) codes.add("quota_exceeded");
  if (isStrict(operation)) codes.add("unknown_field");
  if (operation.body) codes.add("bad_json");
  if (operation.body || operation.takesBytes) codes.add("body_too_large");
  const statuses = Array.from(codes, (code) => ({ code, status: problems[code].status as number }));
  // With a time to wait. An operation that names it may also answer it without one.
  if (codes.has("rate_limited")) statuses.push({ code: "quota_exceeded", status: 429 });
  const described: Record<number, ResponseDescription> = {};
  const { type } = operation.errors ?? usualErrors;
  for (const status of new Set(statuses.map((each) => each.status))) {
    const ofStatus = statuses.flatMap((each) => (each.status === status ? [each.code] : [])).sort();
    const [code = "internal"] = ofStatus;
    const example = {
      ...examples.problem,
      type: `urn:taskloom:problem:${code}`,
      title: problems[code].title,
      status,
      detail: problems[code].title,
      code,
    };
    described[status] = { description: ofStatus.join(", "), content: { [type]: { schema: problem(), example } } };
  }
  return described;
}
