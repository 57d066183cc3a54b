// What an operation is: its form, and what follows from what it does not say.
import type { z } from "@hono/zod-openapi";
import type { Config } from "../config.ts";
import type { ProblemCode } from "../protocol/error.ts";
import type { AuditAction } from "../protocol/people/audit.ts";
import type { Late } from "../protocol/schemas/late.ts";
import type { CountedName } from "../store/quotas/held.ts";
import type { OperationAudit } from "./audit.ts";
import type { NeededScope } from "./auth.ts";
import type { AppContext } from "./context.ts";
import type { ErrorForm } from "./errors.ts";

export interface Answer {
  description: string;
  /** The schema of a JSON body. Without `schema`, `text` and `bytes` there is no body. */
  schema?: Late<z.ZodType>;
  /** The response may have this type too; only this one if there is no schema. */
  text?: "text/event-stream" | "text/html" | "text/plain" | "text/markdown" | "application/xml";
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
  /** The handler reads the body itself: bytes, or text of these content types. */
  takes?: "bytes" | (() => Record<string, z.ZodType>);
  answers: Record<number, Answer>;
  /** Problems beside those that every operation can answer. */
  problems?: ProblemCode[];
  /** Unknown fields are ignored, because the protocol is not ours. */
  lenient?: true;
  /** The form in which the clients of a protocol read errors. */
  errors?: ErrorForm;
  /**
   * The quota that a call counts for beside its user's requests. Without it, what changes something is a change. A
   * `version` of an agent is one, too. `nothing`, also what only admins may do: it works while somebody floods with a
   * key that leaked.
   */
  counts?: Counts;
  /** What the audit records of each call that is admitted and valid. */
  audit?: OperationAudit<Input<Params, Query, Headers, Body>>;
  /** The quota of what the operation makes. Whoever has no room is refused before anything is written. */
  quota?: CountedName;
  /** Whether it replaces what the user has, and needs no room. Only asked of whoever has none. */
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

export type Counts = "run" | "change" | "version" | "sum" | "request" | "nothing";

export function countsOf({ counts, scope, method }: { counts?: Counts; scope?: NeededScope; method: string }): Counts {
  if (counts !== undefined) return counts;
  if (scope === "admin") return "nothing";
  return method === "get" ? "request" : "change";
}

export function scopeOf({ scope, method }: { scope?: NeededScope; method: string }): NeededScope {
  return scope ?? (method === "get" ? "read" : "write");
}

/** Open paths accept any query, because health probes may add parameters. */
export function isStrict({ open, lenient }: { open?: true; lenient?: true }): boolean {
  return !open && !lenient;
}
