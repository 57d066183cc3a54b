// What `/openapi.json` says of an operation.
import { z } from "@hono/zod-openapi";
import { type ProblemCode, problems } from "../protocol/error.ts";
import type { AuditAction } from "../protocol/people/audit.ts";
import { readLate } from "../protocol/schemas/late.ts";
import { type NeededScope, nameScopes, scopesOf } from "./auth.ts";
import type { App } from "./context.ts";
import { usualErrors } from "./errors.ts";
import * as examples from "./examples.ts";
import { problem } from "./schemas.ts";
import { type Answer, isStrict, type Operation, scopeOf } from "./specification.ts";

const bytes = z.string().openapi({ format: "binary" });
/** Of each frame of a stream, as generators of clients read it. OpenAPI 3.1 has no word for that. */
const event = { $ref: "#/components/schemas/Event" };
const waits = { "Retry-After": "In how many seconds the same request may succeed." };

function contentOf(takes: "bytes" | (() => Record<string, z.ZodType>)): Record<string, { schema: z.ZodType }> {
  if (takes === "bytes") return { "application/octet-stream": { schema: bytes } };
  return Object.fromEntries(Object.entries(takes()).map(([type, schema]) => [type, { schema }]));
}

export function describeOperation<Params, Query, Headers, Body>(
  app: App,
  operation: Operation<Params, Query, Headers, Body>,
): void {
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
      ...(operation.takes ? { body: { required: true, content: contentOf(operation.takes) } } : {}),
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
  content?: Record<string, { schema: z.ZodType | typeof event; example?: unknown }>;
}

function describeHeaders(headers: Record<string, string>): ResponseDescription["headers"] {
  const described = Object.entries(headers).map(
    ([name, text]) => [name, { description: text, schema: { type: "string" as const } }] as const,
  );
  return Object.fromEntries(described);
}

function describeAnswers(answers: Record<number, Answer>): Record<number, ResponseDescription> {
  const described: Record<number, ResponseDescription> = {};
  for (const [status, { description, schema, text, bytes: types = [], headers }] of Object.entries(answers)) {
    const content = {
      ...(schema ? { "application/json": { schema: readLate(schema) } } : {}),
      ...(text === "text/event-stream" ? { [text]: { schema: event } } : {}),
      ...(text && text !== "text/event-stream" ? { [text]: { schema: z.string() } } : {}),
      ...Object.fromEntries(types.map((type) => [type, { schema: bytes }])),
    };
    described[Number(status)] = {
      description,
      headers: describeHeaders({ "X-Request-Id": "Names the request in the server's log.", ...headers }),
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
  if (operation.body || operation.takes) codes.add("body_too_large");
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
    const headers = status === 429 ? { headers: describeHeaders(waits) } : {};
    described[status] = {
      description: ofStatus.join(", "),
      ...headers,
      content: { [type]: { schema: problem(), example } },
    };
  }
  return described;
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

/** For people: pages that show the description leave out what `security` says of a scheme like ours. */
function sayScope(operation: { open?: true; scope?: NeededScope; method: string }): string | null {
  const scope = scopeOf(operation);
  return operation.open || scope === "any" ? null : `Needs the scope ${nameScopes(scope)}.`;
}

function describeSecurity(needed: NeededScope): { key: string[] }[] {
  return needed === "any" ? [{ key: [] }] : scopesOf(needed).map((scope) => ({ key: [scope] }));
}
